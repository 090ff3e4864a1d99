"""Gateways that speak Semtech's UDP look to the server like those on MQTT."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from queue import Queue
from typing import Any

import pytest
from chirpstack_api import gw
from hypothesis import given
from hypothesis import strategies as st

from chirpstack_embedded.core.context import Transmission
from chirpstack_embedded.errors import ChirpStackError
from chirpstack_embedded.udp import Bridge, UdpListener
from wire.errors import Malformed
from wire.eui64 import EUI64
from wire.semtech import (
    PullAck,
    PullData,
    PullResp,
    PushAck,
    PushData,
    RxPk,
    Stat,
    TxAck,
    TxPk,
    parse,
)

GATEWAY = EUI64.parse("0016c001f1500001")
SOURCE = ("127.0.0.1", 4711)
UP = f"eu868/gateway/{GATEWAY}/event/up"
WAIT_S = 10.0
TMST = 2**32 - 500_000


def packet(**fields: Any) -> RxPk:
    defaults: dict[str, Any] = {
        "time": "2026-11-21T10:00:00.250000Z",
        "tmst": TMST,
        "frequency_hz": 868_300_000,
        "spreading_factor": 9,
        "bandwidth_hz": 125_000,
        "phy_payload": b"from a lamp",
        "rssi_dbm": -87.0,
        "snr_db": 6.5,
        "channel": 1,
    }
    return RxPk(**(defaults | fields))


def push(*packets: RxPk, stat: Stat | None = None) -> bytes:
    return bytes(PushData(token=9, gateway_id=GATEWAY, received=packets, stat=stat))


def frame(*delays_s: int | None, downlink_id: int = 77) -> gw.DownlinkFrame:
    """A downlink with one item per delay; None is at once."""
    message = gw.DownlinkFrame(gateway_id=str(GATEWAY), downlink_id=downlink_id)
    for delay_s in delays_s:
        item = message.items.add(phy_payload=b"to a lamp")
        item.tx_info.frequency = 869_525_000
        item.tx_info.power = 27
        lora = item.tx_info.modulation.lora
        lora.spreading_factor, lora.bandwidth = 9, 125_000
        lora.code_rate, lora.polarization_inversion = gw.CR_4_5, True
        item.tx_info.context = TMST.to_bytes(4, "big")
        if delay_s is None:
            item.tx_info.timing.immediately.SetInParent()
        else:
            item.tx_info.timing.delay.delay.FromSeconds(delay_s)
    return message


@pytest.fixture
def bridge() -> Bridge:
    """A bridge to which one gateway has opened its way back."""
    bridge = Bridge("eu868")
    bridge.receive(bytes(PullData(token=3, gateway_id=GATEWAY)), SOURCE)
    [(address, datagram)] = bridge.datagrams()
    assert (SOURCE, PullAck(token=3)) == (address, parse(datagram))
    return bridge


def asked(bridge: Bridge) -> tuple[int, TxPk]:
    [(address, datagram)] = bridge.datagrams()
    request = parse(datagram)
    assert isinstance(request, PullResp)
    assert SOURCE == address
    return request.token, request.packet


def answer(bridge: Bridge, token: int, error: str = "NONE") -> None:
    ack = TxAck(token=token, gateway_id=GATEWAY, error=error)
    bridge.receive(bytes(ack), SOURCE)


def statuses(bridge: Bridge) -> list[int]:
    [(topic, payload)] = bridge.events()
    assert topic.endswith("/event/ack")
    ack = gw.DownlinkTxAck.FromString(payload)
    assert (str(GATEWAY), 77) == (ack.gateway_id, ack.downlink_id)
    return [item.status for item in ack.items]


def test_a_pushed_packet_is_an_uplink_and_is_acknowledged() -> None:
    bridge = Bridge("eu868")
    bridge.receive(push(packet()), SOURCE)

    [(address, datagram)] = bridge.datagrams()
    assert (SOURCE, PushAck(token=9)) == (address, parse(datagram))
    [(topic, payload)] = bridge.events()
    up = gw.UplinkFrame.FromString(payload)
    assert (UP, b"from a lamp", 868_300_000) == (
        topic,
        up.phy_payload,
        up.tx_info.frequency,
    )
    lora = up.tx_info.modulation.lora
    assert (9, 125_000, gw.CR_4_5) == (
        lora.spreading_factor,
        lora.bandwidth,
        lora.code_rate,
    )
    rx = up.rx_info
    assert (str(GATEWAY), -87, 6.5, 1) == (rx.gateway_id, rx.rssi, rx.snr, rx.channel)
    assert TMST.to_bytes(4, "big") == rx.context
    assert "2026-11-21T10:00:00.250Z" == rx.gw_time.ToJsonString()
    assert gw.CRC_OK == rx.crc_status


@pytest.mark.parametrize("crc_status", [-1, 0])
def test_a_packet_without_a_good_crc_is_dropped(crc_status: int) -> None:
    bridge = Bridge("eu868")
    bridge.receive(push(packet(crc_status=crc_status), packet()), SOURCE)

    assert [UP] == [topic for topic, _ in bridge.events()]


def test_a_gateway_without_a_clock_has_no_time() -> None:
    bridge = Bridge("eu868")
    bridge.receive(push(packet(time=None), packet(time="yesterday")), SOURCE)

    for _, payload in bridge.events():
        assert not gw.UplinkFrame.FromString(payload).rx_info.HasField("gw_time")


def test_a_stat_is_what_makes_a_gateway_online() -> None:
    bridge = Bridge("eu868")
    stat = Stat(
        time="2026-11-21 10:00:00 GMT", latitude=43.6, longitude=1.4, received=3
    )
    bridge.receive(push(stat=stat), SOURCE)

    [(topic, payload)] = bridge.events()
    stats = gw.GatewayStats.FromString(payload)
    assert topic.endswith("/event/stats")
    assert (3, "2026-11-21T10:00:00Z") == (
        stats.rx_packets_received,
        stats.time.ToJsonString(),
    )
    assert 43.6 == stats.location.latitude


def test_a_delay_is_added_to_the_counter_that_wraps(bridge: Bridge) -> None:
    bridge.send(frame(1))
    _, request = asked(bridge)

    assert (500_000, False) == (request.tmst, request.immediately)
    assert (869_525_000, 27, 9, True) == (
        request.frequency_hz,
        request.power_dbm,
        request.spreading_factor,
        request.iq_inverted,
    )


def test_what_is_due_at_once_has_no_counter(bridge: Bridge) -> None:
    bridge.send(frame(None))
    _, request = asked(bridge)

    assert (True, None) == (request.immediately, request.tmst)


def test_the_first_item_that_is_taken_ends_it(bridge: Bridge) -> None:
    bridge.send(frame(1, 2))
    token, _ = asked(bridge)
    answer(bridge, token)

    assert [gw.OK, gw.IGNORED] == statuses(bridge)
    assert [] == bridge.datagrams()


def test_a_refused_item_is_followed_by_the_next(bridge: Bridge) -> None:
    bridge.send(frame(1, 2))
    token, _ = asked(bridge)
    answer(bridge, token, "TOO_LATE")
    assert [] == bridge.events()
    token, request = asked(bridge)
    assert 1_500_000 == request.tmst
    answer(bridge, token)

    assert [gw.TOO_LATE, gw.OK] == statuses(bridge)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("TOO_EARLY", gw.TOO_EARLY),
        ("COLLISION_PACKET", gw.COLLISION_PACKET),
        ("TX_FREQ", gw.TX_FREQ),
        ("TX_POWER", gw.TX_POWER),
        ("GPS_UNLOCKED", gw.GPS_UNLOCKED),
        ("SUNBURN", gw.INTERNAL_ERROR),
    ],
)
def test_every_refusal_has_its_status(bridge: Bridge, error: str, status: int) -> None:
    bridge.send(frame(1))
    token, _ = asked(bridge)
    answer(bridge, token, error)

    assert [status] == statuses(bridge)


def test_what_the_protocol_cannot_say_is_refused_here(bridge: Bridge) -> None:
    impossible = frame(1)
    impossible.items[0].tx_info.ClearField("timing")
    bridge.send(impossible)

    assert [gw.INTERNAL_ERROR] == statuses(bridge)


def test_an_answer_said_twice_or_by_another_gateway_is_ignored(bridge: Bridge) -> None:
    bridge.send(frame(1))
    token, _ = asked(bridge)
    other = EUI64.parse("0016c001f1500002")
    bridge.receive(bytes(TxAck(token=token, gateway_id=other)), SOURCE)
    assert [] == bridge.events()
    answer(bridge, token)
    assert [gw.OK] == statuses(bridge)
    answer(bridge, token)
    assert [] == bridge.events()


def test_a_gateway_that_moved_is_asked_where_it_is(bridge: Bridge) -> None:
    moved = ("127.0.0.1", 4712)
    bridge.receive(bytes(PullData(token=4, gateway_id=GATEWAY)), moved)
    bridge.datagrams()
    bridge.send(frame(1))

    assert [moved] == [address for address, _ in bridge.datagrams()]


@given(st.binary(max_size=40).map(lambda rest: b"\x02\x00\x00" + rest))
def test_any_datagram_is_taken_or_malformed(datagram: bytes) -> None:
    bridge = Bridge("eu868")
    try:
        bridge.receive(datagram, SOURCE)
    except Malformed:
        return
    assert len(bridge.datagrams()) <= 1


@pytest.fixture
def heard() -> Queue[tuple[str, str, bytes]]:
    return Queue()


@pytest.fixture
def listener(heard: Queue[tuple[str, str, bytes]]) -> Iterator[UdpListener]:
    listener = UdpListener(
        "eu868",
        "eu868",
        ("127.0.0.1", 0),
        on_message=lambda *message: heard.put(message),
    )
    listener.start()
    yield listener
    listener.stop()
    assert not [one for one in threading.enumerate() if one.name == "udp"]


def test_a_gateway_comes_and_is_asked_over_its_socket(
    listener: UdpListener, heard: Queue[tuple[str, str, bytes]]
) -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as gateway:
        gateway.settimeout(WAIT_S)
        gateway.connect(("127.0.0.1", listener.port))
        gateway.send(b"nonsense")
        gateway.send(bytes(PullData(token=3, gateway_id=GATEWAY)))
        assert PullAck(token=3) == parse(gateway.recv(2048))
        gateway.send(push(packet()))
        assert PushAck(token=9) == parse(gateway.recv(2048))
        assert listener.send(transmission(str(GATEWAY)), as_json=False)
        request = parse(gateway.recv(2048))

    assert isinstance(request, PullResp)
    assert ("eu868", UP) == heard.get(timeout=WAIT_S)[:2]


def transmission(gateway_id: str) -> Transmission:
    return Transmission(region_config_id="eu868", gateway_id=gateway_id, frame=frame(1))


def test_a_gateway_that_came_another_way_is_asked_there(listener: UdpListener) -> None:
    assert not listener.send(transmission("0016c001f1500009"), as_json=False)


def test_a_taken_port_is_one_sentence(listener: UdpListener) -> None:
    second = UdpListener(
        "eu868",
        "eu868",
        ("127.0.0.1", listener.port),
        on_message=lambda *_: None,
    )
    with pytest.raises(ChirpStackError, match="cannot listen"):
        second.start()
    second.stop()
