"""
A metered relay: Yobiiq EM2101 on a DIN rail, switching and metering what hangs on it.

What it feeds follows the hours of the day. It measures every quarter of an hour, tells
its state whenever it was told to switch, and opens by itself above its current limit.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lorawan_sim.behaviour import EXTERNAL_POWER, Message
from lorawan_sim.payloads.em2101 import (
    INFORMATION,
    REQUESTS,
    Document,
    encode,
    parse,
)
from lorawan_sim.world import World, busy

__all__ = ["MeteredRelay", "behaviour", "encode"]

FIRMWARE, HARDWARE = "1.5", "1.8"
MEASURE_EVERY_S = 900.0
FIRST_MEASURE_S = (15.0, 60.0)
STATE_AFTER_S = (0.5, 3.0)
STANDBY_W = 1.5
LOAD_W = (400.0, 6_000.0)
MAINS_V, MAINS_HZ = 230.0, 50.0
QUARTER_S = 900.0  # of the world: how finely energy is summed
FACTORY = {"current_limit_a": 63.0, "voltage_limit_v": 260, "power_limit_w": 9999}


@dataclass(slots=True, kw_only=True)
class Load:
    """What hangs on the relay, by the world's clock."""

    power_w: Callable[[float], float]
    counted_to: float
    energy_ws: float = 0.0

    def count(self, time: float, *, on: bool) -> None:
        """Sum the energy up to the world's `time`, in steps of a quarter of an hour."""
        while self.counted_to < time:
            until = min(time, self.counted_to + QUARTER_S)
            power_w = self.power_w(until) if on else STANDBY_W
            self.energy_ws += power_w * (until - self.counted_to)
            self.counted_to = until


@dataclass(slots=True, kw_only=True)
class Settings:
    """What downlinks change; raw values, as the wire has them."""

    values: dict[str, int] = field(default_factory=dict)

    def read(self, name: str) -> float:
        """Return a limit in its unit; what was never set is the factory's."""
        _, _, _, steps = INFORMATION[name]
        if name in self.values:
            return self.values[name] / steps
        return FACTORY.get(name.removeprefix("fallback_"), 0)


class MeteredRelay:
    """One relay's application; see `lorawan_sim.behaviour.Behaviour`."""

    def __init__(
        self, *, seed: int, world: World, latitude: float, longitude: float
    ) -> None:
        self._draw = random.Random(seed)
        self._serial = seed & 0xFFFFFFFF
        self._world, self._longitude = world, longitude
        self._largest_w = self._draw.uniform(*LOAD_W)
        self._power_factor = round(self._draw.uniform(0.88, 0.99), 2)
        self._on, self._settings = True, Settings()
        self._load: Load | None = None
        self._index = 0
        self._every_s = MEASURE_EVERY_S
        self._due: dict[str, float] = {}
        self._outbox: list[Message] = []
        del latitude

    @property
    def battery(self) -> int:
        """It hangs on the mains it meters."""
        return EXTERNAL_POWER

    def joined(self, now: float) -> None:
        """Say who it is and how it stands, at once: class C needs one uplink first."""
        if self._load is None:
            begins = self._world.time(now)
            self._load = Load(power_w=self._drawn_w, counted_to=begins)
        self._send(self._about())
        self._send(self._state())
        self._due["measure"] = now + self._draw.uniform(*FIRST_MEASURE_S)

    def received(self, f_port: int, payload: bytes, now: float) -> None:
        """Acknowledge and do what a downlink says, or refuse all of it."""
        try:
            commands = parse(f_port, payload)
            self._check(commands)
        except ValueError:
            self._send({"message": "acknowledgement", "done": False})
            return
        self._send({"message": "acknowledgement", "done": True})
        for name, value in commands:
            self._obey(name, value, now)

    def tick(self, now: float) -> None:
        """Do what is due."""
        for name, at in sorted(self._due.items(), key=lambda one: one[1]):
            if at <= now:
                del self._due[name]
                getattr(self, f"_on_{name}")(now)

    def next_deadline(self) -> float | None:
        """Return when something is due."""
        return min(self._due.values(), default=None)

    def uplinks(self) -> list[Message]:
        """Return what is to be sent and forget it."""
        sent, self._outbox = self._outbox, []
        return sent

    # What becomes due

    def _on_measure(self, now: float) -> None:
        measured = self._measured(now)
        self._send(measured)
        self._due["measure"] = now + self._every_s
        if self._on and measured["current_a"] > self._settings.read("current_limit_a"):
            self._switch(now, on=False, reason="current-limit")

    def _on_state(self, now: float) -> None:
        del now
        self._send(self._state())

    def _on_restart(self, now: float) -> None:
        self.joined(now)

    # Commands

    @staticmethod
    def _check(commands: list[tuple[str, int]]) -> None:
        for name, value in commands:
            if name in {"on", "network_control", "digital_input"} and value > 1:
                raise ValueError(f"{name} is 0 or 1")
            if name == "request" and value not in REQUESTS:
                raise ValueError(f"nothing {value} to tell")
            if name == "report_every_min" and not value:
                raise ValueError("reports every 0 minutes")

    def _obey(self, name: str, value: int, now: float) -> None:
        match name:
            case "on":
                self._switch(now, on=bool(value), reason="network")
            case "reset":
                self._switch(now, on=True, reason="network-reset")
            case "request":
                self._answer(REQUESTS[value], now)
            case "restart":
                self._due["restart"] = now + 1.0
            case "report_every_min":
                self._every_s = value * 60.0
                self._due["measure"] = now + self._every_s
            case _:
                self._settings.values[name] = value

    def _answer(self, name: str, now: float) -> None:
        value = self._on if name == "on" else self._settings.read(name)
        self._send({"message": "information", name: value})
        if name == "on":
            self._tell_soon(now)

    def _switch(self, now: float, *, on: bool, reason: str) -> None:
        """Bring the relay to a position; it is told also when it was there before."""
        if on != self._on:
            self._tell_why(now, on=on, reason=reason)
        self._count(now)
        self._on = on
        self._tell_soon(now)

    def _tell_soon(self, now: float) -> None:
        self._due.setdefault("state", now + self._draw.uniform(*STATE_AFTER_S))

    def _tell_why(self, now: float, *, on: bool, reason: str) -> None:
        time_s = int(self._world.time(now))
        event: dict[str, Any] = {"on_reason": reason, "on_time_s": time_s}
        if not on:
            power_w = self._power_w(now)
            event = {
                "off_reason": reason,
                "off_time_s": time_s,
                "off_current_a": self._current_a(power_w),
                "off_voltage_v": MAINS_V,
                "off_power_w": round(power_w),
            }
        self._send({"message": "switching", **event})

    # The load and its meter

    def _drawn_w(self, time: float) -> float:
        """Return what a closed relay lets through; busier hours draw more."""
        return STANDBY_W + self._largest_w * busy(time, self._longitude)

    def _power_w(self, now: float) -> float:
        return self._drawn_w(self._world.time(now)) if self._on else STANDBY_W

    def _current_a(self, power_w: float) -> float:
        return round(power_w / MAINS_V / self._power_factor, 3)

    def _count(self, now: float) -> float:
        if self._load is None:
            return 0.0
        self._load.count(self._world.time(now), on=self._on)
        return self._load.energy_ws

    # Reports

    def _send(self, document: Document) -> None:
        f_port, payload = encode(document)
        self._outbox.append(Message(f_port=f_port, payload=payload))

    def _measured(self, now: float) -> dict[str, Any]:
        self._index += 1
        power_w = self._power_w(now)
        return {
            "message": "measurement",
            "index": self._index,
            "time_s": int(self._world.time(now)),
            "energy_import_t1_wh": int(self._count(now) / 3600),
            "voltage_v": MAINS_V + self._draw.randint(-40, 40) / 10,
            "current_a": self._current_a(power_w),
            "power_w": round(power_w),
            "power_factor": self._power_factor,
            "frequency_hz": MAINS_HZ + self._draw.randint(-4, 4) / 100,
        }

    def _state(self) -> dict[str, Any]:
        return {"message": "state", "on": self._on}

    def _about(self) -> dict[str, Any]:
        return {
            "message": "information",
            "hardware": HARDWARE,
            "firmware": FIRMWARE,
            "serial": self._serial,
            "device_class": "C",
            "powered": True,
            "on": self._on,
        }


def behaviour(
    *, seed: int, world: World, latitude: float, longitude: float
) -> MeteredRelay:
    """Make a metered relay at its place."""
    return MeteredRelay(seed=seed, world=world, latitude=latitude, longitude=longitude)
