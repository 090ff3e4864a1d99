"""Watching the folder of handlers: what changes is put to work, if it can run."""

import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from prometheus_client import Gauge

from faas.errors import Miswired
from faas.worker.executor import Executors

WATCH_S: Final = 0.5

Fingerprint = frozenset[tuple[str, int, int]]

_log = logging.getLogger(__name__)

__all__ = ["Watch", "fingerprint"]


@dataclass(slots=True, kw_only=True)
class Watch:
    """One folder and the executors that run what is in it."""

    folder: Path
    executors: Executors
    refused: Gauge
    loaded: Fingerprint
    """The folder as it was before the executors loaded it."""
    every_s: float = WATCH_S
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Look again and again, until told to stop."""
        while not self.stop.wait(self.every_s):
            self.look()

    def look(self) -> None:
        """Put changed handlers to work; what cannot run is refused and told."""
        found = fingerprint(self.folder)
        if found == self.loaded:
            return
        self.loaded = found
        try:
            self.executors.reload()
        except (Miswired, OSError) as error:
            self.refused.set(1)
            _log.error("handlers.refuse faults=%r", str(error))
            return
        self.refused.set(0)
        names = [f.name for f in self.executors.functions]
        names += [f.name for f in self.executors.batched]
        _log.info("handlers.load functions=%s", ",".join(names))


def fingerprint(folder: Path) -> Fingerprint:
    """Tell one state of a folder's Python files from another."""
    found = set()
    for file in sorted(folder.glob("**/*.py")):
        try:
            stat = file.stat()
        except OSError:  # gone between the list and the look
            continue
        found.add((str(file), stat.st_mtime_ns, stat.st_size))
    return frozenset(found)
