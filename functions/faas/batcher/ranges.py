"""Where the next range ends. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from faas.functions import OnBatch

__all__ = ["Intent", "Sized", "next_intent"]


@dataclass(frozen=True, slots=True)
class Sized:
    """An entry of the stream, and how many bytes it has."""

    entry: str
    bytes: int

    @property
    def stored_s(self) -> float:
        """When it was stored (Unix s)."""
        return int(self.entry.partition("-")[0]) / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """An exact range: written down before the work, and repeated after a crash."""

    first: str
    last: str
    count: int


def next_intent(
    waiting: Sequence[Sized], trigger: OnBatch, now: float
) -> Intent | None:
    """
    Return the range to work on now, or None if more may gather first.

    A range is as large as the function wants at most; less only when its oldest event
    has waited as long as the function allows.
    """
    count, full = _fitting(waiting, trigger)
    if not waiting or not (full or now - waiting[0].stored_s >= trigger.max_age_s):
        return None
    return Intent(first=waiting[0].entry, last=waiting[count - 1].entry, count=count)


def _fitting(waiting: Sequence[Sized], trigger: OnBatch) -> tuple[int, bool]:
    """Count the entries that fit (one does always), and tell whether that is full."""
    total = 0
    for count, entry in enumerate(waiting):
        total += entry.bytes
        if count and total > trigger.max_bytes:
            return count, True
        if count + 1 == trigger.max_events:
            return count + 1, True
    return len(waiting), total >= trigger.max_bytes
