"""
A parking bay with a Bosch TPS110 in the ground: occupied or free, told on change.

It listens to nobody. Its magnetometer and radar need some seconds to be sure, and
however fast the world runs it tells a change at most every 20 s.
"""

import math
import random
from typing import Any

from lorawan_sim.behaviour import BATTERY_FULL, Message
from lorawan_sim.payloads.tps110 import encode
from lorawan_sim.world import World

__all__ = ["ParkingBay", "behaviour", "encode"]

FIRMWARE = "0.29.2"
HEARTBEAT_S = 86_400.0
SURE_AFTER_S = (2.0, 8.0)
SHORTEST_PERIOD_S = 20.0  # 14 octets at SF9 take 0.17 s, under a hundredth of it
LIFE_S = 5 * 365.25 * 86_400  # of the battery, as the maker promises
GROUND_DAMPING_C = 2


class ParkingBay:
    """One bay's application; see `lorawan_sim.behaviour.Behaviour`."""

    def __init__(
        self, *, seed: int, world: World, latitude: float, longitude: float
    ) -> None:
        self._draw = random.Random(seed)
        self._world, self._place = world, (latitude, longitude)
        self._cars = world.cars(seed)
        self._occupied = False
        self._born: float | None = None
        self._now, self._told_at = 0.0, -math.inf
        self._heartbeat_s = HEARTBEAT_S
        self._due: dict[str, float] = {}
        self._outbox: list[Message] = []

    @property
    def battery(self) -> int:
        """A lithium cell, linear over its life; 1 is the last step."""
        age_s = self._now - (self._born if self._born is not None else self._now)
        return max(1, round(BATTERY_FULL * (1 - age_s / LIFE_S)))

    def report_every(self, period_s: float) -> None:
        """Send its heartbeat with this period instead of the maker's."""
        self._heartbeat_s = period_s

    def joined(self, now: float) -> None:
        """Tell that it started, with what it sees."""
        self._now = now
        self._born = now if self._born is None else self._born
        self._occupied = self._cars.present(self._world.time(now))
        self._send({"message": "startup", **self._started()})
        self._due["heartbeat"] = now + self._heartbeat_s
        self._due["change"] = self._next_change(now)

    def received(self, f_port: int, payload: bytes, now: float) -> None:
        """Ignore it: the maker publishes no command."""
        del f_port, payload
        self._now = now

    def tick(self, now: float) -> None:
        """Tell a change, once sure, and from time to time that it lives."""
        self._now = now
        if self._due.get("change", now + 1) <= now:
            self._look(now)
        if self._due.get("heartbeat", now + 1) <= now:
            self._due["heartbeat"] = now + self._heartbeat_s
            self._send({"message": "heartbeat", "temperature_c": self._ground_c(now)})

    def next_deadline(self) -> float | None:
        """Return when a change will be sure, or the next heartbeat."""
        return min(self._due.values(), default=None)

    def uplinks(self) -> list[Message]:
        """Return what is to be sent and forget it."""
        sent, self._outbox = self._outbox, []
        return sent

    def _look(self, now: float) -> None:
        occupied = self._cars.present(self._world.time(now))
        if occupied != self._occupied:
            self._occupied, self._told_at = occupied, now
            self._send({"message": "status"})
        self._due["change"] = self._next_change(now)

    def _next_change(self, now: float) -> float:
        change = self._world.real(self._cars.next_change(self._world.time(now)))
        sure = max(now, change) + self._draw.uniform(*SURE_AFTER_S)
        return max(sure, self._told_at + SHORTEST_PERIOD_S)

    def _ground_c(self, now: float) -> int:
        air_c = self._world.temperature_c(*self._place, now)
        return round(air_c + (GROUND_DAMPING_C if self._occupied else 0))

    def _started(self) -> dict[str, Any]:
        return {"firmware": FIRMWARE, "reset": "power-on", "debug_codes": [0, 0, 0]}

    def _send(self, document: dict[str, Any]) -> None:
        f_port, payload = encode({**document, "occupied": self._occupied})
        self._outbox.append(Message(f_port=f_port, payload=payload))


def behaviour(
    *, seed: int, world: World, latitude: float, longitude: float
) -> ParkingBay:
    """Make a parking bay at its place."""
    return ParkingBay(seed=seed, world=world, latitude=latitude, longitude=longitude)
