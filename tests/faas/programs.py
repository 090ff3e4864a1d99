"""Ingest and worker as processes of their own, for tests that kill them."""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import HOST, free_port

PATIENCE_S = 40.0
POLL_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One running program; `said` is what it wrote to stderr so far."""

    process: subprocess.Popen[bytes]
    metrics_port: int
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def metrics(self) -> str:
        """Its metrics, or nothing while it is not there."""
        connection = http.client.HTTPConnection(HOST, self.metrics_port, timeout=2)
        try:
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode()
        except OSError:
            return ""
        finally:
            connection.close()

    def ready(self) -> bool:
        return "garonne_ready 1.0" in self.metrics()

    def children(self) -> list[int]:
        """Every process below this one."""
        return [c for p in [self.process.pid] for c in _below(p)]

    def ended(self) -> int:
        """Wait for its end and return how it ended."""
        return self.process.wait(PATIENCE_S)


def until(condition: Callable[[], object], program: Program | None = None) -> None:
    """Return once the condition holds; an error when that takes too long."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            said = program.said if program else ""
            raise AssertionError(f"it did not come to that: {said}")
        time.sleep(POLL_S)


@contextmanager
def running(
    module: str,
    environment: Mapping[str, str],
    folder: Path,
    *arguments: str,
    ready: bool = True,
) -> Iterator[Program]:
    """Run a program, by default once it is ready; ended at the exit."""
    port, log = free_port(), folder / f"{module}.log"
    own = {k: v for k, v in os.environ.items() if not k.startswith("GARONNE_")}
    with log.open("ab") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env={**own, **environment, "GARONNE_METRICS": f"{HOST}:{port}"},
            stderr=stderr,
        )
    program = Program(process=process, metrics_port=port, log=log)
    try:
        if ready:
            until(lambda: program.ready() or process.poll() is not None, program)
            assert process.poll() is None, program.said
        yield program
    finally:
        process.kill()
        process.wait()


def _below(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            yield child
            yield from _below(child)
