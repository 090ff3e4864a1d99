"""One living city for all tests of this folder, in a state folder of its own."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from garonne.demo.observer import Observer
from garonne.places import read_city
from garonne.settings import find_home
from garonne.state import Run, read_run
from wire.declared import DeclaredCity

CITY = "first-light"
# By day the motion rule is silent: nothing but the tests commands a lamp.
NOON = "2026-10-01T12:00:00+02:00"
UP_WITHIN_S = 180.0
JOINED_WITHIN_S = 120.0


def clean_environment() -> dict[str, str]:
    """Return this environment with no setting of Garonne's but the smallest city."""
    others = {k: v for k, v in os.environ.items() if not k.startswith("GARONNE_")}
    return {**others, "GARONNE_CITY": CITY}


@dataclass(slots=True)
class LivingCity:
    """A running `garonne up` and how to ask it."""

    state: Path
    handlers: Path
    run: Run
    declared: DeclaredCity
    observer: Observer

    def garonne(self, *words: str, timeout_s: float = 100) -> tuple[int, str]:
        """Run a command in a second terminal; return its exit code and its words."""
        done = subprocess.run(
            [sys.executable, "-m", "garonne", *words],
            env={**clean_environment(), "GARONNE_STATE": str(self.state)},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivingCity]:
    """Start the city once; it is up and everything has joined."""
    state = tmp_path_factory.mktemp("first-light")
    handlers = shutil.copytree(find_home() / "functions/handlers", state / "handlers")
    log = state / "up.out"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "garonne", "up", "--quiet"],
            env={
                **clean_environment(),
                "GARONNE_STATE": str(state),
                "GARONNE_HANDLERS": str(handlers),
                "GARONNE_WORLD_BEGINS": NOON,
            },
            stdout=out,
            stderr=out,
        )
    observer: Observer | None = None
    try:
        run = _await(process, log, lambda: _broker_is_up(state), UP_WITHIN_S)
        observer = Observer(run.environment["GARONNE_MQTT"])
        observer.start()
        run = _await(process, log, lambda: is_up(state), UP_WITHIN_S)
        declared = read_city(find_home(), CITY)
        wanted = {str(device.dev_eui) for device in declared.provisioned}
        ledger = observer.ledger
        _await(
            process,
            log,
            lambda: run if wanted <= ledger.devices("join") else None,
            JOINED_WITHIN_S,
        )
        yield LivingCity(state, handlers, run, declared, observer)
    finally:
        if observer:
            observer.stop()
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _broker_is_up(state: Path) -> Run | None:
    run = read_run(state)
    states = {part["name"]: part["state"] for part in run.parts} if run else {}
    return run if states.get("mosquitto") == "ready" else None


def is_up(state: Path) -> Run | None:
    """Return what runs in this folder once all of it is up."""
    run = read_run(state)
    return run if run and run.state == "up" else None


def look_until(
    process: subprocess.Popen[Any], look: Callable[[], Run | None], within_s: float
) -> Run | None:
    """Look again and again; the process itself is what is waited on in between."""
    pause_s = 0.1
    for _ in range(int(within_s / pause_s)):
        found = look()
        if found:
            return found
        try:
            process.wait(pause_s)
        except subprocess.TimeoutExpired:
            continue
        break
    return None


def _await(
    process: subprocess.Popen[bytes],
    log: Path,
    look: Callable[[], Run | None],
    within_s: float,
) -> Run:
    found = look_until(process, look, within_s)
    if found:
        return found
    words = log.read_text(encoding="utf-8", errors="replace")[-4000:]
    pytest.fail(f"the city did not come so far within {within_s:g} s:\n{words}")
