"""
Sums that are not in the database yet.

Of ten thousand devices they are kept as one tuple of names, which many share, and
eight octets for each number: a quarter of what a dict of them weighs.
"""

from collections.abc import Mapping
from functools import lru_cache
from struct import Struct

Sums = dict[str, float]
Portion = tuple[str, int, Sums, bool]
"""Name, hour, sums, and whether they are added to what is stored."""


class PackedSums:
    """Numbers by their names."""

    __slots__ = ("_names", "_octets")

    def __init__(self, values: Mapping[str, float]) -> None:
        self._pack(values)

    def add(self, values: Mapping[str, float]) -> None:
        """Add to each number; a new name begins at 0."""
        sums = self.unpacked()
        for name, value in values.items():
            sums[name] = sums.get(name, 0.0) + value
        self._pack(sums)

    def unpacked(self) -> Sums:
        """Return the numbers by their names."""
        numbers = _struct(len(self._names)).unpack(self._octets)
        return dict(zip(self._names, numbers, strict=True))

    def _pack(self, values: Mapping[str, float]) -> None:
        self._names = _shared(tuple(values))
        self._octets = _struct(len(values)).pack(*values.values())


class WaitingSums:
    """By hour and name: numbers to add, numbers to replace; and the last texts."""

    __slots__ = ("_last", "_sums", "states")

    def __init__(self) -> None:
        self._sums: dict[int, dict[str, PackedSums]] = {}
        self._last: dict[int, dict[str, float]] = {}
        self.states: dict[str, str] = {}

    def __len__(self) -> int:
        sums, last = self._sums.values(), self._last.values()
        return len(self.states) + sum(map(len, sums)) + sum(map(len, last))

    def add(self, name: str, hour: int, values: Mapping[str, float]) -> None:
        """Add to the sums of an hour."""
        of_hour = self._sums.setdefault(hour, {})
        sums = of_hour.get(name)
        if sums is None:
            of_hour[name] = PackedSums(values)
        else:
            sums.add(values)

    def put(self, name: str, hour: int, value: float) -> None:
        """Replace the value of an hour."""
        self._last.setdefault(hour, {})[name] = value

    def pop(self) -> Portion | None:
        """Take out the numbers of some name and hour."""
        for hours in (self._sums, self._last):
            for hour in list(hours):
                if not hours[hour]:
                    del hours[hour]
                    continue
                return self._take(next(reversed(hours[hour])), hour)
        return None

    def pop_named(self, name: str) -> list[Portion]:
        """Take out the numbers of a name, of all hours."""
        hours = sorted({*self._sums, *self._last})
        return [
            self._take(name, hour)
            for hour in hours
            if name in self._sums.get(hour, ()) or name in self._last.get(hour, ())
        ]

    def _take(self, name: str, hour: int) -> Portion:
        sums = self._sums.get(hour, {}).pop(name, None)
        if sums is not None:
            return name, hour, sums.unpacked(), True
        return name, hour, {"value": self._last[hour].pop(name)}, False


@lru_cache(maxsize=4096)
def _shared(names: tuple[str, ...]) -> tuple[str, ...]:
    return names


@lru_cache(maxsize=256)
def _struct(numbers: int) -> Struct:
    return Struct(f"{numbers}d")
