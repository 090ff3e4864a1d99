"""The world is plausible, the same for the same seed, and asked at any speed."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lorawan_sim.world import (
    CLEAR_SKY_LUX,
    SimulatedWorld,
    Visits,
    clear_sky_lux,
    sun_elevation_deg,
)

TOULOUSE = (43.6, 1.44)
START = 1_768_000_000.0


def instant(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def world(*, speed: float = 1.0, seed: int = 1) -> SimulatedWorld:
    begins = instant("2026-01-16T12:00:00")
    return SimulatedWorld(seed=seed, starts_at=START, begins=begins, speed=speed)


@pytest.mark.parametrize(
    ("latitude", "longitude", "when", "elevation_deg"),
    [
        # Solar noon by almanac: 90° - latitude + declination.
        (43.6, 1.44, "2026-06-21T11:56:00", 69.8),
        (43.6, 1.44, "2026-12-21T11:52:00", 23.0),
        (0.0, 0.0, "2026-03-20T12:07:00", 90.0),
        (60.0, 25.0, "2026-06-21T10:22:00", 53.4),
        (-33.9, 18.4, "2026-12-21T10:44:00", 79.5),
        (43.6, 1.44, "2026-01-16T23:58:00", -67.3),
    ],
)
def test_the_sun_stands_where_the_almanac_has_it(
    latitude: float, longitude: float, when: str, elevation_deg: float
) -> None:
    found = sun_elevation_deg(latitude, longitude, instant(when))

    assert pytest.approx(elevation_deg, abs=0.3) == found


def test_the_sun_sets_over_toulouse_when_it_does() -> None:
    # Almanac: sunset on 2026-11-21 at 17:26 local time; the rim stands at -0.83°.
    found = sun_elevation_deg(*TOULOUSE, instant("2026-11-21T16:26:00"))

    assert pytest.approx(-0.83, abs=0.5) == found


def test_light_falls_with_the_sun() -> None:
    degrees = range(-30, 91)
    lights = [clear_sky_lux(float(one)) for one in degrees]

    assert sorted(lights) == lights
    for elevation, lux in CLEAR_SKY_LUX:
        assert pytest.approx(lux) == clear_sky_lux(elevation)


def test_a_january_evening_is_dark_and_noon_is_not() -> None:
    here = world()

    assert here.lux(*TOULOUSE, START) > 1_000
    assert here.lux(*TOULOUSE, START + 8 * 3600) < 1


@given(st.floats(0.1, 1000), st.floats(0, 1e6))
def test_the_two_clocks_agree(speed: float, after_s: float) -> None:
    here = world(speed=speed)

    now = START + after_s
    assert pytest.approx(now, abs=1e-3) == here.real(here.time(now))


def changes(visits: Visits, begins: float, count: int) -> list[float]:
    times, time = [], begins
    for _ in range(count):
        time = visits.next_change(time)
        times.append(time)
    return times


def test_the_same_seed_brings_the_same_people_at_any_speed() -> None:
    slow, fast = world(speed=1), world(speed=120)

    assert changes(slow.people(7), slow.begins, 50) == changes(
        fast.people(7), fast.begins, 50
    )
    assert changes(slow.people(7), slow.begins, 50) != changes(
        slow.people(8), slow.begins, 50
    )


def test_visits_do_not_overlap_and_time_runs_forward() -> None:
    here = world()
    visits = here.cars(3)

    times = changes(visits, here.begins, 100)

    assert sorted(set(times)) == times


def test_somebody_is_there_between_coming_and_going() -> None:
    here = world()
    arrives, leaves = changes(here.cars(3), here.begins, 2)
    visits = here.cars(3)

    seen = [visits.present(t) for t in (arrives - 1, arrives, leaves - 1, leaves)]
    assert [False, True, True, False] == seen


def test_nights_are_quieter_than_evenings() -> None:
    here = world()
    visits, time, by_hour = here.people(5), here.begins, [0] * 24
    while time < here.begins + 7 * 86_400:
        time = visits.next_change(time)
        by_hour[int(time // 3600) % 24] += 1

    assert sum(by_hour[1:5]) * 4 < sum(by_hour[16:20])


def test_most_cars_stay_short_and_some_stay_long() -> None:
    here = world()
    times = changes(here.cars(3), here.begins, 400)

    stays_min = sorted(
        (b - a) / 60 for a, b in zip(times[::2], times[1::2], strict=True)
    )
    assert 25 <= stays_min[len(stays_min) // 2] <= 60
    assert stays_min[-20] > 90


def test_bays_are_fuller_by_day_than_by_night() -> None:
    here = world()
    hours = [0.0] * 24
    for seed in range(12):
        visits = here.cars(seed)
        for quarter in range(7 * 96):
            time = here.begins + quarter * 900
            hours[int(time // 3600) % 24] += visits.present(time)

    taken = [hour / (12 * 7 * 4) for hour in hours]
    assert sum(taken[2:5]) / 3 < 0.3
    assert 0.45 < sum(taken[10:19]) / 9 < 0.8


def test_winter_is_colder_than_summer_and_night_than_day() -> None:
    here = world()
    day_s = 86_400
    january, july = START, START + 182 * day_s

    assert here.temperature_c(*TOULOUSE, january) + 8 < here.temperature_c(
        *TOULOUSE, july
    )
    assert here.temperature_c(*TOULOUSE, january + 15 * 3600) < here.temperature_c(
        *TOULOUSE, january + 3 * 3600
    )
