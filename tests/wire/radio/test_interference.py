from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.air import AirFrame
from wire.eui64 import EUI64
from wire.radio.interference import CROCE, GOURSAUD, MATRICES, Interference
from wire.radio.profiles import FACTORS, PROFILES

SYMBOL_S = 0.032768  # at SF12


def frame(start_s: float = 0.0, **fields: Any) -> AirFrame:
    defaults: dict[str, Any] = {
        "phy_payload": b"",
        "frequency_hz": 868_100_000,
        "spreading_factor": 12,
        "bandwidth_hz": 125_000,
        "power_dbm": 14,
        "iq_inverted": False,
        "start_s": start_s,
        "airtime_s": 1.0,
        "sender": EUI64(bytes(8)),
        "latitude": 0.0,
        "longitude": 0.0,
    }
    return AirFrame(**(defaults | fields))


def model(interference: str, profile: str) -> Interference:
    return Interference.of(interference, PROFILES[profile])


PAIRWISE = model("goursaud", "lorasim")
ENERGY = model("goursaud", "ns3")


@pytest.mark.parametrize("chosen", [PAIRWISE, ENERGY])
def test_a_frame_alone_survives(chosen: Interference) -> None:
    assert not chosen.drowns(frame(), -140, [])


@pytest.mark.parametrize("chosen", [PAIRWISE, ENERGY])
@pytest.mark.parametrize(("stronger_db", "drowned"), [(5.9, True), (6.1, False)])
def test_six_decibels_capture_the_receiver(
    chosen: Interference, stronger_db: float, drowned: bool
) -> None:
    assert drowned == chosen.drowns(frame(), -80, [(frame(), -80 - stronger_db)])


def test_croces_receiver_is_captured_by_one_decibel() -> None:
    croce = model("croce", "ns3")

    assert not croce.drowns(frame(), -80, [(frame(), -81.1)])
    assert croce.drowns(frame(), -80, [(frame(), -80.9)])


@pytest.mark.parametrize(
    ("reaches_symbols", "drowned"), [(2.9, False), (3.1, True)], ids=str
)
def test_what_ends_before_the_critical_section_does_no_harm(
    reaches_symbols: float, drowned: bool
) -> None:
    early = frame(reaches_symbols * SYMBOL_S - 1.0)

    assert drowned == PAIRWISE.drowns(frame(), -80, [(early, -60)])
    assert drowned == PAIRWISE.drowns(early, -80, [(frame(), -60)])


def test_energy_counts_only_for_as_long_as_it_lasts() -> None:
    # 1 s at -80 dBm against 0.1 s at -76 dBm: 6 dB more energy in the end.
    short = frame(airtime_s=0.1)

    assert not ENERGY.drowns(frame(), -80, [(short, -76.1)])
    assert ENERGY.drowns(frame(), -80, [(short, -75.9)])


def test_two_weak_frames_together_drown_what_each_alone_does_not() -> None:
    weak = (frame(), -87)

    assert not ENERGY.drowns(frame(), -80, [weak])
    assert ENERGY.drowns(frame(), -80, [weak, weak])
    assert not PAIRWISE.drowns(frame(), -80, [weak, weak])


@pytest.mark.parametrize("wanted", FACTORS)
@pytest.mark.parametrize("other", FACTORS)
@pytest.mark.parametrize("matrix", ["goursaud", "croce"])
def test_every_pair_of_spreading_factors_has_its_threshold(
    matrix: str, wanted: int, other: int
) -> None:
    threshold_db = MATRICES[matrix][wanted - 7][other - 7]
    signal = frame(spreading_factor=wanted)
    noise = frame(spreading_factor=other)
    chosen = model(matrix, "ns3")

    assert chosen.drowns(signal, -100, [(noise, -100 - threshold_db + 0.1)])
    assert not chosen.drowns(signal, -100, [(noise, -100 - threshold_db - 0.1)])


def test_the_matrices_are_the_published_ones() -> None:
    assert (6, -16, -18, -19, -19, -20) == GOURSAUD[0]
    assert (-36, -36, -36, -36, -36, 6) == GOURSAUD[5]
    assert (1, -8, -9, -9, -9, -9) == CROCE[0]
    assert (-25, -25, -25, -24, -23, 1) == CROCE[5]


@pytest.mark.parametrize("profile", PROFILES)
def test_in_aloha_the_least_touch_is_fatal_and_other_factors_are_not(
    profile: str,
) -> None:
    aloha = model("aloha", profile)
    touching = frame(0.999)

    assert aloha.drowns(frame(), -20, [(touching, -140)])
    assert not aloha.drowns(frame(), -140, [(frame(spreading_factor=7), -20)])
    assert not aloha.drowns(frame(), -140, [(frame(1.0), -20)])


@given(
    st.sampled_from(sorted(PROFILES)),
    st.lists(
        st.tuples(st.floats(-2, 2), st.floats(-150, 30), st.sampled_from(FACTORS))
    ),
)
def test_without_interference_nothing_drowns(
    profile: str, others: list[tuple[float, float, int]]
) -> None:
    air = [(frame(at, spreading_factor=sf), level) for at, level, sf in others]

    assert not model("none", profile).drowns(frame(), -inf, air)
