"""ChirpStack's gateway messages, field by field."""

from contextlib import suppress
from typing import Any

import pytest
from chirpstack_api import gw
from google.protobuf import json_format
from hypothesis import given as given_any
from hypothesis import strategies as st
from tests.gateway_sim.given import (
    BOOT_S,
    CAPITOLE,
    JOLIMONT,
    downlink,
    frame,
    gateway,
    item,
)

from gateway_sim.chirpstack import Codec, Encoding
from gateway_sim.gateway import (
    Delay,
    Downlink,
    GpsEpoch,
    Immediately,
    TxAck,
    Uplink,
)
from gateway_sim.jit import TxStatus
from gateway_sim.medium import Reception
from wire.declared import DeclaredGateway
from wire.errors import Malformed

GATEWAY_ID = "0016c001f1500001"
PROTOBUF = Codec(CAPITOLE, Encoding.PROTOBUF)
JSON = Codec(CAPITOLE, Encoding.JSON)
V5 = bytes.fromhex("60e5c3a7018000000abfb06ebe40b669")


def uplink(
    at: DeclaredGateway = CAPITOLE, rssi_dbm: float = -97.4, **fields: Any
) -> Uplink:
    reception = Reception(
        gateway_id=at.gateway_id, rssi_dbm=rssi_dbm, snr_db=6.54, channel=1
    )
    return gateway(at).hear(frame(**fields), reception)


def up(at: DeclaredGateway, heard: Uplink) -> gw.UplinkFrame:
    return gw.UplinkFrame.FromString(Codec(at, Encoding.PROTOBUF).up(heard))


def down(**fields: Any) -> gw.DownlinkFrame:
    """What the server sends for a class A answer; both windows (own values)."""
    document = {
        "downlinkId": 2718281828,
        "gatewayId": GATEWAY_ID,
        "items": [
            down_item(868_300_000, 16, {"delay": {"delay": "1s"}}),
            down_item(869_525_000, 29, {"delay": {"delay": "2s"}}),
        ],
    }
    return json_format.ParseDict(document | fields, gw.DownlinkFrame())


def down_item(frequency_hz: int, power_dbm: int, timing: dict[str, Any]) -> Any:
    return {
        "phyPayload": "YOXDpwGAAAAKv7BuvkC2aQ==",
        "txInfo": {
            "frequency": frequency_hz,
            "power": power_dbm,
            "modulation": {
                "lora": {
                    "bandwidth": 125000,
                    "spreadingFactor": 9,
                    "codeRate": "CR_4_5",
                    "polarizationInversion": True,
                }
            },
            "timing": timing,
            "context": "T1h6Ag==",
        },
    }


def test_an_uplink_says_what_chirpstack_reads() -> None:
    sent = up(CAPITOLE, uplink())

    assert frame().phy_payload == sent.phy_payload
    lora = sent.tx_info.modulation.lora
    assert (868_300_000, 7, 125_000, gw.CR_4_5) == (
        sent.tx_info.frequency,
        lora.spreading_factor,
        lora.bandwidth,
        lora.code_rate,
    )
    rx_info = sent.rx_info
    assert GATEWAY_ID == rx_info.gateway_id
    assert (-97, 6.5, 1) == (rx_info.rssi, rx_info.snr, rx_info.channel)
    assert (1_051_456).to_bytes(4, "big") == rx_info.context
    assert gw.CRC_OK == rx_info.crc_status
    assert rx_info.gw_time.ToNanoseconds() == pytest.approx(
        (BOOT_S + 1.051456) * 1e9, abs=1e3
    )
    assert (43.6045, 1.444) == (rx_info.location.latitude, rx_info.location.longitude)


def test_every_gateway_sends_the_same_tx_info() -> None:
    one, other = up(CAPITOLE, uplink()), up(JOLIMONT, uplink(JOLIMONT, -120.0))

    assert one.tx_info.SerializeToString() == other.tx_info.SerializeToString()
    assert one.rx_info.rssi != other.rx_info.rssi
    assert one.rx_info.gateway_id != other.rx_info.gateway_id


def test_one_uplink_leaves_nothing_in_the_next() -> None:
    codec = Codec(CAPITOLE, Encoding.PROTOBUF)
    codec.up(uplink(phy_payload=bytes(50), frequency_hz=867_900_000))

    assert codec.up(uplink()) == PROTOBUF.up(uplink())


def test_each_reception_has_an_id_of_its_own() -> None:
    one, other = uplink(), uplink(JOLIMONT)

    assert one.uplink_id != other.uplink_id


def test_json_says_the_same_as_protobuf() -> None:
    text = JSON.up(uplink())

    assert b"gatewayId" in text
    assert json_format.Parse(text, gw.UplinkFrame()) == up(CAPITOLE, uplink())


def test_an_answer_has_one_status_per_item() -> None:
    ack = TxAck(
        gateway_id=CAPITOLE.gateway_id,
        downlink_id=2718281828,
        statuses=(TxStatus.TOO_LATE, TxStatus.OK, TxStatus.IGNORED),
    )

    sent = gw.DownlinkTxAck.FromString(PROTOBUF.ack(ack))

    assert (GATEWAY_ID, 2718281828) == (sent.gateway_id, sent.downlink_id)
    assert [gw.TOO_LATE, gw.OK, gw.IGNORED] == [one.status for one in sent.items]


def test_every_status_is_one_of_chirpstacks() -> None:
    assert set(gw.TxAckStatus.keys()) == set(TxStatus)


def test_stats_say_what_was_heard_and_sent() -> None:
    station = gateway()
    reception = Reception(
        gateway_id=CAPITOLE.gateway_id, rssi_dbm=-97.4, snr_db=6.54, channel=1
    )
    station.hear(frame(), reception)
    station.request(downlink(item()), BOOT_S)
    station.transmissions(BOOT_S + 1)

    sent = gw.GatewayStats.FromString(PROTOBUF.stats(station.stats(BOOT_S + 30)))

    assert GATEWAY_ID == sent.gateway_id
    assert BOOT_S + 30 == sent.time.ToSeconds()
    assert (43.6045, 150.0) == (sent.location.latitude, sent.location.altitude)
    assert (1, 1) == (sent.rx_packets_received, sent.rx_packets_received_ok)
    assert (1, 1) == (sent.tx_packets_received, sent.tx_packets_emitted)
    assert {868_300_000: 1} == sent.rx_packets_per_frequency
    assert {869_525_000: 1} == sent.tx_packets_per_frequency
    assert {"OK": 1} == sent.tx_packets_per_status
    [heard] = sent.rx_packets_per_modulation
    assert (7, gw.CR_4_5, 1) == (
        heard.modulation.lora.spreading_factor,
        heard.modulation.lora.code_rate,
        heard.count,
    )
    spent = {
        band.name: band.load_tracked.ToMilliseconds()
        for band in sent.duty_cycle_stats.bands
    }
    assert 185 == spent["869.4-869.65 MHz"]


def test_the_connection_state_is_chirpstacks() -> None:
    assert gw.ConnState(
        gateway_id=GATEWAY_ID, state=gw.ConnState.ONLINE
    ) == gw.ConnState.FromString(PROTOBUF.conn(online=True))
    assert gw.ConnState(gateway_id=GATEWAY_ID) == gw.ConnState.FromString(
        PROTOBUF.conn(online=False)
    )


@pytest.mark.parametrize(
    "payload",
    [
        down().SerializeToString(),
        json_format.MessageToJson(down()).encode(),
    ],
    ids=["protobuf", "json"],
)
def test_a_downlink_is_read_in_either_encoding(payload: bytes) -> None:
    expected = item(
        phy_payload=V5,
        frequency_hz=868_300_000,
        power_dbm=16,
        timing=Delay(delay_s=1.0),
        context=bytes.fromhex("4f587a02"),
    )

    read = PROTOBUF.parse_down(payload)

    assert 2718281828 == read.downlink_id
    assert expected == read.items[0]
    assert Delay(delay_s=2.0) == read.items[1].timing


@pytest.mark.parametrize(
    ("timing", "expected"),
    [
        ({"immediately": {}}, Immediately()),
        ({"delay": {"delay": "0.5s"}}, Delay(delay_s=0.5)),
        ({"gpsEpoch": {"timeSinceGpsEpoch": "1400000000s"}}, GpsEpoch(time_s=1.4e9)),
        ({}, None),
    ],
)
def test_every_timing_is_read(timing: dict[str, Any], expected: object) -> None:
    message = down(items=[down_item(869_525_000, 29, timing)])

    [read] = PROTOBUF.parse_down(message.SerializeToString()).items

    assert expected == read.timing


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (down(gatewayId="0016c001f1500002").SerializeToString(), "0016c001f1500002"),
        (b"\xff\xff", "2 bytes are no DownlinkFrame"),
        (b"{]", "2 bytes are no DownlinkFrame"),
        (b'{"gatewayId": 12}', "no DownlinkFrame"),
        (b'{"gatewayId": "\xff"}', "no DownlinkFrame"),
        (b"", "for gateway ''"),
    ],
)
def test_what_is_no_downlink_for_this_gateway_is_refused(
    payload: bytes, says: str
) -> None:
    with pytest.raises(Malformed, match=says):
        PROTOBUF.parse_down(payload)


JSONISH = st.binary(max_size=100).map(lambda tail: b"{" + tail)


@given_any(st.binary(max_size=200) | JSONISH)
def test_any_bytes_are_a_downlink_or_malformed(payload: bytes) -> None:
    with suppress(Malformed):
        assert isinstance(PROTOBUF.parse_down(payload), Downlink)


NUMBERS = st.integers(0, 2**32 - 1)


@given_any(
    st.builds(
        item,
        phy_payload=st.binary(max_size=300),
        frequency_hz=NUMBERS | st.just(869_525_000),
        power_dbm=st.integers(-(2**31), 2**31 - 1),
        spreading_factor=st.sampled_from([0, 5, 7, 9, 12, 2**32 - 1]),
        bandwidth_hz=st.sampled_from([0, 125_000, 250_000]),
        context=st.binary(max_size=8),
        timing=st.just(Immediately())
        | st.builds(Delay, delay_s=st.floats(-3.2e11, 3.2e11))
        | st.builds(GpsEpoch, time_s=st.floats(-3.2e11, 3.2e11))
        | st.none(),
    )
)
def test_any_downlink_gets_an_answer(asked: Any) -> None:
    ack = gateway().request(downlink(asked), BOOT_S + 100)

    assert 1 == len(gw.DownlinkTxAck.FromString(PROTOBUF.ack(ack)).items)
