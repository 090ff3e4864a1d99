"""`garonne doctor`: what a person and a tool read, and the exit code."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.site import Site, open_site
from tests.contract.stage import Stage
from tests.contract.world import World

from garonne.__main__ import main
from garonne.commands.doctor import dev_eui_of
from garonne.errors import Refused
from garonne.settings import find_home

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with open_site({}) as found:
        yield found


def ask(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *words: str
) -> int:
    held = tmp_path / "mqtt"
    held.write_text(f"{site.mqtt}\n")
    monkeypatch.setenv("GARONNE_CHIRPSTACK_GRPC", site.grpc)
    monkeypatch.setenv("GARONNE_CHIRPSTACK_TOKEN", site.token)
    monkeypatch.setenv("GARONNE_MQTT_FILE", str(held))
    monkeypatch.setenv("GARONNE_STATE", str(tmp_path))
    return main(["doctor", "--listen", "0.1", *words])


def test_a_sentence_an_advice_and_exit_code_one(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert 1 == ask(site, monkeypatch, tmp_path, "A8-17-58-FF-FE-03-01-C4")
    first, second = capsys.readouterr().out.splitlines()
    assert "ChirpStack does not know a device a81758fffe0301c4." == first
    assert "garonne device add" in second


def test_exit_code_zero_and_one_document_when_all_is_well(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = World(Stage(site))
    world.given_joined()
    for _ in range(2):
        world.when_uplink()
        world.then_event("up")
    world.stage.settle()

    assert 0 == ask(site, monkeypatch, tmp_path, world.cast.dev_eui, "--json")
    told = json.loads(capsys.readouterr().out)
    assert ("well", True) == (told["kind"], told["healthy"])
    assert world.cast.app_key.hex() not in json.dumps(told)
    world.stage.close()


def test_a_broker_that_refuses_is_one_sentence(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GARONNE_MQTT", "mqtt://127.0.0.1:1")

    assert 1 == ask(site, monkeypatch, tmp_path, "a81758fffe0301c4")
    assert "the broker at 127.0.0.1:1 did not take it" in capsys.readouterr().err


def test_a_device_may_be_called_by_its_name() -> None:
    environment = {"GARONNE_HOME": str(find_home()), "GARONNE_CITY": "first-light"}

    assert 16 == len(dev_eui_of(environment, "lamp-01"))
    with pytest.raises(Refused, match="no device 'lamp-99'"):
        dev_eui_of(environment, "lamp-99")
