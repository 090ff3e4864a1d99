"""The demo's city: a supervisor in a folder of its own, and everything to ask it."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from garonne import probes
from garonne.demo.meters import Meters, parse
from garonne.errors import Refused
from garonne.settings import Settings
from garonne.state import Run, private_folder, read_run
from garonne.supervisor.leash import die_with_parent

__all__ = ["City"]

STOP_WITHIN_S = 30.0
METRICS_TIMEOUT_S = 0.5


class City:
    """`garonne up` as a child, in the state folder of `settings`."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._state = settings.state
        self._output = private_folder(settings.state / "log") / "up.log"
        self.meters = Meters()
        with self._output.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "garonne", "up", "--quiet"],
                env={**environ, **_environ(settings)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                # The supervisor stops in order when we die; it ties its own children.
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 -- no other thread runs yet
            )

    def run(self) -> Run | None:
        """Return what the supervisor says; Refused with its last words if it ended."""
        if self._process.poll() is not None:
            raise Refused(self._last_words())
        return read_run(self._state)

    def part_state(self, name: str) -> str:
        """Return the state of one part; `outside` when it is not ours."""
        run = self.run()
        if run is None:
            return "waiting"
        states = {part["name"]: str(part["state"]) for part in run.parts}
        return states.get(name, "outside")

    def read_meters(self) -> Meters:
        """Read every program's page again; who does not answer keeps its last one."""
        run = self.run()
        for part in run.parts if run else ():
            with contextlib.suppress(OSError):
                if part["state"] == "ready" and _is_program(part["name"]):
                    text = probes.metrics_text(part["address"], METRICS_TIMEOUT_S)
                    self.meters.update(part["name"], parse(text))
        return self.meters

    def stop(self) -> None:
        """Stop everything, in order."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def wait(self, pause_s: float) -> None:
        """Let time pass; notice at once when the supervisor ends."""
        deadline = time.monotonic() + pause_s
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, deadline - time.monotonic()))

    def _last_words(self) -> str:
        lines = self._output.read_text(encoding="utf-8", errors="replace").splitlines()
        words = lines[-1].removeprefix("garonne: ") if lines else "without a word"
        return f"the city stopped: {words}"


def _environ(settings: Settings) -> dict[str, str]:
    once = {"GARONNE_FAILPOINT": settings.failpoint} if settings.failpoint else {}
    return {**settings.common(), **once}


def _is_program(name: str) -> bool:
    return name not in {"mosquitto", "valkey", "rclone"}


# An autumn evening at two minutes a second: dusk falls while somebody watches.
EVENING = {
    "GARONNE_WORLD_BEGINS": "2026-10-01T17:30:00+02:00",
    "GARONNE_WORLD_SPEED": "120",
}


def fresh_settings(settings: Settings, state: Path) -> Settings:
    """Return the settings for a run in this folder, with keys of its own."""
    environ = {**EVENING, **os.environ, "GARONNE_STATE": str(state)}
    environ.pop("GARONNE_KEYS", None)
    environ["GARONNE_CITY"] = settings.city
    return Settings.read(environ)
