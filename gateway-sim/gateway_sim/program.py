"""
The program: simulators on one side, the broker on the other, the radio between.

Everything runs in one asyncio loop, and the only clock is read here.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from random import Random

from gateway_sim.backhaul import Backhaul, Forwarder, PowerSwitch
from gateway_sim.chirpstack import Codec, Encoding
from gateway_sim.ether import Ether
from gateway_sim.faults import Faults
from gateway_sim.forwarder import MqttForwarder
from gateway_sim.gateway import Downlink, Gateway, Uplink
from gateway_sim.jit import TxStatus
from gateway_sim.medium import Medium, Outcome
from gateway_sim.metrics import Metrics
from gateway_sim.mqtt import Broker
from gateway_sim.radio import Radio
from gateway_sim.station import LnsServer, StationForwarder
from gateway_sim.udp import Server, UdpForwarder
from wire.air import AirFrame
from wire.declared import DeclaredGateway
from wire.lorawan.region import Region

DAY_S = 86_400.0
M_TYPES = {0b000: "join", 0b010: "data", 0b100: "data"}

log = logging.getLogger(__name__)


class Program:
    """All gateways of a city, running."""

    def __init__(
        self,
        places: Sequence[DeclaredGateway],
        *,
        server: Broker | Server | LnsServer,
        encoding: Encoding,
        region: Region,
        seed: int,
        stats_interval_s: float,
        medium: Medium | None = None,
        faults: Faults | None = None,
        beacons: bool = False,
    ) -> None:
        now = time.time()
        gateways = [
            Gateway(
                place,
                region=region,
                boot_s=now - uptime_s,
                seed=seed,
                beacons=beacons,
            )
            for place, uptime_s in zip(places, uptimes_s(seed), strict=False)
        ]
        self.metrics = Metrics()
        self._stats_interval_s = stats_interval_s
        faults = faults or Faults()
        medium = medium or Medium(places, region=region, seed=seed, faults=faults)
        self._radio = Radio(medium, gateways)
        self._ether = Ether(on_frame=self._transmit, clock=time.time)
        self._backhaul = Backhaul(
            faults,
            clock=time.time,
            on_lost=lambda way: self.metrics.backhaul_lost.labels(way).inc(),
        )
        self._power = PowerSwitch(faults, clock=time.time)
        self._server, self._prefix, self._encoding = server, region.name, encoding
        self._forwarders = {
            gateway.place.gateway_id: self._new_forwarder(gateway)
            for gateway in gateways
        }
        self.metrics.gateways.set(len(gateways))
        self.metrics.online.set_function(self._count_online)
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = float("inf")

    def _new_forwarder(self, gateway: Gateway) -> Forwarder:
        refused = self.metrics.commands_refused.inc
        if isinstance(self._server, Server):
            return UdpForwarder(
                gateway,
                server=self._server,
                on_downlink=self._come_down,
                on_refused=refused,
                on_online=self._online,
            )
        if isinstance(self._server, LnsServer):
            return StationForwarder(
                gateway,
                server=self._server,
                on_downlink=self._come_down,
                on_refused=refused,
                on_filtered=lambda cause: self.metrics.filtered.labels(cause).inc(),
                on_online=self._online,
            )
        return MqttForwarder(
            gateway,
            broker=self._server,
            prefix=self._prefix,
            codec=Codec(gateway.place, self._encoding),
            on_downlink=self._come_down,
            on_refused=refused,
            on_online=self._online,
        )

    async def run(self, host: str, port: int, stopping: asyncio.Event) -> None:
        """Serve until ``stopping`` is set, then say goodbye to the broker."""
        await self._ether.listen(host, port)
        self._wake_at(self._radio.next_deadline())  # beacons wait for nobody
        forwarders = self._forwarders.values()
        tasks = [asyncio.create_task(self._power.run(one)) for one in forwarders]
        tasks.append(asyncio.create_task(self._report()))
        await stopping.wait()
        self.metrics.ready.set(0)
        await self._stop(tasks, forwarders)

    async def _stop(
        self, tasks: Iterable[asyncio.Task[None]], forwarders: Iterable[Forwarder]
    ) -> None:
        for forwarder in forwarders:
            await forwarder.close()
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self._ether.close()
        log.info("gateway.program.stop")

    async def _report(self) -> None:
        """Every gateway's stats, once an interval."""
        while True:
            await asyncio.sleep(self._stats_interval_s)
            for forwarder in self._forwarders.values():
                self._report_one(forwarder)

    def _report_one(self, forwarder: Forwarder) -> None:
        now = time.time()
        gateway = forwarder.gateway
        self.metrics.loads(str(gateway.place.gateway_id), gateway.loads(now))
        forwarder.stats(now)

    def _online(self, forwarder: Forwarder) -> None:
        """A gateway is back at the broker: say so at once, that makes it ONLINE."""
        self._report_one(forwarder)
        if self._count_online() == len(self._forwarders):
            self.metrics.ready.set(1)

    def _count_online(self) -> int:
        return sum(forwarder.online for forwarder in self._forwarders.values())

    def _transmit(self, frame: AirFrame) -> None:
        self._radio.transmit(frame)
        self._wake_at(self._radio.next_deadline())

    def _come_down(self, gateway: Gateway, downlink: Downlink) -> None:
        """A request leaves the server: it may take its time."""
        request = partial(self._request, gateway, downlink)
        key = b"down%d" % downlink.downlink_id
        self._backhaul.carry(gateway.place.gateway_id, "down", key, request)

    def _request(self, gateway: Gateway, downlink: Downlink) -> None:
        gateway_id = gateway.place.gateway_id
        ack = self._radio.request(gateway_id, downlink, time.time())
        answer = partial(self._forwarders[gateway_id].ack, ack)
        key = b"ack%d" % ack.downlink_id
        self._backhaul.carry(gateway_id, "up", key, answer)
        for status in ack.statuses:
            self.metrics.tx.labels(status).inc()
        if TxStatus.OK not in ack.statuses:
            log.warning(
                "gateway.down.refuse gateway_id=%s downlink_id=%d statuses=%s",
                *(gateway_id, downlink.downlink_id, ",".join(ack.statuses)),
            )
        self._wake_at(self._radio.next_deadline())

    def _wake(self) -> None:
        self._timer_at = float("inf")
        self._radio.tick(time.time())
        for outcome, uplinks in self._radio.outcomes():
            self._forward(outcome, uplinks)
        if frames := self._radio.transmissions():
            self._ether.send(frames)
        self._wake_at(self._radio.next_deadline())

    def _forward(self, outcome: Outcome, uplinks: Sequence[Uplink]) -> None:
        kind = kind_of(outcome.frame)
        if outcome.cause is not None:
            self.metrics.radio_lost.labels(outcome.cause, kind).inc()
            return
        self.metrics.heard.labels(kind).inc()
        fates = Fates(len(uplinks), on_lost=self.metrics.network_lost.labels(kind).inc)
        for uplink in uplinks:
            forward = partial(self._hand_over, uplink, fates)
            message = uplink.frame.phy_payload
            if not self._backhaul.carry(uplink.gateway_id, "up", message, forward):
                self._settle(fates, forwarded=False)

    def _hand_over(self, uplink: Uplink, fates: "Fates") -> None:
        forwarder = self._forwarders[uplink.gateway_id]
        self._settle(fates, forwarded=forwarder.up(uplink))

    def _settle(self, fates: "Fates", *, forwarded: bool) -> None:
        self.metrics.receive(forwarded=forwarded)
        fates.settle(forwarded=forwarded)

    def _wake_at(self, at_s: float | None) -> None:
        """Have one timer, for the earliest deadline."""
        if at_s is None or at_s >= self._timer_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at_s
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(0.0, at_s - time.time()), self._wake)


class Fates:
    """The copies of one frame on their ways; lost when none of them came through."""

    def __init__(self, copies: int, *, on_lost: Callable[[], None]) -> None:
        self._left = copies
        self._on_lost = on_lost
        self._came_through = False

    def settle(self, *, forwarded: bool) -> None:
        """One copy is through, or gone."""
        self._left -= 1
        self._came_through |= forwarded
        if not self._left and not self._came_through:
            self._on_lost()


def uptimes_s(seed: int) -> Iterator[float]:
    """How long each gateway has been up: no two counters show the same."""
    random = Random(f"{seed}/uptime")
    while True:
        yield random.uniform(0.0, DAY_S)


def kind_of(frame: AirFrame) -> str:
    """``data``, ``join`` or ``other``, from the frame's first byte (MHDR)."""
    m_type = frame.phy_payload[0] >> 5 if frame.phy_payload else -1
    return M_TYPES.get(m_type, "other")
