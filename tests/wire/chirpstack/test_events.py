import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.chirpstack.events import (
    Acked,
    Event,
    Heard,
    Joined,
    Logged,
    Status,
    TxAcked,
    Uplink,
    event_of,
    parse_event,
)
from wire.errors import Malformed

DEV_EUI = "a81758fffe0301c4"
INFO = {
    "applicationId": "1b7f4c0e-0e4d-4a53-9f0a-2f6b6a2d7c31",
    "deviceProfileName": "lamp-node-eu868",
    "deviceName": "lamp-0147",
    "devEui": DEV_EUI,
    "deviceClassEnabled": "CLASS_C",
    "tags": {"district": "nord", "device_type": "street-light"},
}
TIME = "2026-09-14T08:21:07.412305+00:00"
LATER = "2026-09-14T08:21:07.451870112+00:00"
UP = {
    "deduplicationId": "5f0b8a52-3c0e-4d0f-9a3e-7c2a0c9b9d11",
    "time": TIME,
    "deviceInfo": INFO,
    "devAddr": "01a7c3e5",
    "adr": True,
    "dr": 3,
    "fCnt": 70000,
    "fPort": 2,
    "confirmed": False,
    "data": "AWcBCg==",
    "object": {"message": "status", "level": 40.0},
    "rxInfo": [
        {"gatewayId": "0016c001f1500a2b", "nsTime": TIME, "rssi": -97, "snr": 6.5},
        {"gatewayId": "0016c001f1500a2c", "nsTime": LATER, "rssi": -99, "snr": 7.25},
        {"gatewayId": "0016c001f1500a2d"},
    ],
    "txInfo": {
        "frequency": 868300000,
        "modulation": {"lora": {"bandwidth": 125000, "spreadingFactor": 9}},
    },
    "regionConfigId": "eu868",
}


ARRIVED_NS = 1_789_374_068 * 10**9


def read(kind: str, document: Any) -> Event:
    topic = f"application/app/device/{DEV_EUI}/event/{kind}"
    return parse_event(topic, json.dumps(document).encode(), arrived_ns=ARRIVED_NS)


def test_an_uplink_says_what_its_document_says() -> None:
    event = read("up", UP)

    assert isinstance(event, Uplink)
    assert ("up", DEV_EUI, INFO["applicationId"]) == (
        event.kind,
        event.dev_eui,
        event.application_id,
    )
    assert ("lamp-0147", "street-light") == (event.device_name, event.device_type)
    assert ("01a7c3e5", 3, 70000, 2) == (
        event.dev_addr,
        event.dr,
        event.f_cnt,
        event.f_port,
    )
    assert (False, b"\x01\x67\x01\x0a") == (event.confirmed, event.payload)
    assert ({"message": "status", "level": 40.0}, "status") == (
        event.data,
        event.message,
    )
    assert UP == event.document


def test_every_gateways_reception_is_there_and_the_earliest_instant_counts() -> None:
    event = read("up", UP)

    assert isinstance(event, Uplink)
    assert (
        Heard("0016c001f1500a2b", -97, 6.5),
        Heard("0016c001f1500a2c", -99, 7.25),
        Heard("0016c001f1500a2d", 0, 0.0),
    ) == event.heard_by
    assert 1_789_374_067_412_305_000 == event.heard_ns
    assert datetime(2026, 9, 14, 8, 21, 7, 412305, UTC) == event.time
    assert "01a7c3e5:70000:1789374067412305000" == event.mark


def test_without_the_servers_clock_the_arrival_counts() -> None:
    event = read("join", {"deviceInfo": INFO})

    assert ARRIVED_NS == round(event.time.timestamp()) * 10**9


def test_only_what_is_asked_for_is_read() -> None:
    event = read("up", {"fCnt": 7, "rxInfo": "nonsense"})

    assert isinstance(event, Uplink)
    assert 7 == event.f_cnt
    with pytest.raises(Malformed, match="found no 'deviceInfo'"):
        _ = event.dev_eui


@given(st.sampled_from([*UP, "none"]), st.sampled_from([UP["rxInfo"], 7, "", None]))
def test_at_the_door_the_same_is_read_as_one_by_one(name: str, value: Any) -> None:
    document = {**UP, name: value}
    fields = (
        *("dev_eui", "device_name", "device_type", "application_id", "tags", "time"),
        *("data", "message", "payload", "f_port", "f_cnt", "dr", "dev_addr"),
        *("confirmed", "heard_by", "heard_ns", "mark"),
    )

    def said(*, checked: bool) -> dict[str, Any] | str:
        event = event_of("up", document)
        try:
            event = event.check() if checked else event
            return {field: getattr(event, field) for field in fields}
        except Malformed as error:
            return str(error)[:40]

    assert said(checked=False) == said(checked=True)


def test_an_event_does_not_change() -> None:
    with pytest.raises(AttributeError, match="an event does not change"):
        read("up", UP).kind = "join"


def test_a_join_gives_the_address() -> None:
    event = read("join", {"devAddr": "01A7C3E5"})

    assert isinstance(event, Joined)
    assert "01a7c3e5" == event.dev_addr


def test_a_txack_names_the_queue_item() -> None:
    event = read(
        "txack",
        {"queueItemId": "q", "fCntDown": 7, "gatewayId": "0016c001f1500a2b"},
    )

    assert isinstance(event, TxAcked)
    assert ("q", 7, "0016c001f1500a2b") == (
        event.command_id,
        event.f_cnt_down,
        event.gateway_id,
    )


@pytest.mark.parametrize("acknowledged", [True, False])
def test_an_ack_says_whether(*, acknowledged: bool) -> None:
    event = read(
        "ack", {"queueItemId": "q", "acknowledged": acknowledged, "fCntDown": 1}
    )

    assert isinstance(event, Acked)
    assert ("q", acknowledged, 1) == (
        event.command_id,
        event.acknowledged,
        event.f_cnt_down,
    )


@pytest.mark.parametrize(
    ("fields", "percent"),
    [
        ({"batteryLevel": 98.4252}, 98.4252),
        ({"batteryLevelUnavailable": True, "batteryLevel": 0.0}, None),
        ({"externalPowerSource": True, "batteryLevel": 0.0}, None),
    ],
)
def test_a_status_says_battery_and_margin(
    fields: dict[str, Any], percent: float | None
) -> None:
    event = read("status", {"margin": -5, **fields})

    assert isinstance(event, Status)
    assert (-5, percent) == (event.margin_db, event.battery_percent)


def test_a_log_gives_its_code_and_context() -> None:
    event = read(
        "log",
        {
            "level": "ERROR",
            "code": "EXPIRED",
            "description": "Device queue-item discarded because it has expired",
            "context": {"queue_item_id": "q"},
        },
    )

    assert isinstance(event, Logged)
    assert ("ERROR", "EXPIRED") == (event.level, event.code)
    assert {"queue_item_id": "q"} == event.context


def test_a_kind_nobody_knows_is_still_an_event() -> None:
    event = read("integration", {"deviceInfo": INFO, "news": 1})

    assert Event is type(event)
    assert ("integration", DEV_EUI) == (event.kind, event.dev_eui)
    assert 1 == event.document["news"]


@pytest.mark.parametrize("payload", [b"", b"\xff\x00", b"[]", b"7", b"{", b"[" * 9000])
def test_no_json_object_is_malformed(payload: bytes) -> None:
    with pytest.raises(Malformed):
        parse_event(f"application/app/device/{DEV_EUI}/event/up", payload)


def test_a_command_topic_carries_no_event() -> None:
    with pytest.raises(Malformed, match="not events"):
        parse_event(f"application/app/device/{DEV_EUI}/command/down", b"{}")


@given(st.binary(max_size=60))
def test_any_payload_is_an_event_or_malformed(payload: bytes) -> None:
    try:
        parse_event(f"application/app/device/{DEV_EUI}/event/up", payload).check()
    except Malformed:
        return
