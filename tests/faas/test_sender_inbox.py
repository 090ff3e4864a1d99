"""What the sender reads: every event of ChirpStack, and any bytes at all."""

import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from city.command import Command, Item, Payload, Rules
from city.command_life import Life
from city.errors import BadCommand
from city.line import Radio
from faas.sender.inbox import Arrival, arrival, overhear, tell
from faas.sender.outgoing import down

EUI = "a81758fffe0301c4"
ID = "00000000-0000-0000-0000-000000000001"
RULES = Rules(
    confirm_message="status",
    confirm_fields=("level",),
    confirm_within_s=15.0,
    expires_s=300.0,
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "time",
                    "rxInfo",
                    "nsTime",
                    "object",
                    "message",
                    "queueItemId",
                    "code",
                    "context",
                    "queue_item_id",
                    "acknowledged",
                    "level",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


def queued() -> Life:
    life = Life(EUI, RULES)
    command = Command(
        id=ID, dev_eui=EUI, object={"level": 5}, requested_at=0.0, expires_at=300.0
    )
    life.request(command, Payload(f_port=60, data=b"\x05"), 0.0)
    life.prepared(ID, 0, 0.0)
    life.published(ID, 0.0)
    life.changes()
    return life


def told(*events: tuple[str, dict[str, Any]]) -> str:
    life = queued()
    for kind, document in events:
        payload = json.dumps(document).encode()
        event = Arrival(application_id="a", dev_eui=EUI, kind=kind, payload=payload)
        tell(life, event, 1.0)
    states = [entry.state for _before, entry in life.changes()]
    return states[-1] if states else "queued"


TXACK = ("txack", {"time": "2026-09-14T08:21:07.934201+00:00", "queueItemId": ID})


def up(ns_time: str) -> tuple[str, dict[str, Any]]:
    rx_info = [{"nsTime": "2026-09-14T09:00:00Z"}, {"nsTime": ns_time}]
    document = {"object": {"message": "status", "level": 5}, "rxInfo": rx_info}
    return "up", {"time": "2020-01-01T00:00:00Z", **document}


def test_a_tx_ack_and_a_later_report_confirm() -> None:
    assert "transmitted" == told(TXACK)
    assert "confirmed" == told(TXACK, up("2026-09-14T08:21:08.000000001Z"))


def test_the_earliest_reception_says_when_a_report_was_heard() -> None:
    assert "transmitted" == told(TXACK, up("2026-09-14T08:21:07.900000001Z"))


def test_a_tx_ack_of_another_item_is_not_ours() -> None:
    assert "queued" == told(("txack", TXACK[1] | {"queueItemId": "other"}))


def test_a_nack_settles_nothing() -> None:
    nack = ("ack", {"queueItemId": ID, "acknowledged": False})

    assert "transmitted" == told(TXACK, nack)


def test_an_ack_acknowledges() -> None:
    ack = ("ack", {"queueItemId": ID, "acknowledged": True})

    assert "acknowledged" == told(TXACK, ack)


def test_a_discarded_item_ends_its_command() -> None:
    log = {"code": "DOWNLINK_PAYLOAD_SIZE", "context": {"queue_item_id": ID}}

    assert "failed" == told(("log", log))
    assert "expired" == told(("log", log | {"code": "EXPIRED"}))


def test_a_topic_without_a_device_is_nobodys() -> None:
    assert arrival({b"topic": b"eu868/gateway/1/event/up", b"payload": b""}) is None
    assert arrival(None) is None
    assert arrival({}) is None


def test_what_is_overheard_makes_the_sentences_true() -> None:
    radio = Radio()
    overhear(radio, "join", 1.0)

    assert (False, None) == (radio.heard, radio.busy_from)

    overhear(radio, "up", 2.0)

    assert (True, 2.0) == (radio.heard, radio.busy_from)


@given(
    st.sampled_from(["up", "join", "txack", "ack", "log", "status"]),
    st.binary() | ANYTHING.map(lambda x: json.dumps(x).encode()),
)
def test_any_bytes_are_told_or_refused(kind: str, payload: bytes) -> None:
    life = queued()
    event = Arrival(application_id="a", dev_eui=EUI, kind=kind, payload=payload)
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        tell(life, event, 1.0)

    stored = bytes(life)
    assert stored == bytes(Life.parse(stored, EUI, RULES))


@given(st.binary() | ANYTHING.map(lambda x: json.dumps(x).encode()))
def test_any_order_is_a_command_or_refused(data: bytes) -> None:
    with suppress(BadCommand):
        Command.parse(data)


def test_a_command_is_read_as_it_was_written() -> None:
    command = Command(
        id=ID,
        dev_eui=EUI,
        object={"level": 5},
        requested_at=1.5,
        expires_at=3.0,
        why="test",
        supersedes=False,
    )

    assert command == Command.parse(bytes(command))


def test_the_downlink_is_what_chirpstack_reads() -> None:
    item = Item(
        id=ID,
        command_id=ID,
        payload=Payload(f_port=60, data=b"\x01\x3c"),
        expires_at=1_789_374_067.5,
        asks=False,
        phase="sending",
        since=0.0,
        look_at=0.0,
    )
    topic, body = down("app", EUI, item)

    assert f"application/app/device/{EUI}/command/down" == topic
    assert {
        "id": ID,
        "devEui": EUI,
        "confirmed": False,
        "fPort": 60,
        "data": "ATw=",
        "expiresAt": "2026-09-14T08:21:07.500000+00:00",
    } == json.loads(body)
