"""Gateways that run Basics Station look to the server like those on MQTT."""

import json
from dataclasses import replace
from typing import Any

import pytest
from chirpstack_api import gw
from hypothesis import given
from hypothesis import strategies as st
from tests.chirpstack_embedded.conftest import START, eu868

from chirpstack_embedded.config import Region, RegionNetwork
from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.station import Bridge, router_config
from wire.errors import Illegal, Malformed
from wire.eui64 import EUI64
from wire.lorawan.region import Modulation
from wire.lorawan.region.catalogue import COMMON
from wire.station import (
    DeviceClass,
    DnMsg,
    DnTxed,
    Rate,
    RouterConfig,
    TimeSync,
    UpInfo,
    Uplink,
    Version,
    Window,
    parse_from_server,
)

GATEWAY = EUI64.parse("0016c001f1500001")
OTHER = EUI64.parse("0016c001f1500002")
UP = f"eu868/gateway/{GATEWAY}/event/up"
X_TIME = 0x00A5_0000_1234_5678
# rctx and xtime, eight octets each: what chirpstack-gateway-bridge writes.
CONTEXT = bytes.fromhex("000000000000000100a5000012345678")
FRAME = bytes.fromhex("40f6ffffff809001010203ecffffff")
GPS_US = 1_400_000_000_500_000
PLAN = RegionPlan(eu868())


def uplink(**fields: Any) -> str:
    info: dict[str, Any] = {
        "x_time": X_TIME,
        "r_ctx": 1,
        "rssi_dbm": -87.0,
        "snr_db": 6.5,
        "rx_time_s": 1_800_000_000.25,
    }
    message = Uplink(
        phy_payload=FRAME,
        data_rate=fields.pop("data_rate", 3),
        frequency_hz=868_300_000,
        info=UpInfo(**(info | fields)),
    )
    return str(message)


def frame(*delays_s: int | None, downlink_id: int = 77) -> gw.DownlinkFrame:
    """A downlink with one item per delay, RX1 at SF9, then SF12; None is at once."""
    message = gw.DownlinkFrame(gateway_id=str(GATEWAY), downlink_id=downlink_id)
    for number, delay_s in enumerate(delays_s):
        item = message.items.add(phy_payload=b"to a lamp")
        item.tx_info.frequency = (868_300_000, 869_525_000)[number]
        lora = item.tx_info.modulation.lora
        lora.spreading_factor, lora.bandwidth = (9, 12)[number], 125_000
        lora.code_rate, lora.polarization_inversion = gw.CR_4_5, True
        item.tx_info.context = CONTEXT
        if delay_s is None:
            item.tx_info.timing.immediately.SetInParent()
        else:
            item.tx_info.timing.delay.delay.FromSeconds(delay_s)
    return message


@pytest.fixture
def bridge() -> Bridge:
    bridge = Bridge("eu868", PLAN)
    assert bridge.connect(GATEWAY)
    return bridge


def asked(bridge: Bridge) -> DnMsg:
    [(gateway_id, text)] = bridge.messages()
    message = parse_from_server(text)
    assert isinstance(message, DnMsg)
    assert GATEWAY == gateway_id
    return message


def ups(bridge: Bridge) -> list[gw.UplinkFrame]:
    return [
        gw.UplinkFrame.FromString(payload)
        for topic, payload in bridge.events()
        if topic == UP
    ]


def test_an_uplink_is_put_together_with_its_context(bridge: Bridge) -> None:
    bridge.receive(GATEWAY, uplink(), START)
    [up] = ups(bridge)

    assert (FRAME, 868_300_000) == (up.phy_payload, up.tx_info.frequency)
    lora = up.tx_info.modulation.lora
    assert (9, 125_000, gw.CR_4_5) == (
        *(lora.spreading_factor, lora.bandwidth),
        lora.code_rate,
    )
    rx = up.rx_info
    assert (str(GATEWAY), -87, 6.5) == (rx.gateway_id, rx.rssi, rx.snr)
    assert CONTEXT == rx.context
    assert gw.CRC_OK == rx.crc_status
    assert "2027-01-15T08:00:00.250Z" == rx.gw_time.ToJsonString()
    assert not rx.HasField("time_since_gps_epoch")


def test_a_gateway_with_gps_tells_gps_time(bridge: Bridge) -> None:
    bridge.receive(GATEWAY, uplink(gps_time_us=GPS_US), START)
    [up] = ups(bridge)

    assert 1_400_000_000.5 == up.rx_info.time_since_gps_epoch.ToMilliseconds() / 1000
    # 18 leap seconds since 6 January 1980.
    assert 1_400_000_000 + 315_964_800 - 18 == up.rx_info.gw_time.seconds


def test_fsk_has_its_bit_rate(bridge: Bridge) -> None:
    bridge.receive(GATEWAY, uplink(data_rate=7), START)
    [up] = ups(bridge)

    assert 50_000 == up.tx_info.modulation.fsk.datarate


@pytest.mark.parametrize("data_rate", [8, 15])
def test_a_data_rate_the_region_lacks_is_malformed(
    bridge: Bridge, data_rate: int
) -> None:
    with pytest.raises(Malformed, match=f"DR{data_rate}"):
        bridge.receive(GATEWAY, uplink(data_rate=data_rate), START)


def test_a_class_a_downlink_names_both_windows(bridge: Bridge) -> None:
    bridge.send(frame(1, 2), START)

    assert DnMsg(
        device_class=DeviceClass.A,
        dev_eui=EUI64(b"\x01" * 8),
        diid=77,
        pdu=b"to a lamp",
        priority=1,
        rx_delay_s=1,
        rx1=Window(data_rate=3, frequency_hz=868_300_000),
        rx2=Window(data_rate=0, frequency_hz=869_525_000),
        x_time=X_TIME,
        r_ctx=1,
        mux_time_s=START,
    ) == asked(bridge)


def test_a_second_item_that_is_not_a_second_later_is_left_out(bridge: Bridge) -> None:
    bridge.send(frame(2, 1), START)
    message = asked(bridge)

    assert (2, None) == (message.rx_delay_s, message.rx2)


def test_what_is_due_at_once_is_class_c(bridge: Bridge) -> None:
    bridge.send(frame(None), START)
    message = asked(bridge)

    assert (DeviceClass.C, None) == (message.device_class, message.rx1)
    assert Window(data_rate=3, frequency_hz=868_300_000) == message.rx2


def test_a_ping_slot_is_class_b(bridge: Bridge) -> None:
    request = frame(1)
    since = request.items[0].tx_info.timing.gps_epoch.time_since_gps_epoch
    since.FromMicroseconds(GPS_US)
    bridge.send(request, START)
    message = asked(bridge)

    assert (DeviceClass.B, GPS_US) == (message.device_class, message.gps_time_us)
    assert Window(data_rate=3, frequency_hz=868_300_000) == message.slot


@pytest.mark.parametrize("what", ["no items", "no timing", "no rate", "delay", "far"])
def test_what_the_protocol_cannot_say_is_not_sent(bridge: Bridge, what: str) -> None:
    request = frame(1)
    tx_info = request.items[0].tx_info
    if what == "no items":
        request.ClearField("items")
    elif what == "no timing":
        tx_info.ClearField("timing")
    elif what == "no rate":
        tx_info.modulation.lora.spreading_factor = 5
    elif what == "delay":
        tx_info.timing.delay.delay.nanos = 5
    else:
        tx_info.timing.delay.delay.seconds = 600

    with pytest.raises(Illegal):
        bridge.send(request, START)
    assert [] == bridge.messages()


@pytest.mark.proves("feature:basics-station")
def test_a_frame_on_the_air_is_an_ack_with_one_ok(bridge: Bridge) -> None:
    bridge.send(frame(1, 2), START)
    bridge.receive(GATEWAY, str(DnTxed(diid=77, dev_eui=GATEWAY)), START)

    [(topic, payload)] = bridge.events()
    ack = gw.DownlinkTxAck.FromString(payload)
    assert f"eu868/gateway/{GATEWAY}/event/ack" == topic
    assert (str(GATEWAY), 77) == (ack.gateway_id, ack.downlink_id)
    assert [gw.OK] == [item.status for item in ack.items]


def test_a_version_is_answered_by_the_configuration_and_makes_it_online(
    bridge: Bridge,
) -> None:
    bridge.receive(GATEWAY, str(Version(station="2.0.6")), START)

    [(_, text)] = bridge.messages()
    config = parse_from_server(text)
    assert isinstance(config, RouterConfig)
    assert START == config.mux_time_s
    [(topic, _)] = bridge.events()
    assert topic.endswith("/event/stats")


def test_a_report_counts_what_went_through(bridge: Bridge) -> None:
    bridge.receive(GATEWAY, uplink(), START)
    bridge.send(frame(1, 2), START)
    bridge.receive(GATEWAY, str(DnTxed(diid=77, dev_eui=GATEWAY)), START)
    bridge.events()
    bridge.report(START)

    [(_, payload)] = bridge.events()
    stats = gw.GatewayStats.FromString(payload)
    assert (1, 1, 1, 1) == (
        *(stats.rx_packets_received, stats.rx_packets_received_ok),
        *(stats.tx_packets_received, stats.tx_packets_emitted),
    )
    assert {"OK": 1} == stats.tx_packets_per_status
    assert {868_300_000: 1} == stats.rx_packets_per_frequency
    assert [(1, 9)] == [
        (one.count, one.modulation.lora.spreading_factor)
        for one in stats.rx_packets_per_modulation
    ]
    bridge.report(START)
    [(_, payload)] = bridge.events()
    assert 0 == gw.GatewayStats.FromString(payload).rx_packets_received


def test_a_gateway_that_asks_is_told_gps_time(bridge: Bridge) -> None:
    unix_s = 1_400_000_000 + 315_964_800 - 18.0
    bridge.receive(GATEWAY, str(TimeSync(tx_time=5)), unix_s)

    [(_, text)] = bridge.messages()
    expected = TimeSync(tx_time=5, gps_time_us=1_400_000_000_000_000)
    assert expected == parse_from_server(text)


def test_a_gateway_connects_once(bridge: Bridge) -> None:
    assert not bridge.connect(GATEWAY)
    assert bridge.connect(OTHER)
    bridge.disconnect(GATEWAY)
    assert not bridge.knows(GATEWAY)
    assert bridge.connect(GATEWAY)


def test_the_configuration_is_that_of_the_region() -> None:
    config = router_config(PLAN)

    assert ("EU863", "sx1301/1") == (config.region, config.hwspec)
    assert (863_000_000, 870_000_000) == config.frequency_range_hz
    assert Rate(spreading_factor=12, bandwidth_hz=125_000) == config.data_rates[0]
    assert Rate(spreading_factor=0, bandwidth_hz=0) == config.data_rates[7]
    assert [None] * 8 == list(config.data_rates[8:])
    for number in range(5):
        assert config.hears(867_100_000 + number * 200_000, 0)
    assert config.hears(868_100_000, 5)
    assert not config.hears(868_800_000, 5)
    assert (None, ()) == (config.net_ids, config.join_euis)
    assert 29.0 == config.max_eirp_dbm


@pytest.mark.parametrize("name", sorted(COMMON))
def test_every_region_is_told_its_channels_and_spectrum(name: str) -> None:
    plan = RegionPlan(Region(id="there", common_name=name))
    config = router_config(plan)

    assert config == parse_from_server(str(config))
    for index in plan.enabled_channels:
        channel = plan.channels[index]
        assert config.hears(channel.frequency_hz, min(channel.data_rates))
    for rate in plan.table.data_rates:
        told = config.rate(rate.index)
        is_lora_or_fsk = rate.modulation is not Modulation.LR_FHSS
        assert is_lora_or_fsk == (told is not None)
    assert config.holds(plan.table.rx2_frequency_hz)


def test_a_sub_band_of_us915_is_one_board_with_its_wide_channel() -> None:
    network = RegionNetwork(enabled_uplink_channels=(*range(8), 64))
    region = Region(id="us915_0", common_name="US915", network=network)
    config = router_config(RegionPlan(region))

    assert ("US902", "sx1301/1") == (config.region, config.hwspec)
    wide = Rate(spreading_factor=8, bandwidth_hz=500_000)
    assert wide == config.data_rates[4]
    assert replace(wide, is_downlink_only=True) == config.data_rates[12]
    single = {"radio": 0, "if": 300_000, "bandwidth": 500_000, "spread_factor": 8}
    assert {"enable": True, **single} == config.boards[0]["chan_Lora_std"]


def test_a_configured_power_is_the_gateways_limit() -> None:
    assert (
        14.0 == router_config(RegionPlan(eu868(downlink_tx_power_dbm=14))).max_eirp_dbm
    )


MESSAGES = [
    json.loads(text)
    for text in (
        uplink(),
        str(DnTxed(diid=77, dev_eui=GATEWAY)),
        str(TimeSync(tx_time=5)),
        str(Version(station="2.0.6")),
    )
]
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**70), max_value=2**70)
    | st.floats()
    | st.text(max_size=10)
)


@given(st.sampled_from(MESSAGES), st.data())
def test_any_bent_message_is_taken_or_malformed(
    good: dict[str, Any], data: st.DataObject
) -> None:
    bridge = Bridge("eu868", PLAN)
    bridge.connect(GATEWAY)
    key = data.draw(st.sampled_from(sorted(good)))
    bent = good | {key: data.draw(VALUES)}
    if "upinfo" in good:
        inner = data.draw(st.sampled_from(sorted(good["upinfo"])))
        bent = bent | {"upinfo": good["upinfo"] | {inner: data.draw(VALUES)}}
    try:
        bridge.receive(GATEWAY, json.dumps(bent), START)
    except Malformed:
        bridge.events()
    bridge.receive(GATEWAY, uplink(), START)
    assert ups(bridge)[-1:]
