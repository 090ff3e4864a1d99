"""A small city of dummy programs, and the real engines where they are the point."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

DUMMY = """
import os, signal, subprocess, sys
from prometheus_client import Gauge, start_http_server
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if "grandchild" in sys.argv:
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    print("grandchild", child.pid, flush=True)
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
host, port = os.environ["GARONNE_METRICS"].split(":")
start_http_server(int(port), host)
Gauge("garonne_ready", "").set(1)
print("serving with failpoint", repr(os.environ.get("GARONNE_FAILPOINT")), flush=True)
signal.pause()
"""

SMALL_CITY = """
import sys
from pathlib import Path
from garonne.engines import mosquitto, rclone, valkey
from garonne.parts import Finishes, Gauge, Part
from garonne.state import Ports
from garonne.supervisor.logs import Logs
from garonne.supervisor.runner import Runner

state, dummy = Path(sys.argv[1]), sys.argv[2]
names = ("mqtt", "redis", "s3", "first", "second")
ports = Ports(state).choose(names)

def program(name, *words):
    address = f"127.0.0.1:{ports[name]}"
    return Part(
        name=name,
        argv=(sys.executable, dummy, *words),
        env={"GARONNE_METRICS": address},
        ready=Gauge(address=address),
        needs=("valkey", "once"),
    )

parts = [
    mosquitto.part(state / "engines", state / "mosquitto", ports["mqtt"]),
    valkey.part(state / "valkey", ports["redis"]),
    rclone.part(state / "s3", ports["s3"], "garonne-raw"),
    Part(name="once", argv=("true",), ready=Finishes(), needs=("mosquitto",)),
    program("first", "grandchild"),
    program("second"),
]
logs = Logs(state / "log", sys.stdout)
runner = Runner(parts, logs, failpoint="here")
code = runner.run(on_up=lambda: logs.say(f"UP {sorted(runner.pids.items())}"))
logs.say(runner.why_it_failed() or "OVER")
sys.exit(code)
"""

Spawn = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Start a process; it is killed at the end of the test at the latest."""
    started: list[subprocess.Popen[str]] = []

    def start(
        *argv: str, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            argv,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=env,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def small_city(tmp_path: Path, spawn: Spawn) -> Callable[[], subprocess.Popen[str]]:
    """Start the three real engines and two dummies under a supervisor of their own."""
    script, dummy = tmp_path / "small_city.py", tmp_path / "dummy.py"
    script.write_text(SMALL_CITY, encoding="utf-8")
    dummy.write_text(DUMMY, encoding="utf-8")

    return lambda: spawn(
        sys.executable, str(script), str(tmp_path / "state"), str(dummy)
    )
