"""Publishes the outbox: at most so many at once, and a row lives until its PUBACK."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable

from chirpstack_embedded.adapters.mqtt import Fate
from chirpstack_embedded.store import OutgoingEvent

logger = logging.getLogger(__name__)

RETRY_S = 5.0

Publish = Callable[[str, bytes, int], bool]
"""Sends topic and payload under a token; False when there is no connection."""


class EventPublisher:
    """
    Feeds one connection in the order of the outbox.

    ``offer``, ``pump`` and ``settled`` belong to one thread; ``told`` may be
    called from any, and lets the next event out at once: a broker with a small
    receive maximum must not wait for the engine's next step.
    """

    def __init__(self, publish: Publish, max_outstanding: Callable[[], int]) -> None:
        self._publish = publish
        self._max_outstanding = max_outstanding
        self._lock = threading.RLock()
        self._waiting: deque[OutgoingEvent] = deque()
        self._outstanding: dict[int, OutgoingEvent] = {}
        self._done: list[OutgoingEvent] = []
        self._again: list[tuple[OutgoingEvent, Fate]] = []
        self._not_before = 0.0
        self._is_pumping = False

    def offer(self, events: Iterable[OutgoingEvent]) -> None:
        """Take events whose rows are committed."""
        with self._lock:
            self._waiting.extend(events)

    def told(self, token: int, fate: Fate) -> None:
        """Note what became of an event; its token is the id of its row."""
        with self._lock:
            event = self._outstanding.pop(token)
            if fate is not Fate.ACCEPTED:
                self._again.append((event, fate))
                return
            self._done.append(event)
            if not (self._again or self._not_before):
                self._let_out()

    def settled(self, now: float) -> list[OutgoingEvent]:
        """Return the events that may be forgotten; the others wait again, first."""
        with self._lock:
            done, self._done = self._done, []
            again, self._again = self._again, []
            for event, fate in again:
                if fate is Fate.REFUSED:
                    logger.error(
                        "ns.event.refuse topic=%s retry_s=%s", event.topic, RETRY_S
                    )
                    self._not_before = now + RETRY_S
            returned = sorted(
                (event for event, _ in again), key=lambda event: -event.id
            )
            self._waiting.extendleft(returned)
        return done

    def pump(self, now: float) -> None:
        """Publish while there is room and a connection."""
        with self._lock:
            if now >= self._not_before:
                self._not_before = 0.0
                self._let_out()

    def _let_out(self) -> None:
        if self._is_pumping:
            return  # QoS 0: the fate is told inside of publish
        self._is_pumping = True
        try:
            while self._waiting and len(self._outstanding) < self._max_outstanding():
                event = self._waiting[0]
                self._outstanding[event.id] = event
                if not self._publish(event.topic, event.payload, event.id):
                    del self._outstanding[event.id]
                    return
                self._waiting.popleft()
        finally:
            self._is_pumping = False

    @property
    def backlog(self) -> int:
        """How many events wait for their PUBACK."""
        return len(self._waiting) + len(self._outstanding)
