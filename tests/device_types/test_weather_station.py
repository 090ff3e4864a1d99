"""A weather station tells a real day by the Métropole's odd rules."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirpstack_embedded.codec import Codec, DecodedObject
from lorawan_sim.devices.weather_station import (
    SHORTEST_PERIOD_S,
    STATIONS,
    behaviour,
    nearest,
)
from lorawan_sim.payloads.toulouse_weather import encode, force
from lorawan_sim.weather import TOULOUSE_2025_10_19, weather
from lorawan_sim.world import SimulatedWorld
from wire.lorawan.airtime import lora_airtime_s

CODEC = Codec()
SCRIPT = (
    Path(__file__).parents[2] / "chirpstack/device-types/weather-station/codec.js"
).read_text("utf-8")
START = 1_768_000_000.0
NOON = datetime(2025, 10, 19, 12, 0, tzinfo=UTC)
METEOPOLE = (43.57761, 1.37739)


def live(
    seconds: float, *, speed: float = 1.0, begins: datetime = NOON, seed: int = 7
) -> list[tuple[float, dict[str, Any]]]:
    """Let a station live from its join on; return what it said, decoded, and when."""
    world = SimulatedWorld(
        seed=1, starts_at=START, begins=begins.timestamp(), speed=speed
    )
    station = behaviour(
        seed=seed, world=world, latitude=METEOPOLE[0], longitude=METEOPOLE[1]
    )
    station.joined(now := START)
    said = []
    while now <= START + seconds:
        for message in station.uplinks():
            found = CODEC.decode(SCRIPT, message.f_port, message.payload, now, {})
            assert isinstance(found, DecodedObject), found
            said.append((now, found.object))
        due = station.next_deadline()
        assert due is not None
        station.tick(now := due)
    return said


def test_it_observes_at_once_and_then_a_minute_after_every_quarter() -> None:
    said = live(3600)

    assert [49, 50, 51, 52] == [one["number"] for _, one in said]
    assert [0, 960, 1860, 2760] == [round(at - START) for at, _ in said[:4]]


def test_it_tells_the_temperatures_of_the_real_day() -> None:
    midnight = datetime(2025, 10, 19, tzinfo=UTC)
    said = [one for _, one in live(86_400 - 61, begins=midnight)]

    assert 96 == len(said)
    on_the_hour = [one["temperature_c"] for one in said[::4]]
    for told, (real_c, _, _) in zip(on_the_hour, TOULOUSE_2025_10_19, strict=True):
        assert -0.8 <= told - real_c <= 0.8 + 2.0  # the town is warmer


def test_its_number_is_that_of_the_station_at_its_place() -> None:
    assert {1} == {one["station"] for _, one in live(900)}
    for place in STATIONS.values():
        assert place == STATIONS[nearest(*place)]


def test_a_faster_world_is_observed_within_the_duty_cycle() -> None:
    said = live(600, speed=120)

    gaps = [b - a for (a, _), (b, _) in pairwise(said)]
    assert all(gap >= SHORTEST_PERIOD_S for gap in gaps)
    slow_s = lora_airtime_s(12 + 13, spreading_factor=10, bandwidth_hz=125_000)
    assert slow_s / SHORTEST_PERIOD_S <= 0.01


def test_nights_are_warmer_in_the_centre_than_outside() -> None:
    night = NOON.replace(hour=2).timestamp()
    centre = weather(1, 43.6045, 1.444, night)
    woods = weather(1, 43.6118, 1.2801, night)

    assert 1.5 <= centre.temperature_c - woods.temperature_c <= 4
    assert centre.humidity_percent < woods.humidity_percent


@pytest.mark.parametrize(
    ("kmh", "steps"), [(0, 0), (79.6, 80), (80, 80), (81, 81), (82, 81), (174, 127)]
)
def test_a_wind_above_the_knee_takes_double_steps(kmh: float, steps: int) -> None:
    assert steps == force(kmh)


@given(
    st.datetimes(datetime(2019, 1, 1), datetime(2050, 12, 31)),  # noqa: DTZ001 - hypothesis adds the zone
    st.integers(-500, 779),
    st.integers(0, 127),
    st.integers(0, 179),
)
def test_whatever_the_weather_it_is_read_back(
    when: datetime, tenths: int, steps: int, half_deg: int
) -> None:
    quarter = when.replace(
        minute=when.minute // 15 * 15, second=0, microsecond=0, tzinfo=UTC
    )
    kmh = steps if steps <= 80 else 80 + 2 * (steps - 80)
    told = {
        "message": "observation",
        "station": 1,
        "time": quarter.isoformat().replace("+00:00", "Z"),
        "number": quarter.hour * 4 + quarter.minute // 15 + 1,
        "temperature_c": tenths / 10,
        "humidity_percent": 49,
        "rain_mm": 0.4,
        "rain_worst_minute_mm": 0.2,
        "wind_from_deg": half_deg * 2,
        "wind_kmh": kmh,
        "gust_from_deg": 135,
        "gust_kmh": kmh,
        "pressure_hpa": 1016,
    }

    f_port, payload = encode(told)

    assert DecodedObject(told) == CODEC.decode(SCRIPT, f_port, payload, 0.0, {})


@given(st.binary(max_size=16))
def test_any_bytes_are_read_or_refused(payload: bytes) -> None:
    CODEC.decode(SCRIPT, 40, payload, 0.0, {})


def test_the_same_seed_says_the_same() -> None:
    assert live(7200) == live(7200) != live(7200, seed=8)


def test_a_day_later_the_day_is_played_again() -> None:
    (_, one), (_, two) = live(1)[0], live(1, begins=NOON + timedelta(days=1))[0]

    assert one["temperature_c"] == two["temperature_c"]
    assert one["time"] < two["time"]
