from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.air import (
    MAX_MESSAGE,
    AirFrame,
    AirMessage,
    AirStream,
    decode,
    encode,
)
from wire.errors import Illegal, Malformed
from wire.eui64 import EUI64

NUMBERS = st.floats(allow_nan=False)
FRAMES = st.builds(
    AirFrame,
    phy_payload=st.binary(max_size=255),
    frequency_hz=st.integers(0, 0xFFFFFFFF),
    spreading_factor=st.integers(0, 12),
    bandwidth_hz=st.integers(0, 0xFFFFFFFF),
    power_dbm=NUMBERS,
    iq_inverted=st.booleans(),
    start_s=NUMBERS,
    airtime_s=NUMBERS,
    sender=st.binary(min_size=8, max_size=8).map(EUI64),
    latitude=NUMBERS,
    longitude=NUMBERS,
    coding_rate=st.sampled_from(["4/5", "4/6", "4/7", "4/8"]),
)
FRAME = AirFrame(
    phy_payload=b"\x40abc",
    frequency_hz=868_100_000,
    spreading_factor=7,
    bandwidth_hz=125_000,
    power_dbm=14,
    iq_inverted=False,
    start_s=1_780_000_000.25,
    airtime_s=0.5,
    sender=EUI64.parse("a81758fffe0301c4"),
    latitude=43.6045,
    longitude=1.444,
)


@given(
    st.lists(st.tuples(st.sampled_from(AirMessage), FRAMES), max_size=2),
    st.integers(1, 60),
)
def test_a_stream_cut_anywhere_gives_the_same_messages(
    messages: list[tuple[AirMessage, AirFrame]], piece: int
) -> None:
    octets = b"".join(encode(kind, frame) for kind, frame in messages)
    stream = AirStream()
    received = []
    for at in range(0, len(octets), piece):
        received += stream.feed(octets[at : at + piece])

    assert messages == received


@given(st.binary(max_size=400))
def test_any_octets_are_messages_or_malformed(octets: bytes) -> None:
    for read in (AirStream().feed, decode):
        try:
            read(octets)
        except Malformed:
            continue


def test_a_message_longer_than_any_frame_is_refused_at_its_length() -> None:
    with pytest.raises(Malformed, match="cannot be"):
        AirStream().feed((MAX_MESSAGE + 1).to_bytes(4))


def test_a_message_of_an_unknown_type_is_malformed() -> None:
    octets = bytearray(encode(AirMessage.UPLINK, FRAME)[4:])
    octets[0] = 3

    with pytest.raises(Malformed, match="no type 3"):
        decode(bytes(octets))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"phy_payload": bytes(256)}, "255 octets, not 256"),
        ({"coding_rate": "4/9"}, "'4/9'"),
        ({"frequency_hz": -1}, "does not fit"),
    ],
)
def test_an_impossible_frame_is_illegal(change: dict[str, Any], why: str) -> None:
    with pytest.raises(Illegal, match=why):
        encode(AirMessage.DOWNLINK, FRAME._replace(**change))


def test_a_frame_ends_after_its_airtime() -> None:
    assert 1_780_000_000.75 == FRAME.end_s
