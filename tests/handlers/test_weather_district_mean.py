"""The mean of a district is that of its stations' latest observations."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from faas.events import Uplink
from faas.testing import NOON_NS, Remembered, Shown, uplink
from handlers.weather_district_mean import means, weather_district_mean

TOLD: dict[str, Any] = {
    "message": "observation",
    "station": 28,
    "time": "2025-10-19T14:00:00Z",
    "number": 57,
    "temperature_c": 22.5,
    "humidity_percent": 49,
    "rain_mm": 0.4,
    "rain_worst_minute_mm": 0.2,
    "wind_from_deg": 130,
    "wind_kmh": 18,
    "gust_from_deg": 135,
    "gust_kmh": 36,
    "pressure_hpa": 1016,
}


def told(station: int, f_cnt: int, district: str = "Carmes", **fields: Any) -> Uplink:
    return uplink(
        {**TOLD, "station": station, **fields},
        dev_eui=f"{station:016x}",
        f_cnt=f_cnt,
        heard_ns=NOON_NS + f_cnt * 10**9,
        device_type="weather-station",
        tags={"district": district, "latitude": "43.598", "longitude": "1.4456"},
    )


def run(*events: Uplink) -> tuple[dict[str, dict[str, float]], Shown]:
    """Run as the runtime does: a memory per device, counters for all."""
    memories: dict[str, Any] = {}
    state, twin = Remembered(), Shown()
    for event in events:
        state.memory = memories.get(event.dev_eui, {})
        weather_district_mean(event, state=state, twin=twin)
        memories[event.dev_eui] = state.memory
    return means(state.counts), twin


def test_the_mean_of_one_station_is_what_it_tells() -> None:
    found, _ = run(told(28, 1))

    assert {
        "Carmes": {
            "temperature_c": 22.5,
            "humidity_percent": 49,
            "rain_mm": 0.4,
            "wind_kmh": 18,
            "pressure_hpa": 1016,
        }
    } == found


def test_two_stations_of_a_district_make_a_mean_and_others_do_not_mix_in() -> None:
    found, _ = run(
        told(28, 1, temperature_c=20.0),
        told(27, 1, temperature_c=23.0),
        told(8, 1, district="Mirail", temperature_c=-3.4),
    )

    assert 21.5 == found["Carmes"]["temperature_c"]
    assert -3.4 == found["Mirail"]["temperature_c"]


def test_a_new_observation_takes_the_place_of_the_last() -> None:
    found, _ = run(
        told(28, 1, temperature_c=20.0),
        told(27, 1, temperature_c=23.0),
        told(28, 2, temperature_c=22.0),
    )

    assert 22.5 == found["Carmes"]["temperature_c"]


def test_a_station_that_moves_leaves_nothing_behind() -> None:
    found, _ = run(told(28, 1), told(28, 2, district="Capitole"))

    assert ["Capitole"] == list(found)


@given(st.permutations(range(1, 6)))
def test_the_order_of_arrival_does_not_matter(order: list[int]) -> None:
    events = [told(28, n, temperature_c=float(n)) for n in order]

    found, _ = run(*events)

    assert 5.0 == found["Carmes"]["temperature_c"]


def test_an_observation_is_shown_in_the_models_names_and_units() -> None:
    _, twin = run(told(28, 1))

    shown = twin["WeatherObserved"]
    assert ("WeatherObserved", "2025-10-19T14:00:00Z") == (
        shown["type"],
        shown["dateObserved"],
    )
    assert (0.49, 5.0, 10.0) == (
        shown["relativeHumidity"],
        shown["windSpeed"],
        shown["gustSpeed"],
    )
    assert [1.4456, 43.598] == shown["location"]["coordinates"]
