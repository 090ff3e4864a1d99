"""
How long a warm ``garonne up`` takes until the first uplink is there to be seen.

In a state folder of its own the city is started once (engines unpacked, devices made
known and joined) and stopped. Then the clock starts with the command, and ends when a
subscriber of ChirpStack's topics has the first ``up`` event, which is what the demo
shows and functions receive. The subscriber tries the broker from the first moment on.

``scripts/bench start [--seconds LONGEST] [--report FILE]``
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench_mqtt import Wire
from bench_processes import ROOT, cpu_s
from bench_report import arguments, publish

GARONNE = (sys.executable, "-m", "garonne")
LOOK_S = 0.02


def environment(state: Path) -> dict[str, str]:
    """Return ours without settings, and with a state folder of its own."""
    own = {k: v for k, v in os.environ.items() if not k.startswith("GARONNE_")}
    return own | {"GARONNE_STATE": str(state)}


def garonne(state: Path, *words: str) -> None:
    """Run one command of ours to its end."""
    subprocess.run(
        [*GARONNE, *words],
        env=environment(state),
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def run_of(state: Path) -> dict[str, Any]:
    """Return what the supervisor says of itself; nothing before it does."""
    with suppress(OSError, ValueError):
        found: dict[str, Any] = json.loads(
            (state / "run.json").read_text(encoding="utf-8")
        )
        return found
    return {}


class Watch:
    """Waits for the first uplink on a broker that is not there yet."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._wire: Wire | None = None
        self.first_uplink: float | None = None

    def look(self) -> None:
        """Connect, or take in what has come."""
        if self._wire is None:
            with suppress(OSError):
                self._wire = Wire(self._port, "bench-start", self._hear)
                self._wire.subscribe("application/+/device/+/event/up")
            return
        self._wire.poll(0)

    def _hear(self, _topic: bytes, _payload: bytes, now: float) -> None:
        if self.first_uplink is None:
            self.first_uplink = now


def warm_start(state: Path, port: int, longest_s: float) -> dict[str, object]:
    """Start it and watch; then stop it again."""
    began, up_at = time.monotonic(), None
    with (state / "bench.log").open("ab") as log:
        process = subprocess.Popen(
            [*GARONNE, "up", "--quiet"],
            env=environment(state),
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
    watch = Watch(port)
    try:
        while watch.first_uplink is None and time.monotonic() < began + longest_s:
            watch.look()
            if up_at is None and run_of(state).get("state") == "up":
                up_at = time.monotonic()
            time.sleep(LOOK_S)
        spent = cpu_s(process.pid)
    finally:
        process.terminate()
        process.wait(60)
    if watch.first_uplink is None:
        raise SystemExit(f"no uplink came within {longest_s:g} s")
    return {
        "first_uplink_s": round(watch.first_uplink - began, 2),
        "up_s": round(up_at - began, 2) if up_at else None,
        "cpu_s": round(spent, 2),
    }


def main() -> None:
    """Run it and report."""
    options = arguments(__doc__, seconds=120).parse_args()
    with tempfile.TemporaryDirectory(prefix="garonne-bench-") as name:
        state = Path(name) / "state"
        began = time.monotonic()
        garonne(state, "up", "--detach")
        cold_s = time.monotonic() - began
        port = urlsplit(run_of(state)["environment"]["GARONNE_MQTT"]).port or 1883
        time.sleep(10)  # devices join
        garonne(state, "down")
        figures = warm_start(state, port, options.seconds)
    publish("start", {**figures, "cold_up_s": round(cold_s, 2)}, options.report)


if __name__ == "__main__":
    main()
