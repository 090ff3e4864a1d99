"""
A street light: NAS UL20xx controller, one DALI driver, a light and a motion sensor.

It is at its night level while its light sensor sees darkness and off otherwise, unless
somebody dims it by hand; that lasts until the time given is over, until it is told to
resume, or until the daylight changes its step, but a minute at least. A change is
reported within 10 s.
"""

import math
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lorawan_sim.behaviour import EXTERNAL_POWER, Message
from lorawan_sim.groups import Membership
from lorawan_sim.payloads.ul20xx import SYSTEM_PORT, encode
from lorawan_sim.payloads.ul20xx_commands import (
    Command,
    Dim,
    JoinGroup,
    Refused,
    Report,
    ReportChanges,
    ReportEvery,
    SwitchOpenDrain,
    parse,
)
from lorawan_sim.world import World

__all__ = ["StreetLight", "behaviour", "encode"]

FIRMWARE = "1.1.8"
OWN_ADDRESSES = {0x00, 0xFE, 0xFF}  # dali-0, broadcast, all
NIGHT_LEVEL = 40
DARK_BELOW_LUX, BRIGHT_ABOVE_LUX = 10.0, 25.0
LIGHT_CHECK_S = 300.0  # of the world
HAND_HOLDS_S = 60.0  # a step of the daylight does not undo what was just set
INPUT_HOLD_S = 10.0
SENSOR_DELAY_S = 0.05
STANDBY_W, DRIVER_W, W_PER_PERCENT = 1.2, 3.0, 0.45
MAINS_V = 230
GROUP_HEAD_SIZE = 6  # header, slot and address; the keys come behind them


@dataclass(slots=True, kw_only=True)
class Meter:
    """Counts what the luminaire uses, from one change of level to the next."""

    since: float
    power_w: float = STANDBY_W
    energy_ws: float = 0.0
    lamp_on_s: float = 0.0

    def count(self, now: float, power_w: float) -> None:
        """Close the interval up to `now`; from then on the lamp takes `power_w`."""
        elapsed_s = now - self.since
        self.energy_ws += self.power_w * elapsed_s
        self.lamp_on_s += elapsed_s if self.power_w > STANDBY_W else 0.0
        self.since, self.power_w = now, power_w


class StreetLight:
    """One lamp's application; see `lorawan_sim.behaviour.Behaviour`."""

    def __init__(
        self, *, seed: int, world: World, latitude: float, longitude: float
    ) -> None:
        self._draw = random.Random(seed)
        self._serial = f"51{seed & 0xFFFFFF:06x}"
        self._world, self._place = world, (latitude, longitude)
        self._people, self._people_to_come = world.people(seed), world.people(seed)
        self._level, self._reason = 0, "light-1"
        self._dark = False
        self._manual: int | None = None
        self._set_at = -math.inf
        self._open_drain_on = self._failed = False
        self._meter: Meter | None = None
        self._heard = (0, 0)
        self._input_until = self._quiet_until = -math.inf
        self._status_every_s, self._usage_every_s = 900.0, 3600.0
        self._change_delay_s, self._motion_limit_s = 10.0, 180.0
        self._due: dict[str, float] = {}
        self._outbox: list[Message] = []
        self._joined_groups: list[Membership] = []

    # What the MAC core calls

    @property
    def battery(self) -> int:
        """A luminaire hangs on the mains."""
        return EXTERNAL_POWER

    def joined(self, now: float) -> None:
        """Say who it is and how it is, at once: class C needs one uplink first."""
        self._meter = self._meter or Meter(since=now)
        self._look(now)
        self._send(self._boot(now))
        self._send(self._status(now))
        self._due["status"] = now + self._draw.uniform(0.5, 1.0) * self._status_every_s
        self._due["usage"] = now + self._draw.uniform(20, 60)
        self._due["motion"] = self._next_motion(now)

    def received(self, f_port: int, payload: bytes, now: float) -> None:
        """Do what a downlink says and echo it, or refuse it with the reason."""
        try:
            commands = parse(f_port, payload)
            self._check(commands)
        except Refused as refused:
            answer = bytes((0x13, f_port, refused.code))
            self._outbox.append(Message(f_port=SYSTEM_PORT, payload=answer))
            return
        self._outbox.append(Message(f_port=f_port, payload=_echo(payload, commands)))
        for command in commands:
            self._obey(command, now)

    def memberships(self) -> list[Membership]:
        """Return the groups it was put into and forget them."""
        joined, self._joined_groups = self._joined_groups, []
        return joined

    def received_in_group(self, f_port: int, payload: bytes, now: float) -> None:
        """
        Do what a group was told, and answer with the next report of the state only.

        Forty echoes in the same second would drown each other.
        """
        try:
            commands = parse(f_port, payload)
            self._check(commands)
        except Refused:
            return
        for command in commands:
            self._obey(command, now)

    def report_every(self, period_s: float) -> None:
        """Report its state with this period instead of the maker's."""
        self._status_every_s = period_s

    def heard(self, rssi_dbm: float, snr_db: float) -> None:
        """Remember how well the last downlink was heard; a status tells it."""
        self._heard = (round(rssi_dbm), round(snr_db))

    def fail(self, now: float, *, failed: bool = True) -> None:
        """Break the lamp, or mend it: an alarm now, and a report of the state."""
        self._failed = failed
        self._count(now)
        self._send({"message": "alarm", "alarm": "driver", "drivers": [self._driver()]})
        self._report_soon(now)

    def tick(self, now: float) -> None:
        """Do what is due."""
        while self._due:
            name = min(self._due, key=self._due.__getitem__)
            if self._due[name] > now:
                return
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

    def _on_status(self, now: float) -> None:
        self._send(self._status(now))
        self._due["status"] = now + self._status_every_s

    def _on_usage(self, now: float) -> None:
        self._send(self._usage(now))
        if self._usage_every_s:
            self._due["usage"] = now + self._usage_every_s

    def _on_report(self, now: float) -> None:
        self._send(self._status(now))

    def _on_release(self, now: float) -> None:
        self._manual = None
        self._apply(now)

    def _on_light(self, now: float) -> None:
        self._look(now)

    def _on_motion(self, now: float) -> None:
        self._input_until = now + INPUT_HOLD_S
        self._quiet_until = now + self._motion_limit_s
        self._send(self._status(now))
        self._due["motion"] = self._next_motion(now)

    def _next_motion(self, now: float) -> float:
        """Return when somebody next comes by, or is still there and not yet told."""
        coming, time = self._people_to_come, self._world.time(now)
        if self._quiet_until > now:
            time = self._world.time(self._quiet_until)
            if coming.present(time):
                return self._quiet_until
        elif coming.present(time):  # who is there now has been told
            time = coming.next_change(time)
        arrives = self._world.real(coming.next_change(time))
        return max(now, arrives) + SENSOR_DELAY_S

    # Light

    def _look(self, now: float) -> None:
        """Look at the daylight; a new step ends what was set by hand."""
        limit = BRIGHT_ABOVE_LUX if self._dark else DARK_BELOW_LUX
        dark = self._lux(now) < limit
        if dark != self._dark and self._manual is not None:  # a timer goes on
            self._due.setdefault("release", max(now, self._set_at + HAND_HOLDS_S))
        self._dark = dark
        self._apply(now)
        later = self._world.real(self._world.time(now) + LIGHT_CHECK_S)
        self._due["light"] = max(later, now + 1.0)

    def _lux(self, now: float) -> float:
        return self._world.lux(*self._place, now)

    def _apply(self, now: float) -> None:
        """Bring the lamp to what is wanted now; a change is reported."""
        before = (self._level, self._reason)
        if self._manual is not None:
            self._level, self._reason = self._manual, "manual"
        elif self._dark:
            self._level, self._reason = NIGHT_LEVEL, "light-0"
        else:
            self._level, self._reason = 0, "light-1"
        if before != (self._level, self._reason):
            self._count(now)
            self._report_soon(now)

    def _count(self, now: float) -> None:
        if self._meter is not None:
            self._meter.count(now, self._power_w())

    def _power_w(self) -> float:
        lit = self._level > 0 and not self._failed
        return STANDBY_W + (DRIVER_W + W_PER_PERCENT * self._level if lit else 0.0)

    def _report_soon(self, now: float) -> None:
        if self._change_delay_s is not None:
            after_s = self._draw.uniform(0.0, self._change_delay_s)
            self._due.setdefault("report", now + after_s)

    # Commands

    @staticmethod
    def _check(commands: list[Command]) -> None:
        for command in commands:
            if isinstance(command, Dim) and command.address not in OWN_ADDRESSES:
                raise Refused("address-unavailable")

    def _obey(self, command: Command, now: float) -> None:
        match command:
            case Dim(level=level, minutes=minutes):
                self._dim(level, minutes, now)
            case Report(status=status, usage=usage):
                if status:
                    self._send(self._status(now))
                if usage:
                    self._send(self._usage(now))
            case SwitchOpenDrain(on=on):
                self._open_drain_on = on
                self._report_soon(now)
            case ReportEvery():
                self._report_every(command, now)
            case JoinGroup(slot=slot, mc_addr=mc_addr, keys=keys):
                self._joined_groups.append(
                    Membership(slot=slot, mc_addr=mc_addr, keys=keys, at_once=True)
                )
            case ReportChanges(delay_s=delay_s, limit_s=limit_s):
                self._change_delay_s, self._motion_limit_s = delay_s or 0.0, limit_s

    def _dim(self, level: int | None, minutes: int | None, now: float) -> None:
        self._manual, self._set_at = level, now
        self._due.pop("release", None)
        if minutes and level is not None:
            self._due["release"] = now + minutes * 60.0
        self._apply(now)
        self._report_soon(now)  # also when it was so before: the sender asked

    def _report_every(self, command: ReportEvery, now: float) -> None:
        if command.status_s is not None:
            self._status_every_s = float(command.status_s)
            self._due["status"] = now + self._status_every_s
        if command.usage_s is not None:
            self._usage_every_s = float(command.usage_s)
            self._due.pop("usage", None)
            if self._usage_every_s:
                self._due["usage"] = now + self._usage_every_s

    # Reports

    def _send(self, document: dict[str, Any]) -> None:
        f_port, payload = encode(document)
        self._outbox.append(Message(f_port=f_port, payload=payload))

    def _motion(self, now: float) -> bool:
        return now < self._input_until or self._people.present(self._world.time(now))

    def _driver(self) -> dict[str, Any]:
        return {
            "address": "dali-0",
            "level": self._level,
            "reason": self._reason,
            "lamp_on": self._level > 0 and not self._failed,
            "fading": False,
            "faults": ["lamp-failure"] if self._failed else [],
        }

    def _status(self, now: float) -> dict[str, Any]:
        self._due.pop("report", None)  # this tells it too
        air_c = self._world.temperature_c(*self._place, now)
        return {
            "message": "status",
            "time": _clock(now),
            "motion": self._motion(now),
            "lux": self._lux(now),
            "faults": ["lamp-error-in-24h"] if self._failed else [],
            "temperature_c": round(air_c + self._power_w() / 5),
            "downlink_rssi_dbm": self._heard[0],
            "downlink_snr_db": self._heard[1],
            "relay_closed": True,
            "open_drain_on": self._open_drain_on,
            "lumalink": False,
            "lumalink_since_boot": False,
            "drivers": [self._driver()],
        }

    def _usage(self, now: float) -> dict[str, Any]:
        self._count(now)
        meter = self._meter or Meter(since=now)
        reading = {
            "address": "controller",
            "energy_wh": int(meter.energy_ws / 3600),
            "power_w": round(meter.power_w),
            "power_factor": round(0.5 + 0.46 * min(1.0, meter.power_w / 40), 2),
            "voltage_v": MAINS_V + self._draw.randint(-4, 4),
            "lamp_on_s": int(meter.lamp_on_s),
        }
        return {"message": "usage", "meters": [reading]}

    def _boot(self, now: float) -> dict[str, Any]:
        return {
            "message": "boot",
            "serial": self._serial,
            "firmware": FIRMWARE,
            "time": _clock(now),
            "wiring": "dali",
            "features": ["input", "light-input", "open-drain", "metering"],
            "dali_supply": "bus-high",
            "dali_power": "internal",
            "drivers": 1,
            "unaddressed_driver": False,
            "resets": ["soft"],
        }


def _echo(payload: bytes, commands: list[Command]) -> bytes:
    """Return the same bytes; of a group's message only what is no secret."""
    secret = any(isinstance(command, JoinGroup) for command in commands)
    return payload[:GROUP_HEAD_SIZE] if secret else payload


def _clock(now: float) -> str:
    return datetime.fromtimestamp(int(now), UTC).isoformat()


def behaviour(
    *, seed: int, world: World, latitude: float, longitude: float
) -> StreetLight:
    """Make a street light at its place."""
    return StreetLight(seed=seed, world=world, latitude=latitude, longitude=longitude)
