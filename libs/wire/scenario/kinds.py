"""
What a value of a scenario may be: read with a reason, and said in JSON Schema.

A kind is both the reader of a value and its schema, so the two cannot disagree.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

Outline = tuple[tuple[float, float], ...]
"""Corners of a place: latitude and longitude, degrees."""

CORNERS_OF_A_BOX = 4
CORNERS_OF_A_POLYGON = 3
MOST = 1e300


class Wrong(ValueError):
    """The value is not of its kind; the text says what it should be."""


class Kind(Protocol):
    """One kind of value."""

    def read(self, value: Any) -> Any:
        """Return the value as the program uses it; Wrong if it is none."""
        ...

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of what ``read`` takes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text that is not empty and matches a pattern."""

    pattern: str = r"\S"
    wanted: str = "a text"

    def read(self, value: Any) -> str:
        """Return the text."""
        if not isinstance(value, str) or not re.search(self.pattern, value):
            raise Wrong(f"is {self.wanted}")
        return value

    def schema(self) -> dict[str, Any]:
        """A string with its pattern."""
        return {"type": "string", "pattern": self.pattern}


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf:
    """One of some names."""

    names: tuple[str, ...]

    def read(self, value: Any) -> str:
        """Return the name."""
        if not isinstance(value, str) or value not in self.names:
            raise Wrong(f"is one of {', '.join(self.names)}")
        return value

    def schema(self) -> dict[str, Any]:
        """An enumeration."""
        return {"enum": list(self.names)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number within limits, both included."""

    low: float
    high: float

    def read(self, value: Any) -> float:
        """Return the number."""
        if not _is_number(value) or not self.low <= value <= self.high:
            raise Wrong(f"is a number from {self.low:g} to {self.high:g}")
        return float(value)

    def schema(self) -> dict[str, Any]:
        """A number with its limits."""
        return {"type": "number", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A whole number within limits, both included."""

    low: int
    high: int

    def read(self, value: Any) -> int:
        """Return the number; 8.0 is whole too, as JSON Schema has it."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or value % 1 or not self.low <= value <= self.high:
            raise Wrong(f"is a whole number from {self.low} to {self.high}")
        return int(value)

    def schema(self) -> dict[str, Any]:
        """An integer with its limits."""
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """An instant with its offset, as TOML writes it or as a text."""

    def read(self, value: Any) -> float:
        """Return Unix seconds."""
        try:
            at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        except (ValueError, TypeError):
            at = None
        if at is None or at.tzinfo is None:
            raise Wrong("is an instant with its offset, as 2026-10-01T20:30:00+02:00")
        return at.timestamp()

    def schema(self) -> dict[str, Any]:
        """A date-time."""
        return {"type": "string", "format": "date-time"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """``[south, west, north, east]``, degrees."""

    def read(self, value: Any) -> Outline:
        """Return the four corners."""
        if not isinstance(value, list) or len(value) != CORNERS_OF_A_BOX:
            raise Wrong("is [south, west, north, east] in degrees")
        south, west, north, east = (_degrees(one) for one in value)
        if not (south < north and west < east):
            raise Wrong("has its south below its north and its west before its east")
        return ((south, west), (south, east), (north, east), (north, west))

    def schema(self) -> dict[str, Any]:
        """Four numbers."""
        return _numbers(CORNERS_OF_A_BOX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Polygon:
    """``[[latitude, longitude], …]``, degrees, at least three corners."""

    def read(self, value: Any) -> Outline:
        """Return the corners."""
        if not isinstance(value, list) or len(value) < CORNERS_OF_A_POLYGON:
            raise Wrong("is at least three corners [latitude, longitude]")
        return tuple(_corner(one) for one in value)

    def schema(self) -> dict[str, Any]:
        """Pairs of numbers."""
        return {"type": "array", "minItems": CORNERS_OF_A_POLYGON, "items": _numbers(2)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Anything:
    """A table whose meaning is somebody else's, such as a command."""

    def read(self, value: Any) -> Mapping[str, Any]:
        """Return the table."""
        if not isinstance(value, dict):
            raise Wrong("is a table")
        return value

    def schema(self) -> dict[str, Any]:
        """Any object."""
        return {"type": "object"}


def _is_number(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and -MOST <= value <= MOST  # type: ignore[operator]  # asked above


def _degrees(value: object) -> float:
    if not isinstance(value, int | float) or not _is_number(value) or abs(value) > 180:  # noqa: PLR2004 -- degrees
        raise Wrong("holds degrees only")
    return float(value)


def _corner(value: object) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 -- a pair
        raise Wrong("is at least three corners [latitude, longitude]")
    return _degrees(value[0]), _degrees(value[1])


def _numbers(count: int) -> dict[str, Any]:
    item = {"type": "number", "minimum": -180, "maximum": 180}
    return {"type": "array", "minItems": count, "maxItems": count, "items": item}
