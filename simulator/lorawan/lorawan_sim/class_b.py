"""
Class B of one device: it finds the beacon, keeps to it, and listens in its ping slots.

Pure. It needs the network's time first (DeviceTimeReq), to know when a beacon comes.
A device that loses the beacon goes on by its own clock for two hours (1.0.3 §12.1).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from lorawan_sim.groups import Groups
from lorawan_sim.session import Session
from lorawan_sim.transceiver import tuning
from lorawan_sim.windows import Slot, Tuning, Window
from wire.air import AirFrame
from wire.errors import Malformed
from wire.lorawan.beacon import Beacon
from wire.lorawan.class_b import (
    BEACON_DELAY_S,
    BEACON_LESS_S,
    BEACON_PERIOD_MS,
    BEACON_PERIOD_S,
    ClassBPlan,
    beacon_start_ms,
    next_ping_slot_ms,
    ping_nb,
)
from wire.lorawan.gps import gps_from_unix, unix_from_gps
from wire.lorawan.ids import DevAddr
from wire.lorawan.region import Region

NEVER = float("inf")
ACQUIRING_SLACK_S = 0.4  # how far the network's word about the time may be off
MISSES = 3  # beacons in vain before the time is asked for again
_MS = 1000

Turn = Literal["locked", "lost", "ask"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """One address and how often it is listened for."""

    dev_addr: DevAddr
    slots: int
    data_rate: int
    frequency_hz: int
    tuning: Tuning | None = None


class ClassB:
    """
    What a device does for class B; ``locked`` is what its uplinks tell.

    ``drift_s`` is how far its clock is ahead of GPS time, which each beacon puts right.
    """

    def __init__(self, region: Region, plan: ClassBPlan, groups: Groups) -> None:
        self._region = region
        self._plan = plan
        self._groups = groups
        self._session: Session | None = None
        self._beacon_gps_s: int | None = None
        self._drift_s = 0.0
        self._holds_until = -NEVER
        self._missed = 0
        self._slots: tuple[Window, ...] = ()
        self._hears_until = -NEVER
        self.locked = False

    def begin(self, session: Session) -> None:
        """Start over: a new session knows neither time nor beacon."""
        self._session = session
        self._beacon_gps_s = None
        self._slots = ()
        self._missed, self.locked = 0, False

    def time_told(self, gps_s: float, at: float) -> None:
        """Take the network's time at an instant; look for the next beacon."""
        if self.locked:
            return  # the beacon knows better
        self._drift_s = gps_from_unix(at) - gps_s
        self._missed = 0
        self._beacon_gps_s = _next_beacon(gps_s)

    def windows(self) -> tuple[Window, ...]:
        """Where a beacon or a ping frame may come."""
        beacon = self._beacon_window()
        return self._slots if beacon is None else (beacon, *self._slots)

    def next_deadline(self, late_s: float) -> float:
        """When a window closes; one with a frame in it at the frame's end."""
        closes = min((one.closed_at + late_s for one in self.windows()), default=NEVER)
        return max(closes, self._hears_until)

    def lock(self, frame: AirFrame) -> None:
        """Stay in the window of a frame that was caught."""
        self._hears_until = frame.end_s

    def hear(self, frame: AirFrame) -> Turn | None:
        """Take a frame that came in the beacon's window."""
        try:
            beacon = Beacon.parse(frame.phy_payload, self._plan)
        except Malformed:
            return None
        told_s = beacon.gps_seconds + BEACON_DELAY_S
        self._drift_s = gps_from_unix(frame.start_s) - told_s
        self._beacon_gps_s = beacon.gps_seconds + BEACON_PERIOD_S
        self._holds_until = frame.end_s + BEACON_LESS_S
        self._missed = 0
        found, self.locked = not self.locked, True
        self._plan_slots(frame.end_s)
        return "locked" if found else None

    def tick(self, now: float, late_s: float) -> Turn | None:
        """Let windows pass; what that means for the device."""
        if now < self._hears_until:
            return None
        turn = self._beacon_passed(now, late_s)
        if self.locked and (
            not self._slots or any(w.closed_at + late_s <= now for w in self._slots)
        ):
            self._plan_slots(now)
        return turn

    def _beacon_passed(self, now: float, late_s: float) -> Turn | None:
        window = self._beacon_window()
        if window is None or window.closed_at + late_s > now:
            return None
        assert self._beacon_gps_s is not None  # noqa: S101 -- there was a window
        self._beacon_gps_s += BEACON_PERIOD_S
        if self.locked and now >= self._holds_until:
            self.locked, self._slots = False, ()
            return "lost"
        self._missed += 1
        if not self.locked and self._missed >= MISSES:
            self._beacon_gps_s = None
            return "ask"
        return None

    def _beacon_window(self) -> Window | None:
        if self._beacon_gps_s is None:
            return None
        gps_s = self._beacon_gps_s
        rate = self._region.data_rate(self._plan.beacon_data_rate)
        session = self._session
        own_hz = session.beacon_frequency_hz if session is not None else 0
        return Window(
            slot=Slot.BEACON,
            opens_at=self._unix(gps_s + BEACON_DELAY_S),
            tuning=Tuning(
                frequency_hz=own_hz or self._plan.beacon_frequency_hz(gps_s),
                spreading_factor=rate.spreading_factor,
                bandwidth_hz=rate.bandwidth_hz,
                inverted=False,
            ),
            slack_s=0.0 if self.locked else ACQUIRING_SLACK_S,
        )

    def _plan_slots(self, now: float) -> None:
        self._slots = tuple(self._slot(one, now) for one in self._listening())

    def _listening(self) -> Iterator[Listening]:
        session = self._session
        if session is None:
            return
        yield Listening(
            dev_addr=session.dev_addr,
            slots=ping_nb(session.ping_periodicity),
            data_rate=session.ping_slot_data_rate,
            frequency_hz=session.ping_slot_frequency_hz,
        )
        for _, group in self._groups:
            hours = group.hours
            if group.is_open and hours is not None and hours.periodicity is not None:
                yield Listening(
                    dev_addr=group.mc_addr,
                    slots=ping_nb(hours.periodicity),
                    data_rate=self._plan.ping_slot_data_rate,
                    frequency_hz=0,
                    tuning=hours.tuning,
                )

    def _slot(self, one: Listening, now: float) -> Window:
        gps_ms = round((gps_from_unix(now) - self._drift_s) * _MS)
        slot_ms = next_ping_slot_ms(gps_ms, one.dev_addr, one.slots)
        beacon_s = beacon_start_ms(slot_ms) // _MS
        hz = one.frequency_hz or self._plan.ping_slot_frequency_hz(
            one.dev_addr, beacon_s
        )
        return Window(
            slot=Slot.PING,
            opens_at=self._unix(slot_ms / _MS),
            tuning=one.tuning or tuning(self._region, one.data_rate, hz),
        )

    def _unix(self, gps_s: float) -> float:
        return unix_from_gps(gps_s + self._drift_s)


def _next_beacon(gps_s: float) -> int:
    periods = int(gps_s * _MS) // BEACON_PERIOD_MS
    return (periods + 1) * BEACON_PERIOD_S
