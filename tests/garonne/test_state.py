"""The state folder: one supervisor, stable ports, private files."""

import socket
from pathlib import Path

import pytest

from garonne.errors import Refused
from garonne.state import Lock, Ports, Run, read_run, runner_pid, secret


def listening(port: int) -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", port))
    listener.listen()
    return listener


def test_ports_stay_the_same_over_restarts(tmp_path: Path) -> None:
    first = Ports(tmp_path).choose(["mqtt", "redis"])

    assert first == Ports(tmp_path).choose(["mqtt", "redis"])
    assert 2 == len(set(first.values()))


def test_two_folders_get_different_ports(tmp_path: Path) -> None:
    one, other = (Ports(tmp_path / name).choose(["mqtt"]) for name in ("a", "b"))

    assert one != other


def test_a_taken_port_is_replaced_and_told_in_one_sentence(tmp_path: Path) -> None:
    before = Ports(tmp_path).choose(["mqtt"])["mqtt"]
    with listening(before):
        ports = Ports(tmp_path)
        after = ports.choose(["mqtt"])["mqtt"]

    assert before != after
    (sentence,) = ports.moved
    assert sentence.startswith(f"port {before} of mqtt is taken by another program")


def test_a_second_supervisor_is_refused_with_the_pid_of_the_first(
    tmp_path: Path,
) -> None:
    first = Lock(tmp_path)
    first.take()
    pid = runner_pid(tmp_path)
    try:
        with pytest.raises(Refused, match=rf"already runs in .* \(pid {pid}\)"):
            Lock(tmp_path).take()
    finally:
        first.release()

    assert runner_pid(tmp_path) is None


def test_what_runs_is_read_only_while_it_runs(tmp_path: Path) -> None:
    lock = Lock(tmp_path)
    lock.take()
    pid = runner_pid(tmp_path)
    assert pid is not None
    run = Run(pid=pid, state="up", city="x", environment={"GARONNE_MQTT": "mqtt://a:1"})

    run.write(tmp_path)

    assert run == read_run(tmp_path)
    assert 0o600 == (tmp_path / "run.json").stat().st_mode & 0o777
    lock.release()
    assert read_run(tmp_path) is None


def test_a_secret_is_made_once(tmp_path: Path) -> None:
    made = secret(tmp_path / "deep" / "word", 40)

    assert 40 == len(made)
    assert made == secret(tmp_path / "deep" / "word", 40)
