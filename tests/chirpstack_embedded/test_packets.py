"""The hot path's packets against paho's own and against anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirpstack_embedded.adapters.packets import (
    OTHER,
    Other,
    PubAck,
    Publish,
    puback,
    publish,
    take,
)

TOPICS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(TOPICS, st.binary(max_size=300), st.integers(0, 65_535), st.binary(max_size=5))
def test_what_is_written_is_read(
    topic: str, payload: bytes, mid: int, behind: bytes
) -> None:
    octets = publish(topic, payload, mid)

    assert (Publish(topic, payload, mid), len(octets)) == take(octets + behind, 0)


@given(TOPICS, st.binary(max_size=200), st.integers(1, 65_535), st.data())
def test_half_a_packet_is_none(
    topic: str, payload: bytes, mid: int, data: st.DataObject
) -> None:
    octets = publish(topic, payload, mid)
    cut = data.draw(st.integers(0, len(octets) - 1))

    assert take(octets[:cut], 0) is None


def test_a_publish_is_what_the_specification_says() -> None:
    # MQTT 5 §3.3: QoS 1, topic "a/b", packet identifier 10, no properties.
    assert bytes.fromhex("3208 0003 612f62 000a 00") == publish("a/b", b"", 10)
    assert bytes.fromhex("3007 0003 612f62 00 21") == publish("a/b", b"!", 0)


def test_a_long_packet_has_a_long_length() -> None:
    octets = publish("t", bytes(20_000), 0)

    assert (Publish("t", bytes(20_000), 0), len(octets)) == take(octets, 0)


@pytest.mark.parametrize(
    ("octets", "answer"),
    [
        ("40020005", PubAck(5, accepted=True)),
        ("4003000510", PubAck(5, accepted=True)),  # no matching subscribers
        ("40040005 8700", PubAck(5, accepted=False)),  # not authorised
    ],
)
def test_a_puback_says_yes_or_no(octets: str, answer: PubAck) -> None:
    data = bytes.fromhex(octets)

    assert (answer, len(data)) == take(data, 0)


def test_properties_of_a_message_are_skipped() -> None:
    # Message expiry interval 60 s.
    octets = bytes.fromhex("300b 0001 74 05 020000003c 21 22")

    found = take(octets, 0)
    assert found is not None
    assert Publish("t", b"!\x22", 0) == found[0]


@pytest.mark.parametrize(
    "octets",
    [
        b"\x20\x03\x00\x00\x00",  # CONNACK
        b"\xd0\x00",  # PINGRESP
        publish("t", b"", 7).replace(b"\x32", b"\x34", 1),  # QoS 2
        b"\x30\xff\xff\xff\xff",  # a length without end
        b"\x30\x03\x00\xff\x00",  # a topic longer than its packet
        b"\x30\x04\x00\x01\xff\x00",  # a topic that is not UTF-8
        b"\x40\x01\x00",  # half a packet identifier
    ],
)
def test_everything_else_is_left_to_paho(octets: bytes) -> None:
    assert (OTHER, 0) == take(octets, 0)


@given(st.binary(max_size=60))
def test_any_octets_are_a_packet_or_not_yet(octets: bytes) -> None:
    found = take(octets, 0)

    assert found is None or isinstance(found[0], Publish | PubAck | Other)


def test_our_own_answer_is_a_puback() -> None:
    assert (PubAck(513, accepted=True), 4) == take(puback(513), 0)
