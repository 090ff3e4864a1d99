"""The outbox leaves in order, so many at a time, until the broker has said yes."""

from chirpstack_embedded.adapters.publisher import RETRY_S, EventPublisher
from chirpstack_embedded.store import OutgoingEvent

EVENTS = [OutgoingEvent(id=n, topic=f"t/{n}", payload=b"") for n in range(5)]


class Broker:
    """Takes messages and answers when asked."""

    def __init__(self, room: int = 2) -> None:
        self.taken: list[str] = []
        self.refuses = False
        self.publisher = EventPublisher(self._publish, lambda: room)

    def _publish(self, topic: str, _payload: bytes) -> int | None:
        if self.refuses:
            return None
        self.taken.append(topic)
        return len(self.taken)


def test_no_more_than_so_many_wait_for_their_puback() -> None:
    broker = Broker(room=2)
    broker.publisher.offer(EVENTS)

    broker.publisher.pump(0.0)

    assert ["t/0", "t/1"] == broker.taken
    assert 5 == broker.publisher.backlog


def test_a_puback_makes_room_and_settles_the_row() -> None:
    broker = Broker(room=1)
    broker.publisher.offer(EVENTS[:2])
    broker.publisher.pump(0.0)
    broker.publisher.published(1, accepted=True)

    settled = broker.publisher.settled(0.0)
    broker.publisher.pump(0.0)

    assert [EVENTS[0]] == settled
    assert ["t/0", "t/1"] == broker.taken


def test_a_refused_event_is_tried_again_later_and_first() -> None:
    broker = Broker(room=1)
    broker.publisher.offer(EVENTS[:2])
    broker.publisher.pump(0.0)
    broker.publisher.published(1, accepted=False)

    assert [] == broker.publisher.settled(0.0)
    broker.publisher.pump(RETRY_S / 2)
    early = list(broker.taken)
    broker.publisher.pump(RETRY_S)

    assert (["t/0"], ["t/0", "t/0"]) == (early, broker.taken)


def test_an_answer_that_overtakes_its_publish_is_kept() -> None:
    broker = Broker()
    broker.publisher.offer(EVENTS[:1])
    broker.publisher.published(1, accepted=True)
    assert [] == broker.publisher.settled(0.0)

    broker.publisher.pump(0.0)

    assert [EVENTS[0]] == broker.publisher.settled(0.0)


def test_a_client_that_takes_nothing_loses_nothing() -> None:
    broker = Broker()
    broker.refuses = True
    broker.publisher.offer(EVENTS)
    broker.publisher.pump(0.0)

    broker.refuses = False
    broker.publisher.pump(RETRY_S)

    assert ["t/0", "t/1"] == broker.taken
