"""
Feeds the collector and hands over what it found, a lot at a time.

Whatever a gateway says waits in an inbox. A step takes all of it, at most once in
``PAUSE_S``: a lot costs the server one commit, however many frames are in it, and
wakes three processes.
"""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from chirpstack_embedded.core.collector import Collector, Finding, Refused

PAUSE_S = 0.01
LONGEST_WAIT_S = 1.0
LOT = 3000


class Arrival(NamedTuple):
    """A gateway said something."""

    at: float
    region_config_id: str
    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """What a step found, judged as of ``at``."""

    at: float
    received: dict[str, int]
    findings: list[Finding]


class Gatherer:
    """The thread between the backends and whoever takes the lots."""

    def __init__(
        self,
        collector: Collector,
        hand_over: Callable[[Lot], None],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._collector = collector
        self._hand_over = hand_over
        self._clock = clock
        self._inbox: queue.SimpleQueue[Arrival | None] = queue.SimpleQueue()
        self._refused: queue.SimpleQueue[Refused] = queue.SimpleQueue()
        self._not_before = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gatherer", daemon=True)

    def post(self, region_config_id: str, topic: str, payload: bytes) -> None:
        """Put something into the inbox; any thread may."""
        self._inbox.put(Arrival(self._clock(), region_config_id, topic, payload))

    def refuse(self, cause: str, details: str) -> None:
        """Hand over what a backend could not read; any thread may."""
        self._refused.put(Refused("gw", cause, details))
        self._inbox.put(None)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the step that is running."""
        self._stopping.set()
        self._inbox.put(None)
        self._thread.join()

    def step(self, arrivals: list[Arrival]) -> None:
        """Do one round: everything that arrived, every window that is over."""
        for at, region, topic, payload in arrivals:
            self._collector.receive(region, topic, payload, at)
        now = self._horizon(arrivals)
        self._collector.tick(now)
        findings, received = self._collector.found(), self._collector.received()
        while not self._refused.empty():
            findings.append(self._refused.get_nowait())
        if findings or received:
            self._hand_over(Lot(at=now, received=received, findings=findings))

    def _run(self) -> None:
        while not self._stopping.is_set():
            arrivals = self._take()
            self._not_before = self._clock() + PAUSE_S
            self.step(arrivals)

    def _take(self) -> list[Arrival]:
        now = self._clock()
        deadline = self._collector.next_deadline() or now + LONGEST_WAIT_S
        wait_s = max(min(deadline, now + LONGEST_WAIT_S), self._not_before) - now
        first: Arrival | None = None
        try:
            first = self._inbox.get(timeout=max(wait_s, 0.0))
        except queue.Empty:
            return []
        self._stopping.wait(max(self._not_before - self._clock(), 0.0))
        arrivals = [first] if first else []
        while len(arrivals) < LOT:
            try:
                arrival = self._inbox.get_nowait()
            except queue.Empty:
                break
            if arrival:
                arrivals.append(arrival)
        return arrivals

    def _horizon(self, arrivals: list[Arrival]) -> float:
        """
        Return the instant up to which everything that arrived has been fed.

        Under load that is behind the clock: a window must not close while a copy
        of its frame, arrived in time, still waits in the inbox.
        """
        if not arrivals or self._inbox.empty():
            return self._clock()
        return arrivals[-1].at
