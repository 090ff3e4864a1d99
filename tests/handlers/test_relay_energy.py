"""Energy by the meters' counts, positions by the relays' own reports."""

from typing import Any

from faas.events import Uplink
from faas.testing import DEV_EUI, NOON_NS, Remembered, Shown, uplink
from handlers.relay_energy import relay_energy

TAGS = {"district": "Capitole", "latitude": "43.604", "longitude": "1.4437"}


def told(message: str, f_cnt: int, **fields: Any) -> Uplink:
    return uplink(
        {"message": message, **fields},
        f_cnt=f_cnt,
        heard_ns=NOON_NS + f_cnt * 10**9,
        device_type="metered-relay",
        tags=TAGS,
    )


def run(*events: Uplink) -> tuple[Remembered, Shown]:
    state, twin = Remembered(), Shown()
    for event in events:
        relay_energy(event, state=state, twin=twin)
    return state, twin


def test_energy_is_what_was_counted_between_two_readings() -> None:
    first = told("measurement", 1, energy_import_t1_wh=5000)
    then = told("measurement", 2, energy_import_t1_wh=5300)
    last = told("measurement", 3, energy_import_t1_wh=5350)

    state, _ = run(first, then, last)

    assert {"city:energy_wh": 350, "district:Capitole:energy_wh": 350} == state.counts


def test_a_late_reading_adds_nothing() -> None:
    first = told("measurement", 1, energy_import_t1_wh=5000)
    then = told("measurement", 2, energy_import_t1_wh=5300)
    last = told("measurement", 3, energy_import_t1_wh=5350)

    assert run(first, then, last)[0].counts == run(first, last, then)[0].counts


def test_a_meter_that_starts_again_takes_nothing_away() -> None:
    old = told("measurement", 1, energy_import_t1_wh=5000)
    new = told("measurement", 2, energy_import_t1_wh=10)

    state, _ = run(old, new)

    assert {} == state.counts
    assert 10 == state.memory["energy_wh"]


def test_a_reading_is_shown_in_the_models_names_and_units() -> None:
    event = told(
        "measurement",
        1,
        energy_import_t1_wh=12_345_678,
        voltage_v=230.1,
        current_a=5.0,
        power_w=1150,
        power_factor=0.97,
        frequency_hz=50.0,
    )

    _, twin = run(event)

    assert {
        "id": f"urn:ngsi-ld:ACMeasurement:{DEV_EUI}",
        "type": "ACMeasurement",
        "phaseType": "singlePhase",
        "dateObserved": event.time.isoformat(),
        "refDevice": [f"urn:ngsi-ld:Device:{DEV_EUI}"],
        "location": {"type": "Point", "coordinates": [1.4437, 43.604]},
        "totalActivePower": 1150,
        "totalActiveEnergyImport": 12345.678,
        "frequency": 50.0,
        "phaseVoltage": {"L1": 230.1},
        "current": {"L1": 5.0},
        "powerFactor": {"L1": 0.97},
    } == twin["ACMeasurement"]


def test_a_relay_counts_where_its_own_report_says_that_it_stands() -> None:
    state, twin = run(told("state", 1, on=True), told("state", 2, on=False))

    assert {"city:off": 1, "district:Capitole:off": 1} == state.counts
    assert {"deviceState": "off"} == twin["DeviceState"]


def test_an_acknowledgement_is_no_report() -> None:
    state, twin = run(told("state", 1, on=True), told("acknowledgement", 2, done=True))

    assert {"city:on": 1, "district:Capitole:on": 1} == state.counts
    assert {"deviceState": "on"} == twin["DeviceState"]


def test_a_reading_and_a_position_do_not_hide_each_other() -> None:
    state, _ = run(
        told("measurement", 5, energy_import_t1_wh=100),
        told("state", 4, on=True),
        told("measurement", 6, energy_import_t1_wh=101),
    )

    assert 1 == state.counts["city:on"]
    assert 1 == state.counts["city:energy_wh"]
