"""
The world the devices sense: sun, people, cars. Pure, seeded, asked at any instant.

The world has a clock of its own. `now` is always the real clock (Unix seconds, the
clock of the radio); `World.time` and `World.real` convert. Same seed and same start
of the world: the same things happen at the same world times, whatever the speed.
"""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Protocol

from lorawan_sim.weather import Weather, weather

DAY_S = 86_400
J2000_S = 946_728_000  # 2000-01-01T12:00Z, the epoch of the solar formula
# Illuminance of a clear sky by the sun's elevation, rounded from published tables.
CLEAR_SKY_LUX = (
    (-90.0, 0.0005),
    (-18.0, 0.00065),
    (-12.0, 0.0083),
    (-6.0, 3.4),
    (-0.8, 450.0),
    (5.0, 4_760.0),
    (10.0, 10_900.0),
    (20.0, 27_300.0),
    (30.0, 46_300.0),
    (45.0, 73_000.0),
    (60.0, 92_500.0),
    (90.0, 103_000.0),
)
MOONLIT_CITY_LUX = 0.2  # what a sensor sees at night between houses


class World(Protocol):
    """What a behaviour may ask about the world."""

    def time(self, now: float) -> float:
        """Return the world's time (Unix seconds) at the real instant `now`."""
        ...

    def real(self, time: float) -> float:
        """Return the real instant at which the world's clock shows `time`."""
        ...

    def lux(self, latitude: float, longitude: float, now: float) -> float:
        """Return the daylight at a place, lux."""
        ...

    def temperature_c(self, latitude: float, longitude: float, now: float) -> float:
        """Return the temperature of the air at a place."""
        ...

    def weather(self, latitude: float, longitude: float, now: float) -> Weather:
        """Return the weather at a place."""
        ...

    def people(self, seed: int) -> "Visits":
        """Return who passes one spot of a pavement."""
        ...

    def cars(self, seed: int) -> "Visits":
        """Return which cars stand in one bay."""
        ...


def sun_elevation_deg(latitude: float, longitude: float, time: float) -> float:
    """
    Return how high the sun stands, in degrees, without refraction.

    The low-precision formula of the Astronomical Almanac (good to 0.01° of arc until
    2050): mean longitude and anomaly, ecliptic longitude, then sidereal time.
    """
    days = (time - J2000_S) / DAY_S
    anomaly = math.radians(357.528 + 0.9856003 * days)
    mean = 280.460 + 0.9856474 * days
    ecliptic = math.radians(
        mean + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly)
    )
    obliquity = math.radians(23.439 - 0.0000004 * days)
    declination = math.asin(math.sin(obliquity) * math.sin(ecliptic))
    ascension = math.atan2(math.cos(obliquity) * math.sin(ecliptic), math.cos(ecliptic))
    sidereal_deg = (18.697374558 + 24.06570982441908 * days) * 15 + longitude
    hour = math.radians(sidereal_deg) - ascension
    here = math.radians(latitude)
    return math.degrees(
        math.asin(
            math.sin(here) * math.sin(declination)
            + math.cos(here) * math.cos(declination) * math.cos(hour)
        )
    )


def clear_sky_lux(elevation_deg: float) -> float:
    """Return the illuminance under a clear sky, log-linear between the table's rows."""
    for (low, dim), (high, bright) in pairwise(CLEAR_SKY_LUX):
        if elevation_deg <= high:
            share = (elevation_deg - low) / (high - low)
            return float(dim * (bright / dim) ** share)
    return CLEAR_SKY_LUX[-1][1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Somebody or something was there from `arrives` to `leaves`, world seconds."""

    arrives: float
    leaves: float


class Visits:
    """
    A seeded sequence of visits that do not overlap, asked in the order of time.

    `gap_s` and `stay_s` draw from the generator given, knowing the world's time.
    """

    def __init__(
        self,
        seed: int,
        begins: float,
        gap_s: Callable[[random.Random, float], float],
        stay_s: Callable[[random.Random, float], float],
    ) -> None:
        self._visits = _visits(random.Random(seed), begins, gap_s, stay_s)
        self._visit = next(self._visits)

    def present(self, time: float) -> bool:
        """Tell whether a visit is under way at the world's `time`."""
        self._forward(time)
        return self._visit.arrives <= time

    def next_change(self, time: float) -> float:
        """Return the world's time at which `present` answers otherwise."""
        return self._visit.leaves if self.present(time) else self._visit.arrives

    def _forward(self, time: float) -> None:
        while self._visit.leaves <= time:
            self._visit = next(self._visits)


def _visits(
    draw: random.Random,
    begins: float,
    gap_s: Callable[[random.Random, float], float],
    stay_s: Callable[[random.Random, float], float],
) -> Iterator[Visit]:
    leaves = begins
    while True:
        arrives = leaves + gap_s(draw, leaves)
        leaves = arrives + stay_s(draw, arrives)
        yield Visit(arrives=arrives, leaves=leaves)


# How busy a street is by the hour of its day: the share of the busiest hour.
BUSY_BY_HOUR = (
    *(0.25, 0.15, 0.08, 0.05, 0.05, 0.10, 0.25, 0.60, 0.85, 0.70, 0.65, 0.75),
    *(0.95, 0.90, 0.70, 0.70, 0.80, 0.95, 1.00, 0.95, 0.80, 0.65, 0.50, 0.35),
)


def busy(time: float, longitude: float = 0.0) -> float:
    """Return how busy the streets are (0 to 1), by local solar time."""
    hours = (time / 3600 + longitude / 15) % 24
    first, share = int(hours), hours % 1
    here, later = BUSY_BY_HOUR[first], BUSY_BY_HOUR[(first + 1) % 24]
    return here + (later - here) * share


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedWorld:
    """
    The world as a function of its seed.

    `starts_at` is the real instant at which the world's clock shows `begins`; from
    then on it runs `speed` times as fast. `people_per_hour` and `cars_per_hour` hold
    for the busiest hour of the day.
    """

    seed: int
    starts_at: float
    begins: float
    speed: float = 1.0
    people_per_hour: float = 60.0
    cars_per_hour: float = 2.0
    car_stay_s: float = 2400.0

    def time(self, now: float) -> float:
        """Return the world's time (Unix seconds) at the real instant `now`."""
        return self.begins + (now - self.starts_at) * self.speed

    def real(self, time: float) -> float:
        """Return the real instant at which the world's clock shows `time`."""
        return self.starts_at + (time - self.begins) / self.speed

    def lux(self, latitude: float, longitude: float, now: float) -> float:
        """Return the daylight at a place, lux, under the day's clouds."""
        time = self.time(now)
        sky = clear_sky_lux(sun_elevation_deg(latitude, longitude, time))
        return MOONLIT_CITY_LUX + sky * self.clearness(time)

    def clearness(self, time: float) -> float:
        """Return which share of the light the clouds let through that day."""
        return _clearness(self.seed, time // DAY_S)

    def temperature_c(self, latitude: float, longitude: float, now: float) -> float:
        """Return a plausible temperature: by season, and by the hour of the day."""
        time = self.time(now)
        season = math.cos((time / DAY_S / 365.2425 - 0.55) * 2 * math.pi)
        hour = math.cos(((time / 3600 + longitude / 15) / 24 - 15 / 24) * 2 * math.pi)
        return 14.0 + math.copysign(8.0, latitude) * season + 5.0 * hour

    def weather(self, latitude: float, longitude: float, now: float) -> Weather:
        """Return the weather at a place: a real day, played every day."""
        return weather(self.seed, latitude, longitude, self.time(now))

    def people(self, seed: int) -> Visits:
        """Return who passes one spot of a pavement, a few seconds each."""
        return Visits(
            seed ^ self.seed,
            self.begins,
            lambda draw, time: _gap(draw, time, self.people_per_hour),
            lambda draw, _: draw.uniform(5.0, 25.0),
        )

    def cars(self, seed: int) -> Visits:
        """Return which cars stand in one bay; short stays are the most common."""
        return Visits(
            seed ^ self.seed,
            self.begins,
            lambda draw, time: _gap(draw, time, self.cars_per_hour),
            lambda draw, _: max(60.0, draw.lognormvariate(0.0, 0.8) * self.car_stay_s),
        )


@lru_cache(maxsize=64)  # a generator takes long to seed, and a day has one sky
def _clearness(seed: int, day: float) -> float:
    return random.Random(f"{seed}/sky/{day}").uniform(0.25, 1.0)


def _gap(draw: random.Random, time: float, per_hour: float) -> float:
    """Draw the time to the next arrival of a Poisson process as busy as the street."""
    at = time
    while True:
        at += draw.expovariate(per_hour / 3600)
        if draw.random() < busy(at):
            return at - time
