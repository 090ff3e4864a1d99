import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.chirpstack.events import (
    AckEvent,
    Event,
    JoinEvent,
    LocationEvent,
    LogEvent,
    StatusEvent,
    TxAckEvent,
    UpEvent,
    event_of,
    parse_event,
)
from wire.chirpstack.topics import DeviceTopic
from wire.errors import Malformed
from wire.eui64 import EUI64

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


def unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def read(kind: str, document: Any) -> Event:
    topic = f"application/app/device/{DEV_EUI}/event/{kind}"
    return parse_event(topic, json.dumps(document).encode())


def test_an_uplink_says_what_its_document_says() -> None:
    event = read("up", UP)

    assert isinstance(event, UpEvent)
    assert EUI64.parse(DEV_EUI) == event.dev_eui
    assert ("up", "app") == (event.kind, event.application_id)
    assert UP["deduplicationId"] == event.deduplication_id
    assert unix(TIME) == event.time_s
    assert ("lamp-0147", "street-light") == (event.device_name, event.device_type)
    assert ("01a7c3e5", 3, 70000, 2) == (
        event.dev_addr,
        event.dr,
        event.f_cnt,
        event.f_port,
    )
    assert (True, False) == (event.adr, event.confirmed)
    assert b"\x01\x67\x01\x0a" == event.data
    assert {"message": "status", "level": 40.0} == event.object
    assert (868_300_000, 9) == (event.frequency_hz, event.spreading_factor)
    assert UP == event.document


def test_the_best_reception_and_the_latest_instant_are_taken() -> None:
    event = read("up", UP)

    assert isinstance(event, UpEvent)
    assert (-99, 7.25) == (event.rssi_dbm, event.snr_db)
    assert unix(LATER) == event.ns_time_s


def test_a_defaulted_reception_reads_as_zero() -> None:
    event = read("up", {"rxInfo": [{"gatewayId": "0016c001f1500a2d"}]})

    assert isinstance(event, UpEvent)
    assert (0, 0) == (event.rssi_dbm, event.snr_db)
    assert event.ns_time_s is None


def test_an_uplink_without_reception_has_no_radio() -> None:
    event = read("up", {})

    assert isinstance(event, UpEvent)
    assert event.rssi_dbm is None
    assert event.snr_db is None
    assert event.ns_time_s is None
    assert event.object is None


def test_an_untagged_device_is_of_unknown_type() -> None:
    assert "unknown" == read("join", {}).device_type


def test_the_device_comes_from_the_topic() -> None:
    event = read("up", {"deviceInfo": {"devEui": "ffffffffffffffff"}})

    assert EUI64.parse(DEV_EUI) == event.dev_eui


@pytest.mark.parametrize("document", [{}, {"deduplicationId": ""}])
def test_a_missing_deduplication_id_is_empty(document: dict[str, str]) -> None:
    assert "" == read("txack", document).deduplication_id


def test_a_join_gives_the_address() -> None:
    event = read("join", {"devAddr": "01a7c3e5"})

    assert isinstance(event, JoinEvent)
    assert "01a7c3e5" == event.dev_addr


def test_a_txack_names_the_queue_item() -> None:
    event = read(
        "txack",
        {
            "downlinkId": 2718281828,
            "queueItemId": "c2c1d1a7-42a8-4a5f-9d5c-6f1b8fc0a9b2",
            "fCntDown": 7,
            "gatewayId": "0016c001f1500a2b",
            "txInfo": {"frequency": 869525000},
        },
    )

    assert isinstance(event, TxAckEvent)
    assert "c2c1d1a7-42a8-4a5f-9d5c-6f1b8fc0a9b2" == event.queue_item_id
    assert (2718281828, 7) == (event.downlink_id, event.f_cnt_down)
    assert ("0016c001f1500a2b", 869_525_000) == (event.gateway_id, event.frequency_hz)


@pytest.mark.parametrize("acknowledged", [True, False])
def test_an_ack_says_whether(*, acknowledged: bool) -> None:
    event = read(
        "ack", {"queueItemId": "q", "acknowledged": acknowledged, "fCntDown": 1}
    )

    assert isinstance(event, AckEvent)
    assert ("q", acknowledged, 1) == (
        event.queue_item_id,
        event.acknowledged,
        event.f_cnt_down,
    )


def test_a_status_says_battery_and_margin() -> None:
    event = read(
        "status",
        {
            "margin": -5,
            "externalPowerSource": False,
            "batteryLevelUnavailable": True,
            "batteryLevel": 98.4252,
        },
    )

    assert isinstance(event, StatusEvent)
    assert (-5, False, True, 98.4252) == (
        event.margin_db,
        event.external_power_source,
        event.battery_level_unavailable,
        event.battery_level,
    )


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

    assert isinstance(event, LogEvent)
    assert ("ERROR", "EXPIRED") == (event.level, event.code)
    assert {"queue_item_id": "q"} == event.context


def test_a_location_is_a_place() -> None:
    event = read(
        "location",
        {"location": {"latitude": 43.6, "longitude": 1.4, "altitude": 152}},
    )

    assert isinstance(event, LocationEvent)
    assert (43.6, 1.4, 152) == (event.latitude, event.longitude, event.altitude_m)


def test_a_kind_nobody_knows_is_still_an_event() -> None:
    event = read("integration", {"deviceInfo": INFO, "news": 1})

    assert Event is type(event)
    assert "integration" == event.kind
    assert 1 == event.document["news"]


@pytest.mark.parametrize(
    "text",
    [
        "2026-09-14T08:21:07.412Z",
        "2026-09-14T08:21:07.412+00:00",
        "2026-09-14T10:21:07.412+02:00",
        "2026-09-14T08:21:07.412000000+00:00",
    ],
)
def test_every_spelling_of_an_instant_is_the_same(text: str) -> None:
    assert unix("2026-09-14T08:21:07.412+00:00") == read("up", {"time": text}).time_s


@pytest.mark.parametrize("payload", [b"", b"\xff\x00", b"[]", b"7", b"{", b"[" * 9000])
def test_no_json_object_is_malformed(payload: bytes) -> None:
    with pytest.raises(Malformed):
        parse_event(f"application/app/device/{DEV_EUI}/event/up", payload)


def test_a_command_topic_carries_no_event() -> None:
    with pytest.raises(Malformed, match="not events"):
        parse_event(f"application/app/device/{DEV_EUI}/command/down", b"{}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from([*UP, *INFO, "rssi", "snr"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
KINDS = ["up", "join", "ack", "txack", "status", "log", "location", "new"]


@given(
    st.sampled_from(KINDS),
    st.dictionaries(
        st.sampled_from([*UP, "location", "margin", "context"]), JSON, max_size=4
    ),
)
def test_any_object_is_read_as_far_as_it_goes(
    kind: str, document: dict[str, Any]
) -> None:
    topic = DeviceTopic.parse(f"application/app/device/{DEV_EUI}/event/{kind}")
    event = event_of(topic, document)

    assert (kind, document) == (event.kind, event.document)


@given(st.binary(max_size=60))
def test_any_payload_is_an_event_or_malformed(payload: bytes) -> None:
    try:
        parse_event(f"application/app/device/{DEV_EUI}/event/up", payload)
    except Malformed:
        return
