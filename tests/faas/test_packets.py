from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas.ingest.packets import NOT_ACKED, NotOurs, Publish, puback, take_publish


def varint(value: int) -> bytes:
    out = bytearray()
    while True:
        value, byte = value >> 7, value & 0x7F
        out.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(out)


def packet(message: Publish, *, flags: int = 0, properties: bytes = b"") -> bytes:
    """A PUBLISH as MQTT 5 §3.3 lays it out."""
    mid = message.mid.to_bytes(2, "big") if message.mid else b""
    body = len(message.topic).to_bytes(2, "big") + message.topic + mid
    body += varint(len(properties)) + properties + message.payload
    kind = (0x32 if message.mid else 0x30) | flags
    return bytes([kind]) + varint(len(body)) + body


MESSAGES = st.builds(
    Publish,
    st.integers(0, 0xFFFF),
    st.text(max_size=40).map(lambda t: t.encode("utf-8", "replace")),
    st.binary(max_size=300),
)


@given(
    st.lists(MESSAGES),
    st.sampled_from([0, 0x08, 0x01, 0x09]),
    st.binary(max_size=200),
)
def test_packets_are_read_one_after_the_other(
    messages: list[Publish], flags: int, properties: bytes
) -> None:
    parts = [packet(m, flags=flags, properties=properties) for m in messages]
    buffer, at, found = bytearray(b"".join(parts)), 0, []
    while (taken := take_publish(buffer, at)) is not None:
        found.append(taken[0])
        at = taken[1]

    assert (messages, len(buffer)) == (found, at)


@given(MESSAGES, st.data())
def test_a_packet_that_is_not_complete_is_waited_for(
    message: Publish, data: st.DataObject
) -> None:
    whole = packet(message)
    cut = data.draw(st.integers(0, len(whole) - 1))

    assert take_publish(bytearray(whole[:cut]), 0) is None


@pytest.mark.parametrize("first", [0x20, 0x34, 0x40, 0x90, 0xD0, 0xE0])
def test_every_other_packet_is_left_to_the_library(first: int) -> None:
    with pytest.raises(NotOurs):
        take_publish(bytearray([first, 0]), 0)


def test_a_length_of_more_than_four_bytes_is_left_to_the_library() -> None:
    with pytest.raises(NotOurs):
        take_publish(bytearray(b"\x32\xff\xff\xff\xff\x01"), 0)


@given(st.binary())
def test_any_bytes_are_a_packet_or_not_ours_or_not_complete(data: bytes) -> None:
    with suppress(NotOurs):
        found = take_publish(bytearray(data), 0)
        assert found is None or found[1] <= len(data)


def test_each_identifier_is_acknowledged_but_that_of_qos_0() -> None:
    assert b"\x40\x02\x00\x01\x40\x02\x01\x00" == puback([1, NOT_ACKED, 256])
