"""One city, three ways to forward: its server hears the same, in virtual time."""

import base64
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from chirpstack_api import gw
from tests.chirpstack_embedded.conftest import APP_KEY, DEV_EUI, START, World, eu868
from tests.gateway_sim.given import CAPITOLE, JOLIMONT, medium
from tests.lorawan_sim.network import CARD, Script

from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.station import Bridge as StationBridge
from chirpstack_embedded.udp import Bridge
from gateway_sim import packets
from gateway_sim.chirpstack import Codec, Encoding
from gateway_sim.gateway import Downlink, Gateway, TxAck, Uplink
from gateway_sim.lns import Station
from gateway_sim.radio import Radio
from lorawan_sim.card import Card, Profile
from lorawan_sim.device import Device
from lorawan_sim.fleet import Fleet
from wire import semtech, station
from wire.eui64 import EUI64
from wire.lorawan.region.eu868 import EU868

PLACES = {place.gateway_id: place for place in (CAPITOLE, JOLIMONT)}
MINUTES_S = 150.0
SOURCE = ("127.0.0.1", 4000)


class Chatty(Script):
    """Says something every ten seconds, every second time confirmed."""

    def joined(self, now: float) -> None:
        super().joined(now)
        self.wakes_at = now + 10

    def tick(self, now: float) -> None:
        if self.wakes_at is not None and self.wakes_at <= now:
            number = round(now - START) % 256
            self.say(bytes([number]), f_port=2, confirmed=number % 20 < 10)
            self.wakes_at += 10


class Mqtt:
    """What goes over the broker, in one encoding."""

    def __init__(self, encoding: Encoding) -> None:
        self._codecs = {key: Codec(place, encoding) for key, place in PLACES.items()}

    def up(self, uplink: Uplink) -> list[tuple[str, bytes]]:
        return [("up", self._codecs[uplink.gateway_id].up(uplink))]

    def attach(self, gateways: Iterable[Gateway]) -> None:
        """MQTT needs no more than the codecs."""

    def down(self, frame: gw.DownlinkFrame) -> Downlink | None:
        gateway_id = EUI64.parse(frame.gateway_id)
        return self._codecs[gateway_id].parse_down(frame.SerializeToString())

    def ack(self, ack: TxAck) -> tuple[Downlink | None, list[tuple[str, bytes]]]:
        return None, [("ack", self._codecs[ack.gateway_id].ack(ack))]


class Udp:
    """What goes in datagrams, with the server's bridge at the other end."""

    def __init__(self) -> None:
        self._bridge = Bridge("eu868")
        for gateway_id in PLACES:
            self._receive(semtech.PullData(token=1, gateway_id=gateway_id))

    def attach(self, gateways: Iterable[Gateway]) -> None:
        """Datagrams need no connection."""

    def up(self, uplink: Uplink) -> list[tuple[str, bytes]]:
        packet = packets.received(uplink)
        push = semtech.PushData(
            token=2, gateway_id=uplink.gateway_id, received=(packet,)
        )
        return self._receive(push)

    def down(self, frame: gw.DownlinkFrame) -> Downlink | None:
        self._bridge.send(frame)
        return self._asked()

    def ack(self, ack: TxAck) -> tuple[Downlink | None, list[tuple[str, bytes]]]:
        [status] = ack.statuses
        error = packets.error(status)
        answer = semtech.TxAck(
            token=ack.downlink_id, gateway_id=ack.gateway_id, error=error
        )
        events = self._receive(answer)
        return self._asked(), events

    def _receive(self, packet: semtech.Packet) -> list[tuple[str, bytes]]:
        self._bridge.receive(bytes(packet), SOURCE)
        return [
            (topic.rpartition("/")[2], payload)
            for topic, payload in self._bridge.events()
        ]

    def _asked(self) -> Downlink | None:
        for _, datagram in self._bridge.datagrams():
            packet = semtech.parse(datagram)
            if isinstance(packet, semtech.PullResp):
                return packets.requested(packet)
        return None


class Lns:
    """What goes over websockets, with the server's bridge at the other end."""

    def __init__(self) -> None:
        self._bridge = StationBridge("eu868", RegionPlan(eu868()))
        self._stations: dict[EUI64, Station] = {}

    def attach(self, gateways: Iterable[Gateway]) -> None:
        for gateway in gateways:
            gateway_id = gateway.place.gateway_id
            self._stations[gateway_id] = Station(gateway)
            assert self._bridge.connect(gateway_id)
            self._say(gateway_id, station.Version(station="2.0.6"))
            [(_, text)] = self._bridge.messages()
            config = station.parse_from_server(text)
            assert isinstance(config, station.RouterConfig)
            self._stations[gateway_id].configure(config)

    def up(self, uplink: Uplink) -> list[tuple[str, bytes]]:
        message = self._stations[uplink.gateway_id].up(uplink)
        assert isinstance(message, station.Uplink)
        return self._say(uplink.gateway_id, message)

    def down(self, frame: gw.DownlinkFrame) -> Downlink | None:
        self._bridge.send(frame, START)
        [(gateway_id, text)] = self._bridge.messages()
        message = station.parse_from_server(text)
        assert isinstance(message, station.DnMsg)
        return self._stations[gateway_id].down(message)

    def ack(self, ack: TxAck) -> tuple[Downlink | None, list[tuple[str, bytes]]]:
        report = self._stations[ack.gateway_id].transmitted(ack)
        return None, self._say(ack.gateway_id, report) if report else []

    def _say(
        self, gateway_id: EUI64, message: station.FromGateway
    ) -> list[tuple[str, bytes]]:
        self._bridge.receive(gateway_id, str(message), START)
        return [
            (topic.rpartition("/")[2], payload)
            for topic, payload in self._bridge.events()
            if not topic.endswith("/stats")
        ]


Way = Mqtt | Udp | Lns


class City:
    """One device, two gateways and the server's core, joined by one way to forward."""

    def __init__(self, way: Way, **radio: Any) -> None:
        self.way = way
        self.world = World()
        self.world.given_gateways(*map(str, PLACES))
        self.world.given_device()
        self.script = Chatty()
        card = Card(
            dev_eui=DEV_EUI,
            join_eui=CARD.join_eui,
            app_key=APP_KEY,
            latitude=CAPITOLE.latitude,
            longitude=CAPITOLE.longitude + 0.002,
        )
        self.fleet = Fleet()
        profile = Profile(region=EU868)
        self.fleet.add(Device(card, self.script, profile), starts_at=START)
        gateways = [
            Gateway(place, region=EU868, boot_s=START - 100, seed=1)
            for place in PLACES.values()
        ]
        way.attach(gateways)
        self.radio = Radio(medium(*PLACES.values(), **radio), gateways)
        self.sent = 0

    def run(self, until: float) -> "City":
        world = self.world
        while True:
            deadlines = [
                self.fleet.next_deadline(),
                self.radio.next_deadline(),
                world.server.next_deadline(),
            ]
            at = min(one for one in deadlines if one is not None)
            if at > until:
                return self
            world.when_time_passes(max(0.0, at - world.now))
            self._answer()
            self._live(world.now)

    def _live(self, now: float) -> None:
        self.fleet.tick(now)
        for frame in self.fleet.transmissions():
            self.sent += 1
            self.radio.transmit(frame)
        self.radio.tick(now)
        for _, uplinks in self.radio.outcomes():
            for uplink in uplinks:
                self._say(uplink.gateway_id, self.way.up(uplink))
        for frame in self.radio.transmissions():
            self.fleet.receive(frame, now)

    def _answer(self) -> None:
        downlinks, self.world.downlinks = self.world.downlinks, []
        for frame in downlinks:
            gateway_id = EUI64.parse(frame.gateway_id)
            asked = self.way.down(frame)
            while asked is not None:
                ack = self.radio.request(gateway_id, asked, self.world.now)
                asked, events = self.way.ack(ack)
                self._say(gateway_id, events)

    def _say(self, gateway_id: EUI64, events: Iterable[tuple[str, bytes]]) -> None:
        for kind, payload in events:
            self.world.when_gateway_says(str(gateway_id), kind, payload)

    def told(self) -> list[tuple[Any, ...]]:
        """What applications learnt, without what differs by protocol."""
        seen: list[tuple[Any, ...]] = []
        for kind in ("join", "up", "ack", "txack", "log"):
            for event in self.world.then_events(kind):
                data = base64.b64decode(event.get("data", ""))
                gateways = sorted(
                    (one["gatewayId"], one["rssi"], one["snr"])
                    for one in event.get("rxInfo", [])
                )
                seen.append((kind, event.get("fCnt"), data, event.get("dr"), gateways))
        return seen


WAYS: dict[str, Callable[[], Way]] = {
    "protobuf": lambda: Mqtt(Encoding.PROTOBUF),
    "json": lambda: Mqtt(Encoding.JSON),
    "udp": Udp,
    "station": Lns,
}


def lived(name: str) -> City:
    """Two minutes and a half: joined, chatty, and twice commanded."""
    city = City(WAYS[name](), extra_loss=0.2)
    city.run(START + 40)
    city.world.given_queued(b"\x01")
    city.run(START + 80)
    city.world.given_queued(b"\x02", confirmed=True)
    return city.run(START + MINUTES_S)


@pytest.mark.proves("feature:semtech-udp", "feature:basics-station", "event:txack")
@pytest.mark.parametrize("name", ["json", "udp", "station"])
def test_the_server_hears_the_same_whatever_the_gateways_speak(name: str) -> None:
    usual, other = lived("protobuf"), lived(name)

    assert usual.fleet.joined == other.fleet.joined == 1
    assert usual.sent == other.sent
    kinds = [one[0] for one in usual.told()]
    assert 8 <= kinds.count("up")
    assert (1, 1, 2, 0) == tuple(map(kinds.count, ("join", "ack", "txack", "log")))
    assert usual.told() == other.told()
    assert [b"\x01", b"\x02"] == [payload for _, payload in other.script.inbox]
