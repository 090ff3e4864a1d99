"""A scenario in virtual time: the same bytes again, and a verdict by exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.garonne.scenario.small import HOME, LAMPS, lamps, ran, wrong

from garonne.__main__ import main
from garonne.scenario.files import prepared
from garonne.scenario.overlay import city_files, device_plans
from lorawan_sim.catalogue import read_plans
from wire.declared import DeclaredCity
from wire.errors import Malformed
from wire.scenario import Scenario

DIM = {"fleet": "lamps", "object": {"level": 60}, "at_s": 100, "every_s": 60}
SENTENCE = """
import sys
from pathlib import Path
from tests.garonne.scenario.small import lamps, ran
log = []
ran(lamps(faults=[{"kind": "replay", "rate": 0.5}]), log)
sys.stdout.buffer.write(b"\\n".join(log))
"""


def in_a_process_of_its_own(hash_seed: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-c", SENTENCE],
        check=True,
        capture_output=True,
        cwd=HOME,
        env={"PYTHONHASHSEED": hash_seed, "PATH": ""},
    )
    return done.stdout


@pytest.mark.slow
def test_two_runs_are_the_same_byte_by_byte() -> None:
    first = in_a_process_of_its_own("1")
    assert first == in_a_process_of_its_own("2")
    assert first.count(b"\n") > 300


@pytest.mark.slow
def test_another_seed_is_another_run() -> None:
    seven: list[bytes] = []
    eight: list[bytes] = []
    ran(lamps(), seven)
    ran(lamps(scenario={**LAMPS["scenario"], "seed": 8}), eight)
    assert seven != eight


@pytest.mark.slow
def test_commands_are_confirmed_by_the_lamps_own_report() -> None:
    report = ran(lamps(commands=[DIM]))
    assert [] == wrong(
        report,
        "commands.requested = 9",
        "commands.confirmed = 9",
        "commands.open = 0",
        "downlinks.tx_acks.OK > 9",
    )


@pytest.mark.slow
def test_a_lamp_that_is_silenced_lets_its_command_expire_or_fail() -> None:
    deaf = {"kind": "silence", "from_s": 90}
    scenario = {**LAMPS["scenario"], "settle_s": 400}
    report = ran(
        lamps(scenario=scenario, faults=[deaf], commands=[{**DIM, "every_s": 3600}])
    )
    assert [] == wrong(report, "commands.requested = 1", "commands.confirmed = 0")
    assert 0 == report["commands"]["open"]


@pytest.mark.slow
def test_a_gateway_without_power_hears_nothing() -> None:
    dark = {"kind": "gateway_outage", "from_s": 100, "until_s": 300}
    report = ran(lamps(faults=[dark]))
    assert [] == wrong(
        report, "radio_lost.outage > 20", "lost = 0", "laws.* = true", "delivery < 0.8"
    )


@pytest.mark.slow
def test_a_gateway_whose_neighbour_has_power_is_not_missed() -> None:
    # From the start: ADR must not first get used to the nearer one.
    dark = {"kind": "gateway_outage", "gateway": "north"}
    assert [] == wrong(ran(lamps(faults=[dark])), "delivery > 0.9", "lost = 0")


@pytest.mark.slow
def test_a_slow_backhaul_makes_downlinks_too_late() -> None:
    slow = {"kind": "backhaul_delay", "delay_s": 4}
    report = ran(lamps(faults=[slow], commands=[DIM]))
    assert [] == wrong(report, "lost = 0", "laws.* = true")
    acks = report["downlinks"]["tx_acks"]
    assert acks.get("TOO_LATE", 0) + acks.get("TOO_EARLY", 0) > 0


@pytest.mark.slow
def test_what_the_backhaul_loses_is_counted_as_that() -> None:
    lossy = {"kind": "backhaul_loss", "rate": 0.5, "from_s": 60}
    report = ran(lamps(faults=[lossy]))
    assert [] == wrong(report, "uplinks.network_lost > 10", "lost = 0", "laws.* = true")


def test_a_period_that_breaks_the_law_is_refused_with_a_lawful_one() -> None:
    fleet = {**LAMPS["fleets"][0], "report_every_s": 2}
    with pytest.raises(
        Malformed, match=r"fleet lamps: a report of \d+ octets every 2 s"
    ):
        prepared(Scenario.of(lamps(fleets=[fleet])), HOME)


def test_a_far_fleet_must_report_less_often() -> None:
    far = {"square": {"box": [43.66, 1.44, 43.68, 1.46]}}
    with pytest.raises(Malformed, match="at DR0"):
        prepared(Scenario.of(lamps(places=far)), HOME)


def test_a_type_that_takes_no_commands_is_not_commanded() -> None:
    fleet = {**LAMPS["fleets"][0], "device_type": "parking-bay"}
    with pytest.raises(Malformed, match="a parking-bay takes no commands"):
        prepared(Scenario.of(lamps(fleets=[fleet], commands=[DIM])), HOME)


def test_a_type_with_a_period_of_its_own_is_not_given_another() -> None:
    fleet = {**LAMPS["fleets"][0], "device_type": "weather-station"}
    with pytest.raises(Malformed, match="a weather-station has a period of its own"):
        prepared(Scenario.of(lamps(fleets=[fleet])), HOME)


def test_an_unknown_type_is_named() -> None:
    fleet = {**LAMPS["fleets"][0], "device_type": "teapot"}
    with pytest.raises(Malformed, match="no device type 'teapot'"):
        prepared(Scenario.of(lamps(fleets=[fleet])), HOME)


def test_the_files_of_a_live_run_say_the_same_city() -> None:
    ready = prepared(Scenario.of(lamps()), HOME)
    files = city_files(ready.layout.city)
    names = {name.replace(".", "_"): text for name, text in files.items()}
    assert ready.layout.city == DeclaredCity.parse(**names)


def test_the_devices_program_reads_what_the_scenario_wants_of_them() -> None:
    scenario = Scenario.of(lamps(faults=[{"kind": "replay", "devices": 1}]))
    ready = prepared(scenario, HOME)
    plans = read_plans(json.dumps(device_plans(ready)), begins=5.0)
    assert set(plans) == set(ready.layout.fleets["lamps"])
    assert [scenario.faults[0]] == [f for p in plans.values() for f in p.faults]
    assert {20.0} == {plan.report_every_s for plan in plans.values()}


SHORT = """
expect = ["joined = 1", "lost {operator} 0"]
[scenario]
name = "Short"
seed = 1
duration_s = 60
[city]
declared = "first-light"
"""


@pytest.mark.slow
@pytest.mark.parametrize(("operator", "code"), [("=", 0), (">", 1)])
def test_the_exit_code_comes_from_what_is_expected(
    operator: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, report = tmp_path / "short.toml", tmp_path / "report.json"
    file.write_text(SHORT.format(operator=operator))
    arguments = ["scenario", "run", str(file), "--virtual", "--report", str(report)]
    assert code == main(arguments)
    assert 0 == json.loads(report.read_text())["lost"]
    said = capsys.readouterr().out
    assert f"lost {operator} 0  (0)" in said


def test_every_fault_of_a_file_is_said_and_the_exit_code_is_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "broken.toml"
    file.write_text("[scenario]\nname = 3\n")
    assert 2 == main(["scenario", "run", str(file), "--virtual"])
    said = capsys.readouterr().err.splitlines()
    assert 3 == len(said)
    assert all(line.startswith("garonne: broken.toml: scenario:") for line in said)


def test_engines_cannot_fail_where_there_are_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    outage = str(HOME / "scenarios" / "outage.toml")
    assert 1 == main(["scenario", "run", outage, "--virtual"])
    assert "no engine runs in virtual time" in capsys.readouterr().err
