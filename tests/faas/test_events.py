from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas.errors import NotAnEvent
from faas.events import (
    Acked,
    Event,
    Heard,
    Joined,
    Logged,
    Status,
    TxAcked,
    Uplink,
    is_newer,
    mark_of,
    ns_of,
    parse_event,
)
from faas.testing import DEV_EUI, NOON_NS, document, event, uplink, uplink_document

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
KINDS = st.sampled_from(["up", "join", "status", "ack", "txack", "log", "location"])
MARKS = st.builds(
    mark_of,
    st.sampled_from(["01a7c3e5", "01ffffff"]),
    st.integers(0, 2**32 - 1),
    st.integers(0, 10**18),
)


def test_an_uplink_is_read_whole() -> None:
    data = {"message": "status", "level": 30}
    found = uplink(data, f_cnt=7, tags={"street": "Rue Alsace"})

    assert isinstance(found, Uplink)
    assert (DEV_EUI, "device-0708", "street-light") == (
        found.dev_eui,
        found.device_name,
        found.device_type,
    )
    assert "Rue Alsace" == found.tags["street"]
    assert (data, "status", b"\0") == (found.data, found.message, found.payload)
    assert (1, 7, 5, "01a7c3e5") == (
        found.f_port,
        found.f_cnt,
        found.dr,
        found.dev_addr,
    )
    assert (
        Heard(gateway_id="0016c001f1500a2b", rssi_dbm=-97, snr_db=6.5),
    ) == found.heard_by
    assert datetime(2026, 9, 14, 12, tzinfo=UTC) == found.time


def test_values_the_server_leaves_out_of_rx_info_are_zero() -> None:
    found = event("up", {**uplink_document(), "rxInfo": [{"gatewayId": "aa"}]})

    assert isinstance(found, Uplink)
    assert (Heard(gateway_id="aa", rssi_dbm=0, snr_db=0.0),) == found.heard_by


def test_the_servers_clock_is_used_and_never_the_gateways() -> None:
    found = event("up", {**uplink_document(), "time": "1999-01-01T00:00:00+00:00"})

    assert datetime(2026, 9, 14, 12, tzinfo=UTC) == found.time


def test_without_the_servers_clock_the_arrival_counts() -> None:
    found = event("up", {**uplink_document(heard_ns=5), "rxInfo": []})

    assert NOON_NS == round(found.time.timestamp()) * 10**9


def test_an_untagged_device_is_of_unknown_type() -> None:
    assert "unknown" == uplink(device_type=None).device_type


def test_the_dev_eui_is_in_lower_case() -> None:
    assert "00000000000000ab" == uplink(dev_eui="00000000000000AB").dev_eui


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("join", {"devAddr": "01A7C3E5"}, {"dev_addr": "01a7c3e5"}),
        (
            "txack",
            {"queueItemId": "q", "gatewayId": "g", "fCntDown": 3},
            {"command_id": "q", "gateway_id": "g", "f_cnt_down": 3},
        ),
        (
            "ack",
            {"queueItemId": "q", "acknowledged": True, "fCntDown": 3},
            {"command_id": "q", "acknowledged": True, "f_cnt_down": 3},
        ),
        (
            "status",
            {"margin": -3, "externalPowerSource": False, "batteryLevel": 98.4252},
            {"margin_db": -3, "battery_percent": 98.4252, "external_power": False},
        ),
        (
            "status",
            {"margin": 3, "externalPowerSource": True, "batteryLevel": 0.0},
            {"margin_db": 3, "battery_percent": None, "external_power": True},
        ),
        (
            "status",
            {"margin": 3, "batteryLevelUnavailable": True, "batteryLevel": 0.0},
            {"margin_db": 3, "battery_percent": None, "external_power": False},
        ),
        (
            "log",
            {
                "level": "ERROR",
                "code": "OTAA",
                "description": "d",
                "context": {"a": "b"},
            },
            {
                "level": "ERROR",
                "code": "OTAA",
                "description": "d",
                "context": {"a": "b"},
            },
        ),
    ],
)
def test_each_kind_is_read_with_its_own_fields(
    kind: str, fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = event(kind, document(**fields))

    assert expected == {name: getattr(found, name) for name in expected}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("up", Uplink),
        ("join", Joined),
        ("txack", TxAcked),
        ("ack", Acked),
        ("status", Status),
        ("log", Logged),
        ("location", Event),
        ("something-new", Event),
    ],
)
def test_each_kind_has_its_type(kind: str, expected: type) -> None:
    found = event(kind, uplink_document(margin=1))

    assert expected is type(found)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"deviceInfo": None}, "NoneType"),
        ({"fCnt": None}, "NoneType"),
        ({"fCnt": -1}, "fCnt = -1"),
        ({"fCnt": 1 << 32}, "fCnt = 4294967296"),
        ({"devAddr": "01:7c:3e"}, "devAddr = '01:7c:3e'"),
        ({"devAddr": 7}, "devAddr = 7"),
        ({"data": "%%"}, "base64"),
        ({"object": [1]}, "[1]"),
        ({"rxInfo": [{"nsTime": "yesterday"}]}, "yesterday"),
        ({"rxInfo": [{"nsTime": "1960-01-01T00:00:00Z"}]}, "before 1970"),
    ],
)
def test_what_is_wrong_with_an_uplink_is_said(
    change: dict[str, Any], said: str
) -> None:
    with pytest.raises(NotAnEvent) as refusal:
        event("up", {**uplink_document(), **change})

    assert "asked for a ChirpStack 'up' event; found" in str(refusal.value)
    assert said in str(refusal.value)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(NotAnEvent, match="no 'deviceInfo'"):
        event("join", {})


@given(KINDS, JSON)
def test_any_json_is_an_event_or_refused(kind: str, found: Any) -> None:
    with suppress(NotAnEvent):
        parse_event(kind, found, event_id="p00-0-1", arrived_ns=NOON_NS)


@given(KINDS, st.dictionaries(st.sampled_from(list(uplink_document())), JSON))
def test_an_event_with_any_field_replaced_is_an_event_or_refused(
    kind: str, change: dict[str, Any]
) -> None:
    with suppress(NotAnEvent):
        event(kind, {**uplink_document(), **change})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:01Z", 10**9),
        ("1970-01-01T01:00:01+01:00", 10**9),
        ("1970-01-01T00:00:01.5+00:00", 1_500_000_000),
        ("1970-01-01T00:00:01.451870112+00:00", 1_451_870_112),
        ("1969-12-31T23:00:01.000000009-01:00", 1_000_000_009),
    ],
)
def test_instants_keep_their_nanoseconds(text: str, expected: int) -> None:
    assert expected == ns_of(text)


def test_anything_is_newer_than_nothing() -> None:
    assert uplink().newer_than(None)


def test_within_a_session_the_counter_decides_whatever_the_clock_says() -> None:
    assert is_newer(mark_of("01a7c3e5", 2, 10), mark_of("01a7c3e5", 1, 20))


def test_between_sessions_the_servers_clock_decides() -> None:
    assert is_newer(mark_of("01a7c3e5", 0, 20), mark_of("01ffffff", 99, 10))
    assert not is_newer(mark_of("01a7c3e5", 99, 10), mark_of("01ffffff", 0, 20))


def test_a_counter_that_falls_after_minutes_is_a_reset() -> None:
    minutes_ns = 61 * 10**9

    assert is_newer(mark_of("01a7c3e5", 0, minutes_ns), mark_of("01a7c3e5", 9, 0))
    assert not is_newer(mark_of("01a7c3e5", 0, 10**9), mark_of("01a7c3e5", 9, 0))


@given(MARKS)
def test_nothing_is_newer_than_itself(mark: str) -> None:
    assert not is_newer(mark, mark)
