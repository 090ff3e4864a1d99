"""
The program: the fleet in the middle, the ether on one side, flash on the other.

Everything runs in one asyncio loop, and the only clock is read here.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from random import Random
from types import MappingProxyType
from typing import Any

from lorawan_sim.device import Device
from lorawan_sim.events import DeviceEvent, What
from lorawan_sim.fleet import Fleet
from lorawan_sim.metrics import Metrics
from lorawan_sim.radio import EtherClient
from lorawan_sim.state import Record, State
from wire.air import AirFrame
from wire.eui64 import EUI64
from wire.lorawan.mhdr import MType
from wire.settings import Address

SAVE_EVERY_S = 1.0
LONGEST_SLEEP_S = 1.0
_LOUD = {
    What.JOIN_FAILED: logging.WARNING,
    What.UPLINK_REFUSED: logging.WARNING,
    What.UPLINK_UNACKED: logging.WARNING,
    What.UPLINK_LOST: logging.WARNING,
    What.DOWNLINK_DROPPED: logging.WARNING,
    What.JOINED: logging.INFO,
    What.JOIN_WAITS: logging.INFO,
    What.RESUMED: logging.INFO,
    What.UPLINK_WAITS: logging.INFO,
    What.DOWNLINK_HEARD: logging.INFO,
    What.ADR_BACKED_OFF: logging.INFO,
}

log = logging.getLogger(__name__)


class Program:
    """All devices of a city, running."""

    def __init__(
        self,
        devices: Sequence[Device],
        *,
        air: Address,
        state: State,
        seed: int,
        spread_s: float,
        fleet: Fleet | None = None,
        starts_s: Mapping[EUI64, float] = MappingProxyType({}),
    ) -> None:
        self._devices = devices
        self._state = state
        self._seed = seed
        self._spread_s = spread_s
        self._starts_s = starts_s
        self._fleet = Fleet() if fleet is None else fleet
        self._ether = EtherClient(air.host, air.port, on_downlink=self._hear)
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="flash")
        self._wake = asyncio.Event()
        self.metrics = Metrics(self._fleet)

    async def run(self, stopping: asyncio.Event) -> None:
        """Simulate until `stopping` is set, then save what is in flash."""
        works = (self._ether.run(), self._simulate(), self._save_often())
        tasks = [asyncio.create_task(work) for work in works]
        stopped = asyncio.create_task(stopping.wait())
        done, _ = await asyncio.wait(
            {*tasks, stopped}, return_when=asyncio.FIRST_COMPLETED
        )
        self.metrics.ready.set(0)
        await self._stop([*tasks, stopped])
        for task in done:
            task.result()

    async def _stop(self, tasks: Sequence[asyncio.Task[Any]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._ether.close()
        await self._save(self._fleet.unsaved())
        self._disk.shutdown()
        log.info("device.program.stop")

    async def _simulate(self) -> None:
        await self._ether.connected.wait()
        self._switch_on(time.time())
        self.metrics.ready.set(1)
        while True:
            self._fleet.tick(time.time())
            await self._settle()
            await self._sleep()

    def _switch_on(self, now: float) -> None:
        for device in self._devices:
            self._fleet.add(device, starts_at=now + self._start_s(device))
        log.info("device.fleet.start devices=%d", len(self._fleet))

    def _start_s(self, device: Device) -> float:
        eui = device.card.dev_eui
        dice = Random(f"{self._seed}/{eui}/start")
        return self._starts_s.get(eui, dice.uniform(0, self._spread_s))

    def _hear(self, frame: AirFrame) -> None:
        self._fleet.receive(frame, time.time())
        self._wake.set()

    async def _sleep(self) -> None:
        deadline = self._fleet.next_deadline()
        until = float("inf") if deadline is None else deadline - time.time()
        with suppress(TimeoutError):
            await asyncio.wait_for(
                self._wake.wait(), max(0.0, min(until, LONGEST_SLEEP_S))
            )
        self._wake.clear()

    async def _settle(self) -> None:
        """Send and tell; a DevNonce reaches the disk before its request leaves."""
        frames = self._fleet.transmissions()
        requests = [frame for frame in frames if _is_join(frame)]
        self._send(frame for frame in frames if not _is_join(frame))
        if requests:
            await self._save(self._fleet.unsaved())
            self._send(requests)
        for device, event in self._fleet.events():
            self._tell(device, event)

    def _send(self, frames: Iterable[AirFrame]) -> None:
        for frame in frames:
            kind = "join" if _is_join(frame) else "data"
            self.metrics.sent.labels(kind).inc()
            cause = self._ether.send(frame)
            if cause is not None:
                self.metrics.radio_lost.labels(cause, kind).inc()
                self._fleet.lose(frame, cause, time.time())

    def _tell(self, device: Device, event: DeviceEvent) -> None:
        self.metrics.count(event)
        level = _LOUD.get(event.what, logging.DEBUG)
        if log.isEnabledFor(level):
            eui = device.card.dev_eui
            log.log(level, "device.%s dev_eui=%s %s", event.what, eui, event)

    async def _save_often(self) -> None:
        while True:
            await asyncio.sleep(SAVE_EVERY_S)
            await self._save(self._fleet.unsaved())

    async def _save(self, records: Sequence[Record]) -> None:
        if records:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._disk, self._state.save, records)


def _is_join(frame: AirFrame) -> bool:
    return frame.phy_payload[0] >> 5 == MType.JOIN_REQUEST
