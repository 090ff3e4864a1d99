"""Publishes the outbox: at most so many at once, and a row lives until its PUBACK."""

import logging
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
    called from any.
    """

    def __init__(self, publish: Publish, max_outstanding: Callable[[], int]) -> None:
        self._publish = publish
        self._max_outstanding = max_outstanding
        self._waiting: deque[OutgoingEvent] = deque()
        self._outstanding: dict[int, OutgoingEvent] = {}
        self._fates: deque[tuple[int, Fate]] = deque()
        self._not_before = 0.0

    def offer(self, events: Iterable[OutgoingEvent]) -> None:
        """Take events whose rows are committed."""
        self._waiting.extend(events)

    def told(self, token: int, fate: Fate) -> None:
        """Note what became of an event; its token is the id of its row."""
        self._fates.append((token, fate))

    def settled(self, now: float) -> list[OutgoingEvent]:
        """Return the events that may be forgotten; the others wait again, first."""
        done: list[OutgoingEvent] = []
        again: list[OutgoingEvent] = []
        for _ in range(len(self._fates)):
            token, fate = self._fates.popleft()
            event = self._outstanding.pop(token)
            (done if fate is Fate.ACCEPTED else again).append(event)
            if fate is Fate.REFUSED:
                logger.error(
                    "ns.event.refuse topic=%s retry_s=%s", event.topic, RETRY_S
                )
                self._not_before = now + RETRY_S
        again.sort(key=lambda event: event.id, reverse=True)
        self._waiting.extendleft(again)
        return done

    def pump(self, now: float) -> None:
        """Publish while there is room and a connection."""
        if now < self._not_before:
            return
        while self._waiting and len(self._outstanding) < self._max_outstanding():
            event = self._waiting[0]
            self._outstanding[event.id] = event
            if not self._publish(event.topic, event.payload, event.id):
                del self._outstanding[event.id]
                return
            self._waiting.popleft()

    @property
    def backlog(self) -> int:
        """How many events wait for their PUBACK."""
        return len(self._waiting) + len(self._outstanding)
