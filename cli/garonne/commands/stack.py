"""`garonne up`, `down`, `status`, `logs`, `reset`: the stack's life from a terminal."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from garonne import probes
from garonne.errors import Refused
from garonne.places import read_city
from garonne.settings import Settings
from garonne.stack import Stack, declare
from garonne.state import Lock, Run, private_folder, read_run, runner_pid
from garonne.supervisor import outages
from garonne.supervisor.core import State
from garonne.supervisor.logs import Logs
from garonne.supervisor.runner import Runner
from provisioning.keys import ensure_keys

__all__ = ["down", "logs", "reset", "status", "up", "wait_until_up"]

POLL_S = 0.1
STOP_WITHIN_S = 60.0
OUTSIDE_TIMEOUT_S = 5.0

# Kept by `garonne reset`: programs and numbers, not memories.
KEPT_BY_RESET = frozenset({"engines", "lock", "ports.json"})

# A folder without these was never ours, and is not ours to empty.
MARKS = ("lock", "ports.json")


def up(settings: Settings, *, quiet: bool = False, detach: bool = False) -> int:
    """Start everything, stay, and stop it in reverse when asked to."""
    if detach:
        return _up_detached(settings)
    lock = Lock(settings.state)
    lock.take()
    try:
        return _run(settings, quiet=quiet)
    finally:
        with contextlib.suppress(FileNotFoundError):
            (settings.state / "run.json").unlink()
        lock.release()


def _run(settings: Settings, *, quiet: bool) -> int:
    stack = declare(settings)
    _ask_outside(stack)
    ensure_keys(settings.keys, read_city(settings.home, settings.city))
    log = Logs(settings.state / "log", sys.stderr, quiet=quiet)
    for sentence in stack.moved:
        log.say(sentence)
    runner = Runner(
        list(stack.parts),
        log,
        failpoint=settings.failpoint,
        on_change=lambda runner: _describe(runner, settings, stack),
        outages=outages.parse(settings.others.get("GARONNE_OUTAGES", "")),
    )
    code = runner.run(on_up=lambda: log.say(_welcome(settings, stack)))
    if runner.core.failure:
        log.say(f"gave up: {runner.why_it_failed()}")
    log.close()
    if runner.core.failure:
        raise Refused(runner.why_it_failed())
    return code


def _ask_outside(stack: Stack) -> None:
    faults = [
        f"{name} was given, but {found}"
        for name, probe in stack.outside.items()
        if (found := probes.ask(probe, OUTSIDE_TIMEOUT_S))
    ]
    if faults:
        raise Refused("; ".join(faults))


def _describe(runner: Runner, settings: Settings, stack: Stack) -> None:
    Run(
        pid=os.getpid(),
        state=_overall(runner),
        city=settings.city,
        environment=stack.environment,
        parts=tuple(_row(runner, name) for name in runner.core.lives),
    ).write(private_folder(settings.state))


def _overall(runner: Runner) -> str:
    if runner.core.failure:
        return "failed"
    if any(life.state is State.STOPPING for life in runner.core.lives.values()):
        return "stopping"
    return "up" if runner.core.is_up else "starting"


def _row(runner: Runner, name: str) -> dict[str, Any]:
    life = runner.core.lives[name]
    return {
        "name": name,
        "state": str(life.state),
        "pid": runner.pids.get(name),
        "restarts": life.restarts,
        "address": life.part.address,
    }


def _welcome(settings: Settings, stack: Stack) -> str:
    broker = stack.environment["GARONNE_MQTT"].rpartition("@")[2]
    return (
        f"{settings.city} is up. In another terminal: `garonne status`, "
        f"`garonne lamp lamp-03 --level 60`; the broker is {broker}. Ctrl-C stops it."
    )


def _up_detached(settings: Settings) -> int:
    """Start the supervisor in the background; return when everything is up."""
    pid = runner_pid(settings.state)
    if pid:
        Lock(settings.state).take()  # refuses in its own words
    folder = private_folder(settings.state / "log")
    with (folder / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "garonne", "up", "--quiet"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    run = wait_until_up(settings.state, process)
    print(f"{run.city} is up (pid {run.pid}); `garonne down` stops it")
    return 0


def wait_until_up(state: Path, process: subprocess.Popen[bytes]) -> Run:
    """Wait until the supervisor says "up"; Refused with its last words if it ends."""
    while process.poll() is None:
        run = read_run(state)
        if run and run.state == "up":
            return run
        time.sleep(POLL_S)
    lines = _tail(state / "log" / "up.log", 1)
    raise Refused(lines[0].removeprefix("garonne: ") if lines else "garonne up ended")


def down(settings: Settings) -> int:
    """Stop what runs in this state folder and wait until it is gone."""
    pid = runner_pid(settings.state)
    if pid is None:
        raise Refused(f"nothing runs in {settings.state}")
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_WITHIN_S
    while runner_pid(settings.state) == pid:
        if time.monotonic() > deadline:
            raise Refused(f"pid {pid} did not stop within {STOP_WITHIN_S:.0f} s")
        time.sleep(POLL_S)
    print("stopped")
    return 0


def status(settings: Settings) -> int:
    """Show what runs; 0 when everything is up, 1 otherwise."""
    run = read_run(settings.state)
    if run is None:
        raise Refused(f"nothing runs in {settings.state}; `garonne up` starts the city")
    Console().print(_table(run))
    shown = ("GARONNE_MQTT", "GARONNE_REDIS", "GARONNE_S3", "GARONNE_CHIRPSTACK_GRPC")
    for name in shown:
        print(f"{name:<24} {_without_password(run.environment[name])}")
    return 0 if run.state == "up" else 1


def _table(run: Run) -> Table:
    table = Table(
        title=f"{run.city}: {run.state} (pid {run.pid})", title_justify="left"
    )
    for heading in ("part", "state", "pid", "restarts", "address"):
        table.add_column(heading)
    for part in run.parts:
        pid = str(part["pid"] or "")
        restarts = str(part["restarts"] or "")
        table.add_row(part["name"], part["state"], pid, restarts, part["address"])
    return table


def _without_password(url: str) -> str:
    scheme, separator, rest = url.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def logs(settings: Settings, *, part: str = "", lines: int = 50) -> int:
    """Print the last lines of one part, or of the supervisor."""
    folder = settings.state / "log"
    names = sorted(path.stem for path in folder.glob("*.log"))
    name = part or "garonne"
    if name not in names:
        found = ", ".join(names) or "none yet"
        raise Refused(f"there is no log of {name!r} in {folder}; found: {found}")
    for line in _tail(folder / f"{name}.log", lines):
        print(line)
    return 0


def _tail(path: Path, lines: int) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.strip().splitlines()[-lines:]


def reset(settings: Settings, *, keep_archive: bool = False) -> int:
    """Forget devices and server together: one without the other lies."""
    state = settings.state
    if not state.exists():
        print(f"{state} does not exist; nothing to reset")
        return 0
    if any(state.iterdir()) and not all((state / mark).exists() for mark in MARKS):
        raise Refused(f"{state} was not made by garonne; nothing was removed")
    lock = Lock(state)
    lock.take()
    try:
        _empty(state, KEPT_BY_RESET | ({"s3"} if keep_archive else set()))
    finally:
        lock.release()
    _tell_what_stays(settings.given)
    return 0


def _empty(state: Path, kept: frozenset[str] | set[str]) -> None:
    for path in state.iterdir():
        if path.name in kept:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    print(f"{state} is empty again: devices, server, streams and keys")


def _tell_what_stays(given: Mapping[str, str]) -> None:
    for name in ("GARONNE_REDIS", "GARONNE_S3", "GARONNE_CHIRPSTACK_GRPC"):
        if name in given:
            print(f"not reset: what {name} points to is not ours to empty")
