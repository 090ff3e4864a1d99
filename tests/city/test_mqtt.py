"""Publisher and subscriber on a real broker."""

import threading
from collections.abc import Iterator

import pytest
from tests.servers import Server, free_port, mosquitto

from city.errors import Unreachable
from city.mqtt import Publisher, Subscriber
from city.settings import Mqtt, Reader


@pytest.fixture
def broker() -> Iterator[Server]:
    with mosquitto(user="city", password="pw") as server:
        yield server


def settings_of(url: str) -> Mqtt:
    return Reader({"GARONNE_MQTT": url}).mqtt()


class Mailbox:
    """What came in, and a way to wait for it."""

    def __init__(self) -> None:
        self.mail: list[tuple[str, bytes]] = []
        self._changed = threading.Condition()

    def receive(self, topic: str, payload: bytes) -> None:
        with self._changed:
            self.mail.append((topic, payload))
            self._changed.notify_all()

    def wait_for(self, count: int) -> list[tuple[str, bytes]]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.mail) >= count, 10)
            return list(self.mail)


def test_what_the_broker_confirmed_reaches_the_subscriber(broker: Server) -> None:
    box, settings = Mailbox(), settings_of(broker.url)
    subscriber = Subscriber(settings, "sub", ["a/#"], box.receive)
    subscriber.start()
    publisher = Publisher(settings, "pub")
    messages = [(f"a/{n}", b"\xff\x00%d" % n) for n in range(50)]
    publisher.publish(messages)

    assert messages == box.wait_for(50)

    publisher.close()
    subscriber.close()


def test_the_broker_keeps_what_comes_while_the_subscriber_is_away(
    broker: Server,
) -> None:
    box, settings = Mailbox(), settings_of(broker.url)
    first = Subscriber(settings, "sub", ["a/#"], box.receive, session_s=3600)
    first.start()
    first.close()
    publisher = Publisher(settings, "pub")
    publisher.publish([("a/1", b"missed")])
    second = Subscriber(settings, "sub", ["a/#"], box.receive, session_s=3600)
    second.start()

    assert [("a/1", b"missed")] == box.wait_for(1)

    publisher.close()
    second.close()


def test_after_a_failure_nothing_leaves_later(broker: Server) -> None:
    box, settings = Mailbox(), settings_of(broker.url)
    publisher = Publisher(settings, "pub", timeout_s=2)
    publisher.publish([("a/0", b"")])
    broker.stop()
    with pytest.raises(Unreachable, match="did not take it"):
        publisher.publish([("a/1", b"")])
    broker.start()
    subscriber = Subscriber(settings, "sub", ["a/#"], box.receive)
    subscriber.start()
    publisher.publish([("a/2", b"")])

    assert [("a/2", b"")] == box.wait_for(1)

    publisher.close()
    subscriber.close()


def test_a_wrong_password_is_unreachable_and_not_shown(broker: Server) -> None:
    wrong = broker.url.replace("city:pw", "city:hush")
    publisher = Publisher(settings_of(wrong), "pub", timeout_s=5)

    with pytest.raises(Unreachable) as caught:
        publisher.publish([("a", b"")])

    assert "hush" not in str(caught.value)


def test_nobody_at_the_address_is_unreachable() -> None:
    publisher = Publisher(settings_of(f"mqtt://127.0.0.1:{free_port()}"), "pub")

    with pytest.raises(Unreachable, match="refused"):
        publisher.publish([("a", b"")])
