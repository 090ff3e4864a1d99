import dataclasses
from math import isfinite
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.air import (
    MAX_MESSAGE,
    NS3,
    SNR_FLOOR_DB,
    AirFrame,
    AirMessage,
    AirStream,
    Link,
    decode,
    device_hears,
    distance_m,
    encode,
    gateway_hears,
    link,
    path_loss_db,
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
        encode(AirMessage.DOWNLINK, dataclasses.replace(FRAME, **change))


def test_a_frame_ends_after_its_airtime() -> None:
    assert 1_780_000_000.75 == FRAME.end_s


@pytest.mark.parametrize(
    ("spreading_factor", "radius_m"),
    [(7, 2920), (8, 3509), (9, 4217), (10, 5067), (11, 5728), (12, 6474)],
)
def test_rings_at_14_dbm_are_those_of_ns3(spreading_factor: int, radius_m: int) -> None:
    # Radii measured from the ns-3 module: the device's sensitivity draws the rings.
    sensitivity_dbm = NS3.device_sensitivity_dbm[spreading_factor]

    assert 14 - path_loss_db(radius_m) == pytest.approx(sensitivity_dbm, abs=0.02)


def test_the_noise_floor_at_125_khz_is_minus_117() -> None:
    assert -117 == pytest.approx(NS3.noise_dbm(125_000), abs=0.05)


def test_loss_grows_by_37_6_db_per_decade_from_one_metre() -> None:
    assert 7.7 == path_loss_db(1)
    assert 7.7 == path_loss_db(0)
    assert 7.7 + 3 * 37.6 == pytest.approx(path_loss_db(1000))


def test_a_degree_of_latitude_is_111_km() -> None:
    assert 111_195 == pytest.approx(distance_m(43, 1, 44, 1), abs=1)


@given(*[st.floats(-90, 90), st.floats(-180, 180)] * 2)
def test_distance_is_symmetric_and_on_the_globe(
    latitude: float, longitude: float, to_latitude: float, to_longitude: float
) -> None:
    there = distance_m(latitude, longitude, to_latitude, to_longitude)
    back = distance_m(to_latitude, to_longitude, latitude, longitude)

    assert there == pytest.approx(back)
    assert 0 <= there < 20_040_000
    assert isfinite(there)


def test_a_link_says_level_and_margin_over_noise() -> None:
    heard = link(FRAME, 43.6135, 1.444)

    assert 1000 == pytest.approx(heard.distance_m, abs=1)
    assert 14 - 120.5 == pytest.approx(heard.rssi_dbm, abs=0.05)
    assert heard.rssi_dbm + 117 == pytest.approx(heard.snr_db, abs=0.05)


@pytest.mark.parametrize("spreading_factor", range(7, 13))
def test_below_the_snr_floor_nobody_hears(spreading_factor: int) -> None:
    floor_db = SNR_FLOOR_DB[spreading_factor]
    loud = Link(distance_m=1, rssi_dbm=-50, snr_db=floor_db)
    lost = Link(distance_m=1, rssi_dbm=-50, snr_db=floor_db - 0.01)

    assert gateway_hears(loud, spreading_factor)
    assert device_hears(loud, spreading_factor)
    assert not gateway_hears(lost, spreading_factor)
    assert not device_hears(lost, spreading_factor)


def test_a_gateway_is_more_sensitive_than_a_device() -> None:
    heard = Link(distance_m=1, rssi_dbm=-128, snr_db=0)

    assert gateway_hears(heard, 7)
    assert not device_hears(heard, 7)


def test_fsk_is_heard_like_the_fastest_lora() -> None:
    heard = Link(distance_m=1, rssi_dbm=-129, snr_db=0)

    assert gateway_hears(heard, 0)
