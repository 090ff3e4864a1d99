"""Durations as ChirpStack's files write them: ``200ms``, ``1s``, ``1h 30m``."""

import re

_UNITS_S = {
    "ns": 1e-9,
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "sec": 1.0,
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "day": 86400.0,
    "days": 86400.0,
}
_PART = re.compile(r"\s*(\d+)\s*([a-z]+)\s*")


def parse_duration_s(text: str) -> float | None:
    """Return the seconds ``text`` stands for, or None if it is no duration."""
    seconds, position = 0.0, 0
    while position < len(text):
        part = _PART.match(text, position)
        if part is None or part[2] not in _UNITS_S:
            return None
        seconds += int(part[1]) * _UNITS_S[part[2]]
        position = part.end()
    return seconds if position else None
