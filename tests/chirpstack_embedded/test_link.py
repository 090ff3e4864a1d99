"""Messages between the server's processes arrive whole, and an end is noticed."""

import socket
import threading
from collections.abc import Iterator

import pytest

from chirpstack_embedded.adapters.link import Link

MESSAGE = ("lot", 1.5, {"up": 3}, [("Collected", b"\x00\xff", None, "é")])


@pytest.fixture
def ends() -> Iterator[tuple[Link, Link]]:
    ours, theirs = (Link(end) for end in socket.socketpair())
    yield ours, theirs
    ours.close()
    theirs.close()


def test_a_message_comes_as_it_was_sent(ends: tuple[Link, Link]) -> None:
    ours, theirs = ends

    assert ours.send(MESSAGE)
    assert MESSAGE == theirs.receive()


def test_messages_larger_than_any_buffer_come_whole_and_in_order(
    ends: tuple[Link, Link],
) -> None:
    ours, theirs = ends
    sent = [(number, bytes(1_000_000)) for number in range(3)]
    sender = threading.Thread(target=lambda: [ours.send(one) for one in sent])
    sender.start()

    assert sent == [theirs.receive() for _ in sent]
    sender.join()


def test_the_end_of_the_other_is_none_and_nothing_can_be_sent(
    ends: tuple[Link, Link],
) -> None:
    ours, theirs = ends
    ours.close()

    assert theirs.receive() is None
    assert not theirs.send(MESSAGE)
    theirs.wait_for_end()


def test_waiting_in_vain_is_told_and_loses_nothing(ends: tuple[Link, Link]) -> None:
    ours, theirs = ends
    with pytest.raises(TimeoutError):
        theirs.receive(0.01)
    ours.send(MESSAGE)

    assert MESSAGE == theirs.receive(10.0)
