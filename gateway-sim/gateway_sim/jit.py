"""
The just-in-time queue: what a concentrator will send, and when.

A concentrator is programmed with one frame at a time, shortly before it starts.
Frames wait here until then, and a frame that cannot be sent on time is refused at
once, with the reason the server hears. Constants and the order of the checks are
those of Semtech's packet forwarder (lorawan gateway protocol v2, just-in-time queue).
"""

from bisect import insort
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

START_DELAY_S = 0.0015
MARGIN_S = 0.001
PROGRAM_AHEAD_S = 0.040
MAX_ADVANCE_S = 4 * 128.0
QUEUE_SIZE = 32

# A frame must be known this long before it starts, and this long after the last one.
LEAD_S = PROGRAM_AHEAD_S + START_DELAY_S + MARGIN_S
ASAP_LEAD_S = 2 * PROGRAM_AHEAD_S + START_DELAY_S

T = TypeVar("T")


class TxStatus(StrEnum):
    """What became of a requested transmission; the names are ChirpStack's."""

    IGNORED = "IGNORED"
    OK = "OK"
    TOO_LATE = "TOO_LATE"
    TOO_EARLY = "TOO_EARLY"
    COLLISION_PACKET = "COLLISION_PACKET"
    COLLISION_BEACON = "COLLISION_BEACON"
    TX_FREQ = "TX_FREQ"
    TX_POWER = "TX_POWER"
    GPS_UNLOCKED = "GPS_UNLOCKED"
    QUEUE_FULL = "QUEUE_FULL"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    DUTY_CYCLE_OVERFLOW = "DUTY_CYCLE_OVERFLOW"


@dataclass(frozen=True, slots=True, order=True)
class Slot(Generic[T]):
    """A stretch of air time promised to a frame."""

    start_s: float
    end_s: float
    frame: T = field(compare=False)


class JitQueue(Generic[T]):
    """Frames waiting to be sent by one concentrator, in the order of their start."""

    def __init__(self) -> None:
        self._slots: list[Slot[T]] = []
        self._on_air: list[Slot[T]] = []  # the one programmed last, or none

    def __len__(self) -> int:
        return len(self._slots)

    def check(self, start_s: float, airtime_s: float, now: float) -> TxStatus:
        """Whether a frame may start at ``start_s``; OK or why not."""
        if len(self._slots) >= QUEUE_SIZE:
            return TxStatus.QUEUE_FULL
        if start_s - now <= LEAD_S:
            return TxStatus.TOO_LATE
        if start_s - now > MAX_ADVANCE_S:
            return TxStatus.TOO_EARLY
        if self._collides(start_s, airtime_s):
            return TxStatus.COLLISION_PACKET
        return TxStatus.OK

    def earliest_s(self, airtime_s: float, now: float) -> float | None:
        """
        The first instant at which an ``immediately`` frame may start.

        None when the queue is full. Such a frame is never too early: it goes behind
        (or between) the frames that already wait.
        """
        if len(self._slots) >= QUEUE_SIZE:
            return None
        after = [slot.end_s + LEAD_S + MARGIN_S for slot in self._taken()]
        for start_s in [now + ASAP_LEAD_S, *after]:
            in_time = start_s >= now + ASAP_LEAD_S
            if in_time and not self._collides(start_s, airtime_s):
                return start_s
        return None

    def add(self, start_s: float, airtime_s: float, frame: T) -> None:
        """Promise the air from ``start_s`` on to a frame that was checked."""
        insort(self._slots, Slot(start_s, start_s + airtime_s, frame))

    def due(self, now: float) -> list[T]:
        """Take the frames that must be programmed by ``now``."""
        due: list[T] = []
        while self._slots and self._slots[0].start_s - PROGRAM_AHEAD_S <= now:
            self._on_air = [self._slots.pop(0)]
            due.append(self._on_air[0].frame)
        return due

    def next_deadline(self) -> float | None:
        """When the next frame must be programmed."""
        return self._slots[0].start_s - PROGRAM_AHEAD_S if self._slots else None

    def _collides(self, start_s: float, airtime_s: float) -> bool:
        end_s = start_s + airtime_s
        return any(
            start_s - slot.end_s <= LEAD_S and slot.start_s - end_s <= LEAD_S
            for slot in self._taken()
        )

    def _taken(self) -> list[Slot[T]]:
        return self._on_air + self._slots
