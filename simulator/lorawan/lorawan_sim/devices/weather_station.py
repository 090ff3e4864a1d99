"""
A station of Toulouse's urban weather network: an observation every quarter of an hour.

It observes the world's weather by the world's clock. In a world that runs faster it
leaves quarters out rather than break the duty cycle: at most one frame in 45 s.
"""

import math
import random
from datetime import UTC, datetime
from typing import Any

from lorawan_sim.behaviour import BATTERY_FULL, Message
from lorawan_sim.payloads.toulouse_weather import TIP_MM, encode
from lorawan_sim.world import World

__all__ = ["WeatherStation", "behaviour", "encode"]

QUARTER_S, LEAVES_AFTER_S = 900, 60  # message 1 of a day leaves at 00:01 UTC
# One observation at SF10 takes 0.41 s; a hundredth of the time is ours.
SHORTEST_PERIOD_S = 45.0
ERRORS = {"temperature_c": 0.15, "humidity_percent": 1.5, "wind_kmh": 0.8}
WORST_MINUTE = 3.0  # times the mean of its quarter of an hour
# Stations of the network by number, where a public place of the same name stands:
# Toulouse Métropole, `NN-station-meteo-…`, ODbL; not their official positions.
STATIONS = {
    0: (43.60503, 1.43739),
    1: (43.57761, 1.37739),
    2: (43.60922, 1.45954),
    3: (43.58886, 1.45117),
    4: (43.57988, 1.44192),
    5: (43.58592, 1.43787),
    7: (43.60615, 1.40125),
    8: (43.57003, 1.39227),
    10: (43.68917, 1.43974),
    11: (43.61233, 1.47731),
    12: (43.57325, 1.48022),
    13: (43.56131, 1.44761),
    14: (43.55471, 1.42827),
    15: (43.65538, 1.48245),
    17: (43.67886, 1.39094),
    18: (43.61629, 1.24009),
    19: (43.63514, 1.55787),
    20: (43.67226, 1.2844),
    21: (43.5371, 1.34368),
    22: (43.6088, 1.30752),
    23: (43.61181, 1.28007),
    24: (43.60928, 1.33454),
    25: (43.58265, 1.34516),
    26: (43.5675, 1.40407),
    27: (43.59786, 1.43099),
    28: (43.59814, 1.44562),
    30: (43.5876, 1.4093),
    31: (43.61154, 1.57314),
    32: (43.61154, 1.57314),
    33: (43.70788, 1.38191),
    36: (43.6091, 1.40201),
    37: (43.56064, 1.46352),
    40: (43.55495, 1.40383),
    41: (43.61355, 1.40142),
    42: (43.61107, 1.4367),
    45: (43.58419, 1.46931),
    49: (43.59308, 1.46932),
    50: (43.63465, 1.39334),
    51: (43.59092, 1.38337),
    53: (43.56352, 1.45534),
    58: (43.64333, 1.42791),
    61: (43.63465, 1.39334),
    62: (43.63227, 1.45001),
}


class WeatherStation:
    """One station's application; see `lorawan_sim.behaviour.Behaviour`."""

    def __init__(
        self, *, seed: int, world: World, latitude: float, longitude: float
    ) -> None:
        self._draw = random.Random(seed)
        self._world, self._place = world, (latitude, longitude)
        self._number = nearest(latitude, longitude)
        self._due: float | None = None
        self._rain_mm = 0.0  # what has fallen and not yet tipped
        self._outbox: list[Message] = []

    @property
    def battery(self) -> int:
        """A solar cell keeps its battery full."""
        return BATTERY_FULL

    def joined(self, now: float) -> None:
        """Observe at once, then by the quarters of the world's day."""
        self._observe(now)

    def received(self, f_port: int, payload: bytes, now: float) -> None:
        """Ignore it: a station takes no command."""
        del f_port, payload, now

    def tick(self, now: float) -> None:
        """Observe when it is time."""
        if self._due is not None and self._due <= now:
            self._observe(now)

    def next_deadline(self) -> float | None:
        """Return when the next observation leaves."""
        return self._due

    def uplinks(self) -> list[Message]:
        """Return what is to be sent and forget it."""
        sent, self._outbox = self._outbox, []
        return sent

    def _observe(self, now: float) -> None:
        f_port, payload = encode(self._observation(now))
        self._outbox.append(Message(f_port=f_port, payload=payload))
        self._due = max(self._next_quarter(now), now + SHORTEST_PERIOD_S)

    def _next_quarter(self, now: float) -> float:
        quarters = math.floor(self._world.time(now) / QUARTER_S) + 1
        return self._world.real(quarters * QUARTER_S + LEAVES_AFTER_S)

    def _observation(self, now: float) -> dict[str, Any]:
        found = self._world.weather(*self._place, now)
        time = datetime.fromtimestamp(
            self._world.time(now) // QUARTER_S * QUARTER_S, UTC
        )
        tips, worst_tips = self._tips(found.rain_mm_per_h)
        return {
            "message": "observation",
            "station": self._number,
            "time": time.isoformat(),
            "temperature_c": self._read("temperature_c", found.temperature_c),
            "humidity_percent": min(
                100, round(self._read("humidity_percent", found.humidity_percent))
            ),
            "rain_mm": tips * TIP_MM,
            "rain_worst_minute_mm": worst_tips * TIP_MM,
            "wind_from_deg": found.wind_from_deg,
            "wind_kmh": max(0.0, self._read("wind_kmh", found.wind_kmh)),
            "gust_from_deg": found.wind_from_deg + self._draw.uniform(-20, 20),
            "gust_kmh": found.gust_kmh * self._draw.uniform(0.8, 1.2),
            "pressure_hpa": round(found.pressure_hpa),
        }

    def _read(self, name: str, value: float) -> float:
        """Return what its sensor makes of a value."""
        return round(value + self._draw.gauss(0.0, ERRORS[name]), 1)

    def _tips(self, rain_mm_per_h: float) -> tuple[int, int]:
        """Return the tips of this quarter and of its worst minute."""
        fallen_mm = rain_mm_per_h * QUARTER_S / 3600
        self._rain_mm += fallen_mm
        tips = int(self._rain_mm / TIP_MM)
        self._rain_mm -= tips * TIP_MM
        return tips, min(tips, math.ceil(fallen_mm / 15 * WORST_MINUTE / TIP_MM))


def nearest(latitude: float, longitude: float) -> int:
    """Return the number of the network's station that is nearest to a place."""
    east = math.cos(math.radians(latitude))

    def squared(number: int) -> float:
        north, west = STATIONS[number]
        return (north - latitude) ** 2 + ((west - longitude) * east) ** 2

    return min(STATIONS, key=squared)


def behaviour(
    *, seed: int, world: World, latitude: float, longitude: float
) -> WeatherStation:
    """Make a weather station at its place."""
    return WeatherStation(
        seed=seed, world=world, latitude=latitude, longitude=longitude
    )
