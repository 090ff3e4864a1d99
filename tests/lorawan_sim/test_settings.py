"""Wrong settings are named all at once, before anything starts."""

from pathlib import Path

import pytest

from lorawan_sim.__main__ import WRONG_SETTINGS, main
from lorawan_sim.settings import Settings
from wire.settings import Address, WrongSettings


@pytest.fixture
def home(tmp_path: Path) -> Path:
    city = tmp_path / "cities" / "toulouse"
    city.mkdir(parents=True)
    (city / "city.toml").write_text("")
    (tmp_path / ".garonne").mkdir()
    (tmp_path / ".garonne" / "keys.csv").write_text("dev_eui,app_key\n")
    return tmp_path


def test_a_home_is_enough(home: Path) -> None:
    settings = Settings.read({"GARONNE_HOME": str(home)})

    assert home / "cities" / "toulouse" == settings.city
    assert home / ".garonne" == settings.state
    assert (20.0, 1.0, None) == (
        settings.spread_s,
        settings.world_speed,
        settings.seed,
    )
    assert settings.metrics is None


def test_everything_can_be_said(home: Path) -> None:
    settings = Settings.read(
        {
            "GARONNE_HOME": str(home),
            "GARONNE_AIR": "[::1]:17",
            "GARONNE_METRICS": "127.0.0.1:9",
            "GARONNE_SIM_SEED": "7",
            "GARONNE_SIM_SPREAD_S": "0",
            "GARONNE_WORLD_SPEED": "120",
            "GARONNE_WORLD_BEGINS": "2026-06-21T18:30:00+02:00",
        }
    )

    assert Address(host="::1", port=17) == settings.air
    assert Address(host="127.0.0.1", port=9) == settings.metrics
    assert (7, 0.0, 120.0) == (settings.seed, settings.spread_s, settings.world_speed)
    assert 1_782_059_400.0 == settings.world_begins


def test_every_fault_is_named_at_once(home: Path) -> None:
    with pytest.raises(WrongSettings) as faults:
        Settings.read(
            {
                "GARONNE_HOME": str(home),
                "GARONNE_CITY": "atlantis",
                "GARONNE_KEYS": str(home / "nowhere.csv"),
                "GARONNE_AIR": "nowhere",
                "GARONNE_SIM_SEED": "lucky",
                "GARONNE_SIM_SPREAD_S": "-1",
                "GARONNE_WORLD_SPEED": "0",
                "GARONNE_WORLD_BEGINS": "2026-06-21T18:30:00",
                "GARONNE_LOG": "shout",
            }
        )

    assert 8 == len(str(faults.value).splitlines())


def test_the_program_says_them_without_a_traceback(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GARONNE_HOME", str(home))
    monkeypatch.setenv("GARONNE_AIR", "nowhere")

    assert WRONG_SETTINGS == main()

    assert "GARONNE_AIR='nowhere': an address is host:port" in capsys.readouterr().err


def test_an_air_that_was_left_to_its_default_is_said_in_one_sentence(
    home: Path,
) -> None:
    told = {"GARONNE_HOME": str(home)}

    assert (
        (
            "GARONNE_AIR is not set:"
            " the gateways' simulated air is looked for at 127.0.0.1:1702"
        ),
    ) == Settings.read(told).unset
    assert () == Settings.read(told | {"GARONNE_AIR": "127.0.0.1:1702"}).unset
