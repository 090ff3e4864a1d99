"""The running program between a simulator's socket and a real broker."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from queue import Queue
from typing import Any

import pytest
from chirpstack_api import gw
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from tests.gateway_sim.given import CAPITOLE, FOIX, JOLIMONT, SEED, frame
from tests.servers import HOST, Server, free_port, mosquitto

from gateway_sim.chirpstack import Encoding
from gateway_sim.faults import FaultKind, Faults, GatewayFault
from gateway_sim.mqtt import Broker
from gateway_sim.program import Program
from gateway_sim.udp import Server as UdpAddress
from wire import semtech
from wire.air import AirFrame, AirMessage, AirStream, encode
from wire.eui64 import EUI64
from wire.lorawan.region.eu868 import EU868

WAIT_S = 10.0
END = "eu868/gateway/end"
ONLINE = "garonne_gateway_online"
ONE = "eu868/gateway/0016c001f1500001"
TWO = "eu868/gateway/0016c001f1500002"
THREE = "eu868/gateway/0016c001f1500003"


class City:
    """A running program, a device simulator's socket and a network server's client."""

    def __init__(self, broker: Server) -> None:
        self.program: Program | None = None
        self.air = (HOST, free_port())
        self.heard: Queue[tuple[str, bytes]] = Queue()
        self.subscribed = threading.Event()
        self.server = Client(
            CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5
        )
        self.server.on_message = self._message
        self.server.on_connect = self._connected
        self.server.on_subscribe = lambda *_: self.subscribed.set()
        self.server.connect(HOST, broker.port)
        self.server.loop_start()
        assert self.subscribed.wait(WAIT_S)

    def _connected(self, *_: Any) -> None:
        self.server.subscribe("eu868/gateway/#")

    def _message(self, _: Any, __: Any, message: MQTTMessage) -> None:
        self.heard.put((message.topic, bytes(message.payload)))

    def until(self, *topics: str) -> list[bytes]:
        """The next payload of each topic; fails when one does not come."""
        waited = dict.fromkeys(topics, b"")
        missing = set(topics)
        while missing:
            topic, payload = self.heard.get(timeout=WAIT_S)
            if topic in missing:
                waited[topic] = payload
                missing.discard(topic)
        return list(waited.values())

    def settle(self) -> None:
        """Wait for all that the broker had before: it sends in order."""
        self.server.publish(END, b"", qos=1)
        deadline = time.monotonic() + WAIT_S
        while END not in [topic for topic, _ in list(self.heard.queue)]:
            assert time.monotonic() < deadline
            threading.Event().wait(0.01)

    def until_count(self, expected: float, name: str, **labels: str) -> None:
        """Wait until a meter shows a value."""
        deadline = time.monotonic() + WAIT_S
        while expected != self.count(name, **labels):
            assert time.monotonic() < deadline, f"{name} is {self.count(name)}"
            threading.Event().wait(0.01)

    def count(self, name: str, **labels: str) -> float:
        assert self.program is not None
        value = self.program.metrics.registry.get_sample_value(name, labels)
        return value or 0.0


@contextmanager
def running(broker: Server, **options: Any) -> Iterator[City]:
    """The program in a thread of its own; waits until every gateway is online."""
    settings: dict[str, Any] = {
        "server": Broker(host=HOST, port=broker.port),
        "encoding": Encoding.PROTOBUF,
        "region": EU868,
        "seed": SEED,
        "stats_interval_s": 3_600.0,
    }
    places = [CAPITOLE, JOLIMONT, FOIX]
    city = City(broker)
    started: Queue[tuple[Program, asyncio.AbstractEventLoop, asyncio.Event]] = Queue()

    async def serve() -> None:
        program, stopping = Program(places, **(settings | options)), asyncio.Event()
        started.put((program, asyncio.get_running_loop(), stopping))
        await program.run(*city.air, stopping)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    city.program, loop, stopping = started.get(timeout=WAIT_S)
    try:
        city.until(f"{ONE}/event/stats", f"{TWO}/event/stats", f"{THREE}/event/stats")
        yield city
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(WAIT_S)
        city.settle()
        city.server.disconnect()
        city.server.loop_stop()
    assert not thread.is_alive()


@contextmanager
def simulator(city: City) -> Iterator[socket.socket]:
    with closing(socket.create_connection(city.air, timeout=WAIT_S)) as ether:
        yield ether


def now_frame(**fields: Any) -> AirFrame:
    return frame(**({"start_s": time.time()} | fields))


def send(ether: socket.socket, sent: AirFrame) -> None:
    ether.sendall(encode(AirMessage.UPLINK, sent))


def receive(ether: socket.socket) -> AirFrame:
    stream = AirStream()
    while data := ether.recv(4096):
        for kind, received in stream.feed(data):
            assert AirMessage.DOWNLINK is kind
            return received
    raise AssertionError("the ether hung up")


def answer_to(up: gw.UplinkFrame, delay_s: int = 1) -> bytes:
    """What a server sends into the window that opens after an uplink."""
    message = gw.DownlinkFrame(gateway_id=up.rx_info.gateway_id, downlink_id=99)
    answer = message.items.add(phy_payload=b"answer to a lamp")
    answer.tx_info.frequency = up.tx_info.frequency
    answer.tx_info.power = 14
    answer.tx_info.modulation.CopyFrom(up.tx_info.modulation)
    answer.tx_info.modulation.lora.polarization_inversion = True
    answer.tx_info.timing.delay.delay.FromSeconds(delay_s)
    answer.tx_info.context = up.rx_info.context
    payload: bytes = message.SerializeToString()
    return payload


@pytest.fixture(scope="module")
def broker() -> Iterator[Server]:
    with mosquitto() as server:
        yield server


def test_two_gateways_publish_one_frame_and_the_far_one_does_not(
    broker: Server,
) -> None:
    with running(broker) as city, simulator(city) as ether:
        send(ether, sent := now_frame())
        one, two = map(
            gw.UplinkFrame.FromString,
            city.until(f"{ONE}/event/up", f"{TWO}/event/up"),
        )

    assert sent.phy_payload == one.phy_payload == two.phy_payload
    assert one.tx_info == two.tx_info
    assert one.rx_info.rssi > two.rx_info.rssi
    assert one.rx_info.context != two.rx_info.context
    assert city.heard.empty() or THREE not in city.heard.get()[0]
    assert 1 == city.count("garonne_gateway_uplinks_heard_total", kind="data")
    assert 2 == city.count("garonne_gateway_receptions_total", forwarded="yes")


def test_an_answer_reaches_the_simulator_for_the_exact_instant(broker: Server) -> None:
    with running(broker) as city, simulator(city) as ether, simulator(city) as other:
        send(ether, sent := now_frame())
        [payload] = city.until(f"{ONE}/event/up")
        up = gw.UplinkFrame.FromString(payload)
        city.server.publish(f"{ONE}/command/down", answer_to(up))
        [payload] = city.until(f"{ONE}/event/ack")
        down, same = receive(ether), receive(other)

    ack = gw.DownlinkTxAck.FromString(payload)
    assert (99, [gw.OK]) == (ack.downlink_id, [one.status for one in ack.items])
    assert pytest.approx(sent.end_s + 1.0, abs=2e-6) == down.start_s
    assert b"answer to a lamp" == down.phy_payload
    assert down == same


def test_a_late_answer_is_refused_and_counted(broker: Server) -> None:
    with running(broker) as city, simulator(city) as ether:
        send(ether, now_frame(start_s=time.time() - 0.95))
        [payload] = city.until(f"{ONE}/event/up")
        up = gw.UplinkFrame.FromString(payload)
        city.server.publish(f"{ONE}/command/down", answer_to(up, delay_s=0))
        [payload] = city.until(f"{ONE}/event/ack")

    [refused] = gw.DownlinkTxAck.FromString(payload).items
    assert gw.TOO_EARLY == refused.status  # the counter has wrapped past it
    assert 1 == city.count("garonne_gateway_tx_total", status="TOO_EARLY")


@pytest.mark.parametrize(
    "wrong",
    [b"", b"\xff\xff", answer_to(gw.UplinkFrame())],
    ids=["empty", "no protobuf", "another gateway"],
)
def test_a_wrong_command_is_counted_and_the_next_is_answered(
    broker: Server, wrong: bytes
) -> None:
    with running(broker) as city, simulator(city) as ether:
        city.server.publish(f"{ONE}/command/down", wrong)
        send(ether, now_frame())
        [payload] = city.until(f"{ONE}/event/up")
        answer = answer_to(gw.UplinkFrame.FromString(payload))
        city.server.publish(f"{ONE}/command/down", answer)
        city.until(f"{ONE}/event/ack")

    assert 1 == city.count("garonne_gateway_commands_refused_total")


def test_the_state_is_retained_online_and_offline_after_the_stop(
    broker: Server,
) -> None:
    with running(broker) as city:
        pass
    states = [payload for topic, payload in city.heard.queue if ONE in topic]

    online, offline = gw.ConnState.ONLINE, gw.ConnState.OFFLINE
    assert {online, offline} >= {gw.ConnState.FromString(one).state for one in states}
    assert offline == gw.ConnState.FromString(states[-1]).state


def test_a_gateway_that_dies_is_offline_by_its_last_will(broker: Server) -> None:
    with running(broker) as city:
        takes_over = Client(
            CallbackAPIVersion.VERSION2,
            client_id="0016c001f1500001",
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        takes_over.connect(HOST, broker.port)
        [payload] = city.until(f"{ONE}/state/conn")
        takes_over.disconnect()
        city.until(f"{ONE}/event/stats")

    assert gw.ConnState.OFFLINE == gw.ConnState.FromString(payload).state


def test_frames_heard_while_the_broker_is_away_are_counted_and_then_it_goes_on() -> (
    None
):
    with mosquitto() as broker, running(broker) as city, simulator(city) as ether:
        city.subscribed.clear()
        broker.kill()
        city.until_count(0, ONLINE)
        send(ether, now_frame())
        city.until_count(1, "garonne_gateway_uplinks_network_lost_total", kind="data")
        broker.start()
        city.until_count(3, ONLINE)
        city.subscribed.wait(WAIT_S)
        send(ether, now_frame())
        city.until(f"{ONE}/event/up")

    assert 2 == city.count("garonne_gateway_uplinks_heard_total", kind="data")


def test_a_simulator_that_sends_nonsense_is_cut_off_and_the_other_is_not(
    broker: Server,
) -> None:
    with running(broker) as city, simulator(city) as bad, simulator(city) as good:
        bad.sendall(b"\xff" * 64)

        assert b"" == bad.recv(1)
        send(good, now_frame())
        city.until(f"{ONE}/event/up")


def test_json_gateways_publish_json(broker: Server) -> None:
    with running(broker, encoding=Encoding.JSON) as city, simulator(city) as ether:
        send(ether, now_frame())
        [payload] = city.until(f"{ONE}/event/up")

    assert b'"gatewayId":"0016c001f1500001"' in payload.replace(b" ", b"")


class UdpServer:
    """The server's end of Semtech's UDP: acknowledges, and remembers."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((HOST, 0))
        self.socket.settimeout(WAIT_S)
        self.ways_back: dict[EUI64, tuple[str, int]] = {}

    @property
    def address(self) -> UdpAddress:
        return UdpAddress(host=HOST, port=self.socket.getsockname()[1])

    def until(self, wanted: Callable[[semtech.Packet], bool]) -> semtech.Packet:
        """Answer whatever comes until it is what was waited for."""
        while True:
            datagram, source = self.socket.recvfrom(65_536)
            packet = semtech.parse(datagram)
            if isinstance(packet, semtech.PullData):
                self.ways_back[packet.gateway_id] = source
                answer = semtech.PullAck(token=packet.token)
                self.socket.sendto(bytes(answer), source)
            if isinstance(packet, semtech.PushData):
                self.socket.sendto(bytes(semtech.PushAck(token=packet.token)), source)
            if wanted(packet):
                return packet

    def ask(self, gateway_id: EUI64, packet: semtech.TxPk) -> None:
        request = semtech.PullResp(token=0xBEEF, packet=packet)
        self.socket.sendto(bytes(request), self.ways_back[gateway_id])


@contextmanager
def running_over_udp(**options: Any) -> Iterator[tuple[UdpServer, Program, Any]]:
    server, air = UdpServer(), (HOST, free_port())
    started: Queue[tuple[Program, asyncio.AbstractEventLoop, asyncio.Event]] = Queue()

    async def serve() -> None:
        program = Program(
            [CAPITOLE],
            server=server.address,
            encoding=Encoding.PROTOBUF,
            region=EU868,
            seed=SEED,
            stats_interval_s=3_600.0,
            **options,
        )
        stopping = asyncio.Event()
        started.put((program, asyncio.get_running_loop(), stopping))
        await program.run(*air, stopping)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    program, loop, stopping = started.get(timeout=WAIT_S)
    try:
        server.until(
            lambda one: isinstance(one, semtech.PushData) and one.stat is not None
        )
        with closing(socket.create_connection(air, timeout=WAIT_S)) as ether:
            yield server, program, ether
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(WAIT_S)
        server.socket.close()
    assert not thread.is_alive()


def is_uplink(packet: semtech.Packet) -> bool:
    return isinstance(packet, semtech.PushData) and bool(packet.received)


def test_over_udp_an_uplink_is_pushed_and_its_answer_sent_on_the_instant() -> None:
    with running_over_udp() as (server, program, ether):
        send(ether, sent := now_frame())
        push = server.until(is_uplink)
        assert isinstance(push, semtech.PushData)
        [received] = push.received
        answer = semtech.TxPk(
            frequency_hz=868_300_000,
            power_dbm=14,
            spreading_factor=7,
            bandwidth_hz=125_000,
            phy_payload=b"answer to a lamp",
            tmst=(received.tmst + 1_000_000) % 2**32,
        )
        server.ask(CAPITOLE.gateway_id, answer)
        ack = server.until(lambda one: isinstance(one, semtech.TxAck))
        down = receive(ether)
        online = program.metrics.registry.get_sample_value(ONLINE)

    assert sent.phy_payload == received.phy_payload
    assert semtech.TxAck(token=0xBEEF, gateway_id=CAPITOLE.gateway_id) == ack
    assert pytest.approx(sent.end_s + 1.0, abs=2e-6) == down.start_s
    assert 1 == online


def test_over_udp_a_late_answer_is_refused_with_its_reason() -> None:
    with running_over_udp() as (server, _, ether):
        send(ether, now_frame(start_s=time.time() - 0.5))
        push = server.until(is_uplink)
        assert isinstance(push, semtech.PushData)
        answer = semtech.TxPk(
            frequency_hz=868_300_000,
            power_dbm=14,
            spreading_factor=7,
            bandwidth_hz=125_000,
            phy_payload=b"late",
            tmst=push.received[0].tmst,
        )
        server.ask(CAPITOLE.gateway_id, answer)
        ack = server.until(lambda one: isinstance(one, semtech.TxAck))

    assert isinstance(ack, semtech.TxAck)
    assert "TOO_EARLY" == ack.error  # the counter has wrapped past it


def test_a_frame_that_the_backhaul_swallows_is_counted_as_lost_by_the_network(
    broker: Server,
) -> None:
    lossy = Faults([GatewayFault(kind=FaultKind.BACKHAUL_LOSS)])
    with running(broker, faults=lossy) as city, simulator(city) as ether:
        send(ether, now_frame())
        city.until_count(1, "garonne_gateway_uplinks_network_lost_total", kind="data")

        assert 1 == city.count("garonne_gateway_uplinks_heard_total", kind="data")
        lost = city.count("garonne_gateway_backhaul_lost_total", direction="up")
        assert (
            2 == lost == city.count("garonne_gateway_receptions_total", forwarded="no")
        )


def test_a_gateway_without_power_is_offline_until_it_is_back(broker: Server) -> None:
    outage = GatewayFault(
        kind=FaultKind.OUTAGE,
        gateway_id=CAPITOLE.gateway_id,
        from_s=1.5,
        until_s=2.5,
    )
    faults = Faults([outage], begins_s=time.time())
    with running(broker, faults=faults) as city:
        city.until_count(2, ONLINE)
        offline = gw.ConnState.OFFLINE
        while (
            gw.ConnState.FromString(city.until(f"{ONE}/state/conn")[0]).state != offline
        ):
            pass
        city.until_count(3, ONLINE)
