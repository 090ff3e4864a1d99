"""
The one thread that drives the core.

Whatever arrives waits in an inbox; a step takes all of it into one transaction
(group commit), and only what is committed leaves: events through the outbox at
QoS 1, downlinks at once.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chirpstack_embedded.adapters.gatherer import Lot
from chirpstack_embedded.adapters.publisher import EventPublisher
from chirpstack_embedded.core.context import Event, Transmission
from chirpstack_embedded.core.server import NetworkServer
from chirpstack_embedded.failpoint import (
    AFTER_COMMIT_BEFORE_PUBLISH,
    AFTER_PUBLISH_BEFORE_DELETE,
    Failpoint,
)
from chirpstack_embedded.metrics import Metrics
from chirpstack_embedded.store import OutgoingEvent, Store
from chirpstack_embedded.streams import Line, Streams

logger = logging.getLogger(__name__)

BATCH = 3000  # a commit waits for the disk: the slower it is, the more it takes along
LONGEST_WAIT_S = 1.0
FORGET_WITHIN_S = 0.1
RETRY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FromApplication:
    """An application published a command."""

    at: float
    topic: str
    payload: bytes


Arrival = Lot | FromApplication | None
"""None only wakes the engine."""


SendAll = Callable[[Sequence[Transmission]], None]
"""Hands downlinks to their gateways."""


class Engine:
    """Feeds the core, commits, and lets out what was committed."""

    def __init__(
        self,
        *,
        server: NetworkServer,
        store: Store,
        publisher: EventPublisher,
        send: SendAll,
        streams: Streams,
        metrics: Metrics,
        failpoint: Failpoint,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._server = server
        self._store = store
        self._publisher = publisher
        self._send = send
        self._streams = streams
        self._metrics = metrics
        self._failpoint = failpoint
        self._clock = clock
        self._settled: list[OutgoingEvent] = []
        self._settled_since = 0.0
        self._inbox: queue.SimpleQueue[Arrival] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def post(self, arrival: Arrival) -> None:
        """Put something into the inbox; any thread may."""
        self._inbox.put(arrival)

    def start(self) -> None:
        """Take up what an earlier run left in the outbox, then run."""
        self._publisher.offer(self._store.outbox.waiting())
        self._thread.start()

    def stop(self) -> None:
        """End after the step that is running; forget what the broker has by now."""
        self._stopping.set()
        self.post(None)
        self._thread.join()
        self._settled += self._publisher.settled(self._clock())
        with self._store.transaction():
            self._store.outbox.remove(event.id for event in self._settled)

    def _run(self) -> None:
        while not self._stopping.is_set():
            arrivals = self._take()
            try:
                with self._metrics.step_seconds.time():
                    self.step(arrivals)
            except Exception:
                # Disk full, database gone: nothing of this step was accepted.
                logger.exception("ns.engine.step.fail arrivals=%d", len(arrivals))
                self._stopping.wait(RETRY_S)

    def _take(self) -> list[Arrival]:
        deadline = self._server.next_deadline() - self._clock()
        try:
            first = self._inbox.get(timeout=min(max(deadline, 0.0), LONGEST_WAIT_S))
        except queue.Empty:
            return []
        arrivals = [first]
        while len(arrivals) < BATCH:
            try:
                arrivals.append(self._inbox.get_nowait())
            except queue.Empty:
                break
        return arrivals

    def step(self, arrivals: list[Arrival]) -> None:
        """Do one round: everything that arrived, everything that is due."""
        settled = self._to_forget(arrivals)
        if settled:
            self._failpoint.reach(AFTER_PUBLISH_BEFORE_DELETE)
        with self._store.transaction():
            if settled:
                self._store.outbox.remove(event.id for event in settled)
            self._feed(arrivals)
            self._server.tick(self._horizon(arrivals))
            self._store.keep_house(self._clock())
            events = self._server.events()
            outgoing = self._store.outbox.add(
                (event.topic, event.payload) for event in events
            )
        del self._settled[: len(settled)]
        if events:
            self._failpoint.reach(AFTER_COMMIT_BEFORE_PUBLISH)
        self._let_out(events, outgoing, settled)

    def _to_forget(self, arrivals: list[Arrival]) -> list[OutgoingEvent]:
        """
        Return the events whose rows go with this step.

        A step that writes nothing else lets them wait: a commit costs more than they.
        """
        if not self._settled:
            self._settled_since = self._clock()
        self._settled += self._publisher.settled(self._clock())
        waited_s = self._clock() - self._settled_since
        if not arrivals and waited_s < FORGET_WITHIN_S:
            return []
        return self._settled[:]

    def _feed(self, arrivals: list[Arrival]) -> None:
        for arrival in arrivals:
            if isinstance(arrival, Lot):
                self._server.count_received(arrival.received)
                self._server.take_all(arrival.findings, arrival.at)
            elif isinstance(arrival, FromApplication):
                self._server.command(arrival.topic, arrival.payload, arrival.at)

    def _horizon(self, arrivals: list[Arrival]) -> float:
        """
        Return the instant up to which everything that arrived has been fed.

        Under load that is behind the clock: a receive window must not be decided
        while the command for it, arrived in time, still waits in the inbox.
        """
        last = arrivals[-1] if arrivals else None
        if last is None or self._inbox.empty():
            return self._clock()
        return last.at

    def _let_out(
        self,
        events: list[Event],
        outgoing: list[OutgoingEvent],
        settled: list[OutgoingEvent],
    ) -> None:
        self._publisher.offer(outgoing)
        self._publisher.pump(self._clock())
        transmissions = self._server.transmissions()
        self._send(transmissions)
        lines: list[Line] = [*events, *self._server.frame_lines()]
        if lines:
            self._streams.add_all(lines)
        for warning in self._server.warnings():
            logger.warning("%s", warning)
        self._metrics.count_tallies(self._server.tallies)
        self._metrics.count_committed(events)
        self._metrics.count_published(event.topic for event in settled)
        self._metrics.count_sent(len(transmissions))
        self._metrics.backlog.set(self._publisher.backlog)
