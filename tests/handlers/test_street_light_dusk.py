"""How many lamps burn where, by their own reports, and which should not."""

from typing import Any

import pytest

from faas.events import Uplink
from faas.testing import NOON_NS, Remembered, Sent, Shown, Told, uplink
from handlers.street_light_dusk import street_light_dusk

NIGHT = {
    "message": "status",
    "level": 40,
    "reason": "light-0",
    "lamp_on": True,
    "lux": 0.3,
    "faults": [],
}
DAY = {**NIGHT, "level": 0, "reason": "light-1", "lamp_on": False, "lux": 20_000.0}
TAGS = {"street": "Rue Valade", "district": "Arnaud Bernard"}


def told(data: dict[str, Any], f_cnt: int = 1) -> Uplink:
    return uplink(data, f_cnt=f_cnt, heard_ns=NOON_NS + f_cnt * 10**9, tags=TAGS)


def run(*events: Uplink) -> tuple[Remembered, Shown, Told]:
    state, twin, notices, _ = run_all(*events)
    return state, twin, notices


def run_all(*events: Uplink) -> tuple[Remembered, Shown, Told, Sent]:
    state, twin, notices, sent = Remembered(), Shown(), Told(), Sent()
    for event in events:
        street_light_dusk(event, state=state, twin=twin, notices=notices, commands=sent)
    return state, twin, notices, sent


def test_dusk_has_the_whole_district_told_in_one_order() -> None:
    *_, sent = run_all(told(DAY, 1), told(NIGHT, 2))

    ((where, wanted, occasion),) = sent.groups
    assert ({"district": "Arnaud Bernard"}, {"level": 60}) == (where, wanted)
    assert occasion.startswith("night ")
    assert [] == sent


def test_dawn_puts_the_whole_district_out() -> None:
    *_, sent = run_all(told(NIGHT, 1), told(DAY, 2))

    assert [{"level": 0}] == [wanted for _, wanted, _ in sent.groups]


def test_forty_lamps_of_the_same_dusk_name_the_same_occasion() -> None:
    occasions = {
        run_all(told(DAY, 1), told(NIGHT, late))[3].groups[0][2] for late in (2, 90)
    }

    assert 1 == len(occasions)


@pytest.mark.parametrize(
    "reports",
    [
        (NIGHT,),  # its first word tells of no dusk
        (DAY, DAY),
        (DAY, {**NIGHT, "lux": 18.0}),  # twilight is neither
        (DAY, {**NIGHT, "lux": None}),  # it has no light sensor
    ],
)
def test_without_a_dusk_nobody_is_told_anything(reports: Any) -> None:
    *_, sent = run_all(*(told(data, n) for n, data in enumerate(reports, start=1)))

    assert [] == sent.groups


def test_dusk_moves_the_lamp_from_dark_to_lit() -> None:
    state, _, notices = run(told(DAY, 1), told(NIGHT, 2))

    assert {
        "city:lit": 1,
        "street:Rue Valade:lit": 1,
        "district:Arnaud Bernard:lit": 1,
    } == state.counts
    assert [] == notices


def test_an_older_report_changes_nothing() -> None:
    late, _, _ = run(told(NIGHT, 2), told(DAY, 1))

    assert 1 == late.counts["city:lit"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({**NIGHT, "lux": 5_000.0}, "burns by day"),
        ({**DAY, "lux": 0.3}, "is dark at night"),
    ],
)
def test_what_the_sun_does_not_explain_is_told_once(
    data: dict[str, Any], said: str
) -> None:
    _, _, notices = run(told(data, 1), told(data, 2))

    assert [f"device-0708 in Rue Valade {said}"] == notices


@pytest.mark.parametrize(
    "data",
    [
        {**NIGHT, "lux": 5_000.0, "reason": "manual"},
        {**DAY, "lux": 0.3, "reason": "manual"},
        {**DAY, "lux": None},
        {**DAY, "lux": 6.0},  # twilight: the sensor has not looked yet
    ],
)
def test_a_lamp_set_by_hand_or_in_the_twilight_is_not_odd(data: dict[str, Any]) -> None:
    assert [] == run(told(data))[2]


@pytest.mark.parametrize(
    ("data", "power_state", "illuminance", "status"),
    [
        (NIGHT, "low", 0.4, "ok"),
        ({**NIGHT, "level": 100}, "on", 1.0, "ok"),
        (DAY, "off", 0, "ok"),
        (
            {**NIGHT, "lamp_on": False, "faults": ["lamp-failure"]},
            "off",
            0,
            "defectiveLamp",
        ),
    ],
)
def test_a_lamp_is_shown_in_the_models_names(
    data: dict[str, Any], power_state: str, illuminance: float, status: str
) -> None:
    shown = run(told(data))[1]["Streetlight"]

    assert (power_state, illuminance, status) == (
        shown["powerState"],
        shown["illuminanceLevel"],
        shown["status"],
    )
