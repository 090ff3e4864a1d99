"""
The air time a transmitter may spend, per sub-band, over a sliding hour.

A budget, not a pause after each frame: 1 % is 36 s in any hour, spent as one likes.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from wire.lorawan.region import SubBand

WINDOW_S = 3600.0
NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What of a sub-band's budget is spent."""

    sub_band: SubBand
    used_s: float
    budget_s: float

    @property
    def name(self) -> str:
        """The sub-band's ends in MHz, such as ``869.4-869.65``."""
        low, high = self.sub_band.low_hz, self.sub_band.high_hz
        return f"{low / 1e6:g}-{high / 1e6:g}"


class DutyCycle:
    """The frames sent (or promised) in each sub-band in the last hour."""

    def __init__(self, sub_bands: Sequence[SubBand]) -> None:
        self._sub_bands = tuple(sub_bands)
        self._spent = {sub_band: _Hour() for sub_band in sub_bands}

    def fits(self, sub_band: SubBand, airtime_s: float, start_s: float) -> bool:
        """Whether one more frame at ``start_s`` stays inside the budget."""
        used_s = self._spent[sub_band].used_s(start_s)
        return used_s + airtime_s <= budget_s(sub_band)

    def book(self, sub_band: SubBand, airtime_s: float, start_s: float) -> None:
        """Spend the air time of a frame that starts at ``start_s``."""
        self._spent[sub_band].book(start_s + airtime_s, airtime_s)

    def loads(self, now: float) -> list[Load]:
        """Every sub-band with what is spent of it."""
        return [
            Load(
                sub_band=sub_band,
                used_s=self._spent[sub_band].used_s(now),
                budget_s=budget_s(sub_band),
            )
            for sub_band in self._sub_bands
        ]


class _Hour:
    """The frames of one sub-band; whole nanoseconds, so that their sum never drifts."""

    __slots__ = ("_frames", "_used_ns")

    def __init__(self) -> None:
        self._frames: deque[tuple[float, int]] = deque()
        self._used_ns = 0

    def book(self, end_s: float, airtime_s: float) -> None:
        airtime_ns = round(airtime_s * NS_PER_S)
        self._frames.append((end_s, airtime_ns))
        self._used_ns += airtime_ns

    def used_s(self, at_s: float) -> float:
        """Air time of the frames that ended less than an hour before ``at_s``."""
        while self._frames and self._frames[0][0] <= at_s - WINDOW_S:
            self._used_ns -= self._frames.popleft()[1]
        return self._used_ns / NS_PER_S


def budget_s(sub_band: SubBand) -> float:
    """The air time of one hour that the regulation grants in a sub-band."""
    return sub_band.duty_cycle * WINDOW_S
