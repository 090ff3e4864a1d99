"""The outbox leaves in order, so many at a time, until the broker has said yes."""

from chirpstack_embedded.adapters.mqtt import Fate
from chirpstack_embedded.adapters.publisher import RETRY_S, EventPublisher
from chirpstack_embedded.store import OutgoingEvent

EVENTS = [OutgoingEvent(id=n, topic=f"t/{n}", payload=b"") for n in range(5)]


class Line:
    """Takes messages while it is up."""

    def __init__(self, room: int = 2) -> None:
        self.taken: list[str] = []
        self.is_up = True
        self.publisher = EventPublisher(self._publish, lambda: room)

    def _publish(self, topic: str, _payload: bytes, _token: int) -> bool:
        if self.is_up:
            self.taken.append(topic)
        return self.is_up


def test_no_more_than_so_many_wait_for_their_puback() -> None:
    line = Line(room=2)
    line.publisher.offer(EVENTS)

    line.publisher.pump(0.0)

    assert ["t/0", "t/1"] == line.taken
    assert 5 == line.publisher.backlog


def test_a_puback_makes_room_and_settles_the_row() -> None:
    line = Line(room=1)
    line.publisher.offer(EVENTS[:2])
    line.publisher.pump(0.0)
    line.publisher.told(0, Fate.ACCEPTED)

    settled = line.publisher.settled(0.0)
    line.publisher.pump(0.0)

    assert [EVENTS[0]] == settled
    assert ["t/0", "t/1"] == line.taken


def test_a_refused_event_is_tried_again_later_and_first() -> None:
    line = Line(room=1)
    line.publisher.offer(EVENTS[:2])
    line.publisher.pump(0.0)
    line.publisher.told(0, Fate.REFUSED)

    assert [] == line.publisher.settled(0.0)
    line.publisher.pump(RETRY_S / 2)
    early = list(line.taken)
    line.publisher.pump(RETRY_S)

    assert (["t/0"], ["t/0", "t/0"]) == (early, line.taken)


def test_lost_events_go_first_and_in_their_order() -> None:
    line = Line(room=3)
    line.publisher.offer(EVENTS)
    line.publisher.pump(0.0)
    for token in (1, 0, 2):
        line.publisher.told(token, Fate.LOST)
    line.publisher.settled(0.0)

    line.publisher.pump(0.0)

    assert ["t/0", "t/1", "t/2"] * 2 == line.taken


def test_without_a_connection_everything_waits() -> None:
    line = Line()
    line.is_up = False
    line.publisher.offer(EVENTS)
    line.publisher.pump(0.0)
    assert 5 == line.publisher.backlog

    line.is_up = True
    line.publisher.pump(0.0)

    assert ["t/0", "t/1"] == line.taken
