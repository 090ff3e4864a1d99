import socket

from hypothesis import given
from hypothesis import strategies as st

from faas.framing import receive, send


@given(st.lists(st.binary(max_size=500), max_size=5))
def test_messages_come_out_as_they_went_in(messages: list[bytes]) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for message in messages:
            send(ours, message)

        assert messages == [receive(theirs) for _ in messages]


def test_a_peer_that_left_is_told_from_an_empty_message() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        send(ours, b"")
        ours.close()

        assert (b"", None) == (receive(theirs), receive(theirs))


def test_a_peer_that_left_within_a_message_has_left() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        ours.sendall(b"\0\0\0\x05abc")
        ours.close()

        assert receive(theirs) is None
