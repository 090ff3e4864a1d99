"""Publishes the outbox: at most so many at once, and a row lives until its PUBACK."""

import logging
from collections import deque
from collections.abc import Callable, Iterable

from chirpstack_embedded.store import OutgoingEvent

logger = logging.getLogger(__name__)

RETRY_S = 5.0


class EventPublisher:
    """
    Feeds one connection in the order of the outbox.

    ``offer``, ``pump`` and ``settled`` belong to one thread; ``published`` may be
    called from any.
    """

    def __init__(
        self,
        publish: Callable[[str, bytes], int | None],
        max_outstanding: Callable[[], int],
    ) -> None:
        self._publish = publish
        self._max_outstanding = max_outstanding
        self._waiting: deque[OutgoingEvent] = deque()
        self._outstanding: dict[int, OutgoingEvent] = {}
        self._answers: deque[tuple[int, bool]] = deque()
        self._not_before = 0.0

    def offer(self, events: Iterable[OutgoingEvent]) -> None:
        """Take events whose rows are committed."""
        self._waiting.extend(events)

    def published(self, mid: int, accepted: bool) -> None:
        """Note the broker's answer."""
        self._answers.append((mid, accepted))

    def settled(self, now: float) -> list[OutgoingEvent]:
        """Return the events that may be forgotten; a refused one is tried again."""
        done: list[OutgoingEvent] = []
        for _ in range(len(self._answers)):
            mid, accepted = self._answers.popleft()
            event = self._outstanding.pop(mid, None)
            if event is None:
                # The answer overtook ``pump``: it is ours at the next round.
                self._answers.append((mid, accepted))
            elif accepted:
                done.append(event)
            else:
                self._refused(event, now)
        return done

    def pump(self, now: float) -> None:
        """Publish while there is room."""
        if now < self._not_before:
            return
        while self._waiting and len(self._outstanding) < self._max_outstanding():
            event = self._waiting.popleft()
            mid = self._publish(event.topic, event.payload)
            if mid is None:
                self._refused(event, now)
                return
            self._outstanding[mid] = event

    @property
    def backlog(self) -> int:
        """How many events wait for their PUBACK."""
        return len(self._waiting) + len(self._outstanding)

    def _refused(self, event: OutgoingEvent, now: float) -> None:
        logger.error("ns.event.refuse topic=%s retry_s=%s", event.topic, RETRY_S)
        self._waiting.appendleft(event)
        self._not_before = now + RETRY_S
