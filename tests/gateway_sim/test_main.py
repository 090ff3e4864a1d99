"""``python -m gateway_sim`` as the supervisor starts and stops it."""

import os
import signal
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest
from tests.servers import HOST, free_port, mosquitto

CITY = {
    "city.toml": '[city]\nname = "two"\nseed = 7\nregion = "eu868"\n'
    '[chirpstack]\ntenant = "t"\napplication = "a"\n',
    "gateways.csv": "gateway_id,name,latitude,longitude,altitude_m\n"
    "0016c001f1500001,Capitole,43.6045,1.4440,150\n"
    "0016c001f1500002,Jolimont,43.6150,1.4640,200\n",
    "devices.csv": "name,device_type,dev_eui,join_eui,latitude,longitude,"
    "street,district,box\n",
}
WAIT_S = 20


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "cities" / "toulouse"
    folder.mkdir(parents=True)
    for name, text in CITY.items():
        (folder / name).write_text(text, encoding="utf-8")
    return tmp_path


def start(home: Path, **settings: str) -> subprocess.Popen[str]:
    environ = {"PATH": os.environ["PATH"], "GARONNE_HOME": str(home)}
    return subprocess.Popen(
        [sys.executable, "-m", "gateway_sim"],
        env=environ | {f"GARONNE_{name}": value for name, value in settings.items()},
        stderr=subprocess.PIPE,
        text=True,
    )


def metrics(port: int) -> str:
    with suppress(OSError), urllib.request.urlopen(f"http://{HOST}:{port}") as answer:
        text: str = answer.read().decode()
        return text
    return ""


def test_it_is_ready_when_every_gateway_is_online_and_stops_when_asked(
    home: Path,
) -> None:
    meter, air = free_port(), free_port()
    with (
        mosquitto() as broker,
        start(
            home,
            MQTT=broker.url,
            AIR=f"{HOST}:{air}",
            METRICS=f"{HOST}:{meter}",
        ) as program,
    ):
        while "garonne_ready 1.0" not in (shown := metrics(meter)):
            assert program.poll() is None
        program.send_signal(signal.SIGTERM)
        _, log = program.communicate(timeout=WAIT_S)

    assert 0 == program.returncode
    assert "garonne_gateway_online 2.0" in shown
    assert "garonne_gateway_gateways 2.0" in shown
    assert "gateway.program.stop" in log
    assert "Traceback" not in log


def test_wrong_settings_are_two_lines_and_exit_2(home: Path) -> None:
    with start(home, MQTT="nonsense", AIR="x") as program:
        _, said = program.communicate(timeout=WAIT_S)

    assert 2 == program.returncode
    assert 2 == len(said.splitlines())


def test_a_wrong_city_tells_its_faults_and_exits_2(home: Path) -> None:
    gateways = home / "cities" / "toulouse" / "gateways.csv"
    gateways.write_text("gateway_id,name,latitude,longitude,altitude_m\nx,,91,0,0\n")
    with start(home) as program:
        _, said = program.communicate(timeout=WAIT_S)

    assert 2 == program.returncode
    assert "gateways.csv" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("what", ["AIR", "METRICS"])
def test_a_taken_port_is_one_sentence(home: Path, what: str) -> None:
    with mosquitto() as broker:
        taken = {"AIR": f"{HOST}:{free_port()}", what: f"{HOST}:{broker.port}"}
        with start(home, MQTT=broker.url, **taken) as program:
            _, said = program.communicate(timeout=WAIT_S)

    assert 1 == program.returncode
    assert str(broker.port) in said
    assert "Traceback" not in said
