"""Programs under test as processes of their own, and what each costs in CPU time."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

HOST = "127.0.0.1"
ROOT = Path(__file__).parents[2]
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
READY_WITHIN_S = 60.0
_UTIME, _CUTIME = 11, 13  # of /proc/<pid>/stat, counted after the name


def cpu_s(pid: int) -> float:
    """Return the CPU seconds of a process and all below it, ended ones included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = sum(int(field) for field in fields[_UTIME : _CUTIME + 2]) / TICKS_PER_S
    return own + sum(cpu_s(child) for child in children(pid))


def alone_cpu_s(pid: int) -> float:
    """Return the CPU seconds of a process without those below it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[_UTIME:_CUTIME]) / TICKS_PER_S


def pss_kib(pid: int) -> int:
    """Return the proportional set size of a process."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise OSError(f"no Pss in /proc/{pid}/smaps_rollup")


def by_module(pid: int) -> dict[str, int]:
    """Return the processes right below one by the last name of their module."""
    found = {}
    for child in children(pid):
        words = Path(f"/proc/{child}/cmdline").read_text().split("\0")
        if "-m" in words:
            found[words[words.index("-m") + 1].rpartition(".")[2]] = child
    return found


def own_cpu_s() -> float:
    """Return the CPU seconds of this process alone: the programs are below it."""
    return time.process_time()


def children(pid: int) -> list[int]:
    """Return the processes right below this one."""
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").glob("*/children")
        for child in task.read_text().split()
    ]


class CpuMeter:
    """
    What named processes spend between two moments, in µs for each event.

    Each with all below it, or each ``alone``.
    """

    def __init__(self, pids: Mapping[str, int], *, alone: bool = False) -> None:
        self._pids = dict(pids)
        self._cpu_s = alone_cpu_s if alone else cpu_s
        self._before = self._read()
        self._since = time.monotonic()

    def us_per_event(self, events: int) -> dict[str, float]:
        """Return the µs each process spent for one event since the beginning."""
        now = self._read()
        return {
            name: round((now[name] - self._before[name]) / max(events, 1) * 1e6, 1)
            for name in self._pids
        }

    def busy(self) -> float:
        """Return how many cores all of them together kept busy."""
        spent = sum(self._read().values()) - sum(self._before.values())
        return round(spent / (time.monotonic() - self._since), 2)

    def _read(self) -> dict[str, float]:
        here = os.getpid()
        return {
            name: own_cpu_s() if pid == here else self._cpu_s(pid)
            for name, pid in self._pids.items()
        }


def share(costs: Mapping[str, float], name: str) -> float:
    """Return the share of one process in the cost of all."""
    return round(costs[name] / max(sum(costs.values()), 1e-9), 3)


@contextmanager
def program(
    module: str,
    environment: Mapping[str, str],
    log: Path,
    *arguments: str,
    metrics_port: int,
) -> Iterator[int]:
    """Run `python -m module` once it says it is ready; gives its process id."""
    own = {k: v for k, v in os.environ.items() if not k.startswith("GARONNE_")}
    own |= dict(environment) | {"GARONNE_METRICS": f"{HOST}:{metrics_port}"}
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env=own,
            stdout=out,
            stderr=out,
            cwd=ROOT,
        )
    try:
        deadline = time.monotonic() + READY_WITHIN_S
        while "garonne_ready 1.0" not in metrics(metrics_port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{module} did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def metrics(port: int) -> str:
    """Return a program's metrics; nothing while it is not there."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=2) as page:
            found: bytes = page.read()
            return found.decode()
    except OSError:
        return ""
