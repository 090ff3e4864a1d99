"""What cannot be started says so in one sentence."""

import socket
import subprocess
from pathlib import Path

import pytest
from tests.chirpstack_embedded.running import (
    NOWHERE,
    PATIENCE_S,
    SERVER_CONFIG,
    Running,
    site,
)
from tests.servers import HOST, mosquitto

from chirpstack_embedded.__main__ import main

pytestmark = pytest.mark.slow


def test_a_taken_udp_port_is_one_sentence(tmp_path: Path) -> None:
    server = Running(NOWHERE, tmp_path)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((HOST, 0))
        address = f"{HOST}:{taken.getsockname()[1]}"
        second = subprocess.run(
            server.command(),
            env={**server.environment, "GARONNE_CHIRPSTACK_UDP": address},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    assert 1 == second.returncode
    assert f"cannot listen on {address}" in second.stderr
    assert "Traceback" not in second.stderr


def test_wrong_settings_are_all_said_with_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["-c", str(SERVER_CONFIG)], {"GARONNE_CHIRPSTACK_DB": str(tmp_path)})

    said = capsys.readouterr().err
    assert 2 == code
    assert "CHIRPSTACK_API_SECRET is not set" in said
    assert "CHIRPSTACK_MQTT_SERVER is not set" in said
    assert "Traceback" not in said


def test_a_database_that_cannot_be_opened_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Running(NOWHERE, tmp_path)
    environment = {**server.environment, "GARONNE_CHIRPSTACK_DB": str(tmp_path)}

    code = main(["-c", str(SERVER_CONFIG)], environment)

    assert 2 == code
    assert f"the database {tmp_path} cannot be used" in capsys.readouterr().err


def test_a_taken_metrics_port_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Running(NOWHERE, tmp_path)
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        address = f"{HOST}:{taken.getsockname()[1]}"
        code = main(
            ["-c", str(SERVER_CONFIG)],
            {**server.environment, "GARONNE_METRICS": address},
        )

    assert 2 == code
    assert f"GARONNE_METRICS: {address} cannot be used" in capsys.readouterr().err


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with site(tmp_path) as (server, _, _):
        server.start()
        environment = {
            **server.environment,
            "GARONNE_CHIRPSTACK_DB": str(tmp_path / "second.sqlite"),
            "GARONNE_METRICS": "",
        }
        second = subprocess.run(
            server.command(),
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    assert 2 == second.returncode
    assert "cannot be used, is it taken?" in second.stderr
    assert "Traceback" not in second.stderr


def test_each_created_key_is_a_new_one(tmp_path: Path) -> None:
    with mosquitto() as broker:
        server = Running(broker, tmp_path)
        assert server.token() != server.token()
