"""ChirpStack's JSON rules, one by one (contract §3.2)."""

import json
import struct
from datetime import datetime
from typing import Any

import pytest
from chirpstack_api import common, gw
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToDict, Parse
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from chirpstack_embedded.core.gateway_codec import write_downlink
from chirpstack_embedded.core.heard import heard_rx
from chirpstack_embedded.core.rendering import (
    dump,
    duration_text,
    float32,
    nanoseconds,
    render_message,
    single,
    timestamp_text,
)

SECOND = 1_000_000_000

# ChirpStack leaves minus zero out, Python's protobuf does not. The greatest floats
# protobuf itself cannot read back from what it writes.
_SNR = st.floats(-(2.0**100), 2.0**100, width=32).map(lambda value: value + 0.0)


@pytest.mark.parametrize(
    ("instant_ns", "text"),
    [
        (0, "1970-01-01T00:00:00+00:00"),
        (1_789_374_067 * SECOND, "2026-09-14T08:21:07+00:00"),
        (1_789_374_067 * SECOND + 500_000_000, "2026-09-14T08:21:07.500+00:00"),
        (1_789_374_067 * SECOND + 412_305_000, "2026-09-14T08:21:07.412305+00:00"),
        (1_789_374_067 * SECOND + 451_870_112, "2026-09-14T08:21:07.451870112+00:00"),
        (-1, "1969-12-31T23:59:59.999999999+00:00"),
    ],
)
def test_instants_have_a_numeric_offset_and_as_many_digits_as_needed(
    instant_ns: int, text: str
) -> None:
    assert text == timestamp_text(instant_ns)


@given(st.integers(-(10**21), 10**21))
def test_any_instant_can_be_read_back(instant_ns: int) -> None:
    assert datetime.fromisoformat(timestamp_text(instant_ns)).tzinfo is not None


@pytest.mark.parametrize(
    ("seconds", "nanos", "text"),
    [
        (1, 0, "1s"),
        (0, 500_000_000, "0.500s"),
        (1_473_841_285, 412_305_000, "1473841285.412305s"),
        (0, 1, "0.000000001s"),
        (-1, -500_000_000, "-1.500s"),
    ],
)
def test_durations_are_seconds(seconds: int, nanos: int, text: str) -> None:
    assert text == duration_text(seconds, nanos)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (6.5, b"6.5"),
        (-12.0, b"-12.0"),
        (single(98.4252), b"98.4252"),
        (single(0.1), b"0.1"),
        (16_777_216.0, b"16777216.0"),
    ],
)
def test_float32_is_the_shortest_text_that_round_trips(
    value: float, text: bytes
) -> None:
    assert b'{"x":' + text + b"}" == dump({"x": float32(value)})


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_every_float32_survives_its_text(value: float) -> None:
    assert struct.pack("<f", value) == struct.pack("<f", float32(value))


def test_defaults_inside_gateway_messages_are_left_out() -> None:
    rx = gw.UplinkRxInfo(gateway_id="00", rssi=0, snr=0.0)
    rx.location.SetInParent()

    assert {"gatewayId": "00", "location": {}} == render_message(rx)


def test_keys_come_in_the_order_of_declaration() -> None:
    rx = gw.UplinkRxInfo(
        crc_status=gw.CRCStatus.CRC_OK,
        metadata={"a": "b"},
        context=b"\x01",
        snr=1.0,
        rssi=-1,
        uplink_id=3,
        gateway_id="00",
    )
    rx.ns_time.seconds = 1
    rx.gw_time.seconds = 2

    assert [
        "gatewayId",
        "uplinkId",
        "gwTime",
        "nsTime",
        "rssi",
        "snr",
        "context",
        "metadata",
        "crcStatus",
    ] == list(render_message(rx))


def test_a_command_for_a_json_gateway_is_what_chirpstack_sends() -> None:
    frame = gw.DownlinkFrame(downlink_id=2_718_281_828, gateway_id="0016c001f1500a2b")
    item: Any = frame.items.add()
    item.phy_payload = bytes.fromhex("60e5c3a7018000000abfb06ebe40b669")
    item.tx_info.frequency, item.tx_info.power = 868_300_000, 16
    item.tx_info.context = bytes.fromhex("4f587a02")
    item.tx_info.timing.delay.delay.seconds = 1
    lora = item.tx_info.modulation.lora
    lora.bandwidth, lora.spreading_factor = 125_000, 9
    lora.code_rate, lora.polarization_inversion = gw.CodeRate.CR_4_5, True

    document = write_downlink(frame, as_json=True)

    # The example of the contract's §1.7, first item.
    assert document == (
        b'{"downlinkId":2718281828,"items":[{"phyPayload":"YOXDpwGAAAAKv7BuvkC2aQ==",'
        b'"txInfo":{"frequency":868300000,"power":16,"modulation":{"lora":{'
        b'"bandwidth":125000,"spreadingFactor":9,"codeRate":"CR_4_5",'
        b'"polarizationInversion":true}},"timing":{"delay":{"delay":"1s"}},'
        b'"context":"T1h6Ag=="}}],"gatewayId":"0016c001f1500a2b"}'
    )


@given(
    st.builds(
        gw.UplinkRxInfo,
        gateway_id=st.text(max_size=16),
        uplink_id=st.integers(0, 2**32 - 1),
        rssi=st.integers(-200, 50),
        snr=_SNR,
        context=st.binary(max_size=8),
        metadata=st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=3),
        crc_status=st.sampled_from(gw.CRCStatus.values()),
    )
)
def test_what_is_rendered_is_what_protobuf_itself_would_say(
    rx: gw.UplinkRxInfo,
) -> None:
    document = render_message(rx)

    assert set(MessageToDict(rx)) == set(document)
    assert rx == Parse(json.dumps(document), gw.UplinkRxInfo())


def test_an_instant_in_seconds_keeps_its_microseconds() -> None:
    assert 1_789_374_067_412_305_000 == nanoseconds(1_789_374_067.412305)


@given(
    st.builds(
        gw.UplinkRxInfo,
        gateway_id=st.text(max_size=16),
        uplink_id=st.integers(0, 2**32 - 1),
        rssi=st.integers(-200, 50),
        snr=_SNR,
        channel=st.integers(0, 9),
        rf_chain=st.integers(0, 1),
        board=st.integers(0, 1),
        antenna=st.integers(0, 1),
        location=st.none()
        | st.builds(common.Location, latitude=st.floats(-90, 90), accuracy=_SNR),
        ns_time=st.none() | st.builds(Timestamp, seconds=st.integers(0, 2**32)),
        time_since_gps_epoch=st.none()
        | st.builds(Duration, seconds=st.integers(0, 2**32)),
        context=st.binary(max_size=8),
        metadata=st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=1),
        crc_status=st.integers(0, 5),
    )
)
def test_the_hot_path_renders_a_reception_as_the_general_one(
    rx: gw.UplinkRxInfo,
) -> None:
    rx.ns_time.seconds = 1_789_373_000
    expected = dump(render_message(rx))

    heard = heard_rx(rx, timestamp_text(1_789_373_000 * SECOND))
    assert expected == heard.json(None)
