"""
The weather of the simulated world: one real day in Toulouse, played every day.

Temperature, rain and wind by the hour of 2025-10-19 (UTC): Open-Meteo.com, archive of
historical weather, CC BY 4.0; rounded and interpolated here. What that archive extract
does not hold is ours, and plausible: humidity follows from a dew point that stays, the
direction and the pressure drift with the seed, and nights are warmer in the middle of
the town than around it.
"""

import math
import random
from dataclasses import dataclass

HOUR_S, DAY_S = 3600, 86_400
# hour: °C, mm of rain in the hour, km/h of wind
TOULOUSE_2025_10_19 = (
    *((13.6, 0.0, 11.5), (13.5, 0.0, 10.4), (13.5, 0.0, 9.4), (13.8, 0.0, 6.5)),
    *((14.1, 0.0, 7.9), (14.3, 0.0, 10.7), (14.4, 0.0, 14.0), (14.6, 0.0, 15.0)),
    *((15.7, 0.0, 16.0), (17.3, 0.0, 19.4), (18.9, 0.0, 19.6), (20.4, 0.0, 20.6)),
    *((21.6, 0.0, 20.4), (22.2, 0.0, 20.1), (22.5, 0.0, 20.1), (21.7, 0.0, 19.3)),
    *((20.5, 0.0, 18.1), (19.6, 0.0, 15.8), (19.0, 0.0, 14.5), (18.7, 0.0, 14.8)),
    *((18.6, 0.0, 13.3), (18.5, 0.0, 3.7), (17.9, 0.0, 2.5), (17.7, 0.0, 2.4)),
)
DEW_POINT_C = 11.5
AUTAN_DEG = 130.0  # the south-easterly of Toulouse
GUSTS = 1.7  # times the mean wind
CENTRE = (43.6045, 1.444)
ISLAND_C, ISLAND_KM = 2.0, 5.0  # how much warmer a night in the centre is, how wide
NIGHT = (19, 7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """The weather at one place and instant; rain is what would fall in an hour."""

    temperature_c: float
    humidity_percent: float
    rain_mm_per_h: float
    wind_from_deg: float
    wind_kmh: float
    gust_kmh: float
    pressure_hpa: float


def weather(seed: int, latitude: float, longitude: float, time: float) -> Weather:
    """Return the weather at a place when the world's clock shows `time` (Unix s)."""
    hour = time % DAY_S / HOUR_S
    temperature_c, rain_mm, wind_kmh = _interpolated(hour)
    temperature_c += _island_c(latitude, longitude, hour)
    slow = random.Random(f"{seed}/weather").uniform(0, math.tau) + time / DAY_S
    return Weather(
        temperature_c=temperature_c,
        humidity_percent=_humidity_percent(temperature_c),
        rain_mm_per_h=rain_mm,
        wind_from_deg=(AUTAN_DEG + 25 * math.sin(3 * slow)) % 360,
        wind_kmh=wind_kmh,
        gust_kmh=wind_kmh * GUSTS,
        pressure_hpa=1016 + 6 * math.sin(slow),
    )


def _interpolated(hour: float) -> tuple[float, float, float]:
    first, share = int(hour), hour % 1
    here, later = (TOULOUSE_2025_10_19[h % 24] for h in (first, first + 1))
    a, b, c = (x + (y - x) * share for x, y in zip(here, later, strict=True))
    return a, b, c


def _island_c(latitude: float, longitude: float, hour: float) -> float:
    """Return by how much the town warms a place; half as much by day."""
    north_km = (latitude - CENTRE[0]) * 111.2
    east_km = (longitude - CENTRE[1]) * 111.2 * math.cos(math.radians(latitude))
    share = math.exp(-(math.hypot(north_km, east_km) ** 2) / ISLAND_KM**2)
    night = hour >= NIGHT[0] or hour < NIGHT[1]
    return ISLAND_C * share * (1.0 if night else 0.5)


def _humidity_percent(temperature_c: float) -> float:
    """Return the relative humidity by the Magnus formula, for the day's dew point."""
    dew_point_c = min(DEW_POINT_C, temperature_c)

    def pressure(celsius: float) -> float:
        return math.exp(17.62 * celsius / (243.12 + celsius))

    return 100 * pressure(dew_point_c) / pressure(temperature_c)
