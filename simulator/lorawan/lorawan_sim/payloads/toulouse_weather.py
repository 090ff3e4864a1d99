"""
The weather frame of Toulouse Métropole, in a bit order of our own.

`encode` takes the document that the catalogue's `weather-station` codec decodes and
returns port and bytes. The meaning of the fields is told by the catalogue of the
Métropole's open data (`NN-station-meteo-…`, ODbL); their order and widths are not, so
these are ours: see docs/reference/device-types/weather-station.md.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

PORT = 40
NOTHING = b"\xff" * 6  # 2^48 - 1, the old firmware's way to say nothing
FIRST_YEAR, ZERO_C, ZERO_HPA = 2019, -50, 900
TIP_MM = 0.2
KNEE_KMH, LARGEST_FORCE = 80, 127
SIXTEENTH_DEG = 22.5

Document = Mapping[str, Any]


def encode(document: Document) -> tuple[int, bytes]:
    """Return port and payload of a decoded document; `KeyError` if it is no such."""
    if document["message"] == "nothing":
        return PORT, NOTHING
    return PORT, pack(_fields(document))


def pack(fields: Iterable[tuple[int, int]]) -> bytes:
    """Put (value, width) one behind the other, most significant bit first."""
    number = bits = 0
    for value, width in fields:
        if not 0 <= value < 1 << width:
            raise ValueError(f"{value} does not fit {width} bits")
        number, bits = number << width | value, bits + width
    return number.to_bytes(bits // 8)


def _fields(document: Document) -> list[tuple[int, int]]:
    time = datetime.fromisoformat(document["time"])
    tenths = round(document["temperature_c"] * 10)
    return [
        (0, 1),  # a station, not a sub-station
        (document["station"], 7),
        (time.year - FIRST_YEAR, 5),
        (time.month, 4),
        (time.day, 5),
        (number(time), 7),
        (tenths // 10 - ZERO_C, 7),
        (tenths % 10, 4),
        (document["humidity_percent"], 7),
        (round(document["rain_mm"] / TIP_MM), 8),
        (round(document["rain_worst_minute_mm"] / TIP_MM), 5),
        (round(document["wind_from_deg"] + 180) % 360 // 2, 8),
        (force(document["wind_kmh"]), 7),
        (round(document["gust_from_deg"] / SIXTEENTH_DEG) % 16, 4),
        (force(document["gust_kmh"]), 7),
        (document["pressure_hpa"] - ZERO_HPA, 8),
        (0, 2),
    ]


def number(time: datetime) -> int:
    """Return the number of the quarter hour of the day (UTC), 1 to 96."""
    return time.hour * 4 + time.minute // 15 + 1


def force(kmh: float) -> int:
    """Return the steps of a wind: 1 km/h each up to 80, then 2 km/h each."""
    above = max(0, math.ceil((kmh - KNEE_KMH) / 2))
    return min(LARGEST_FORCE, min(KNEE_KMH, round(kmh)) + above)
