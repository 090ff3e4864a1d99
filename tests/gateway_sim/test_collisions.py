"""What a frame meets on its way to a gateway, cause by cause."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway_sim.given import (
    BOOT_S,
    CAPITOLE,
    FOIX,
    JOLIMONT,
    SEED,
    frame,
    medium,
)

from gateway_sim.faults import FaultKind, Faults, GatewayFault
from gateway_sim.medium import Cause, Medium, Outcome
from wire.air import AirFrame
from wire.eui64 import EUI64
from wire.lorawan.region.eu868 import EU868

OTHER = EUI64.parse("a81758fffe0301c5")
AT_S = frame().start_s
LOST = (None, Cause.COLLISION)


def fates(air: Medium, *frames: AirFrame) -> list[Cause | None]:
    """What became of each frame, in the order given."""
    for one in frames:
        air.transmit(one)
    air.tick(max(one.end_s for one in frames))
    outcomes = {id(outcome.frame): outcome.cause for outcome in air.outcomes()}
    return [outcomes[id(one)] for one in frames]


def other(**fields: Any) -> AirFrame:
    return frame(sender=OTHER, **fields)


def test_two_equal_frames_on_one_channel_drown_each_other() -> None:
    air = medium(CAPITOLE, profile="ns3")

    assert [Cause.COLLISION] * 2 == fates(air, frame(), other())


def test_the_much_stronger_one_survives() -> None:
    air = medium(CAPITOLE, profile="ns3")

    assert [None, Cause.COLLISION] == fates(air, frame(), other(power_dbm=9.0))


@pytest.mark.parametrize(
    "apart",
    [
        {"frequency_hz": 868_500_000},
        {"spreading_factor": 9},
        {"start_s": frame().end_s},
    ],
    ids=lambda apart: next(iter(apart)),
)
def test_what_is_apart_does_not_meet(apart: dict[str, Any]) -> None:
    air = medium(CAPITOLE, profile="ns3")

    assert [None, None] == fates(air, frame(), other(**apart))


def test_each_gateway_hears_the_one_that_is_near_to_it() -> None:
    air = medium(CAPITOLE, JOLIMONT, profile="ns3")
    east = other(latitude=JOLIMONT.latitude, longitude=JOLIMONT.longitude)
    for one in (frame(), east):
        air.transmit(one)
    air.tick(frame().end_s)

    receivers = [
        [reception.gateway_id for reception in outcome.receptions]
        for outcome in air.outcomes()
    ]

    assert [[CAPITOLE.gateway_id], [JOLIMONT.gateway_id]] == receivers


def test_a_frame_handed_in_late_still_meets_the_one_that_was_judged() -> None:
    air = medium(CAPITOLE, profile="ns3")
    assert [None] == fates(air, frame())

    assert [Cause.COLLISION] == fates(air, other(start_s=AT_S + 0.01))


def test_the_ninth_frame_at_once_finds_no_demodulator() -> None:
    air = medium(CAPITOLE, interference="none")
    nine = [frame(start_s=AT_S + number / 1000) for number in range(9)]

    assert [None] * 8 + [Cause.DEMODULATORS] == fates(air, *nine)


def test_demodulators_go_to_the_preamble_that_ends_first() -> None:
    air = medium(CAPITOLE, interference="none", demodulators=1)
    slow = frame(spreading_factor=12, airtime_s=1.0)
    fast = other(start_s=AT_S + 0.1, airtime_s=0.3)

    assert [Cause.DEMODULATORS, None] == fates(air, slow, fast)


def test_a_demodulator_is_free_again_at_the_end_of_its_frame() -> None:
    air = medium(CAPITOLE, interference="none", demodulators=1)

    assert [None, None] == fates(air, frame(), other(start_s=frame().end_s))


@pytest.mark.parametrize("sends_at_s", [AT_S - 0.02, AT_S + 0.04], ids=str)
def test_a_gateway_that_sends_hears_nothing(sends_at_s: float) -> None:
    air = medium(CAPITOLE)
    sender = CAPITOLE.gateway_id
    air.emit(frame(sender=sender, iq_inverted=True, start_s=sends_at_s))

    assert [Cause.HALF_DUPLEX] == fates(air, frame())


def test_the_other_gateway_hears_what_the_sending_one_does_not() -> None:
    air = medium(CAPITOLE, JOLIMONT)
    air.emit(frame(sender=CAPITOLE.gateway_id, iq_inverted=True))
    air.transmit(frame())
    air.tick(frame().end_s)

    [outcome] = air.outcomes()

    assert [JOLIMONT.gateway_id] == [one.gateway_id for one in outcome.receptions]


def test_a_frame_before_or_after_its_own_is_heard() -> None:
    air = medium(CAPITOLE)
    length_s = frame().airtime_s
    for start_s in (AT_S - length_s, AT_S + length_s):
        air.emit(frame(sender=CAPITOLE.gateway_id, iq_inverted=True, start_s=start_s))

    assert [None] == fates(air, frame())


def test_the_extra_loss_takes_its_share_and_the_seed_decides_whom() -> None:
    frames = [frame(start_s=AT_S + second) for second in range(300)]

    one, same = (fates(medium(CAPITOLE, extra_loss=0.2), *frames) for _ in range(2))

    assert 60 == pytest.approx(one.count(Cause.EXTRA), abs=20)
    assert one == same


def test_a_gateway_without_power_hears_nothing_until_it_is_back() -> None:
    outage = GatewayFault(kind=FaultKind.OUTAGE, from_s=10.0, until_s=20.0)
    air = Medium(
        [CAPITOLE],
        region=EU868,
        seed=SEED,
        faults=Faults([outage], begins_s=BOOT_S),
    )
    times = [BOOT_S + at for at in (9.0, 9.99, 15.0, 20.0)]

    expected = [None, Cause.OUTAGE, Cause.OUTAGE, None]
    assert expected == fates(air, *(frame(start_s=at) for at in times))


def test_the_cause_is_that_of_the_gateway_where_it_came_furthest() -> None:
    air = medium(FOIX, CAPITOLE, profile="ns3")

    assert [Cause.COLLISION] * 2 == fates(air, frame(), other())


FLOCKS = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.sampled_from([7, 9, 12]),
        st.sampled_from([868_100_000, 868_300_000, 864_100_000]),
        st.floats(-60, 16),
    ),
    max_size=30,
)


@given(FLOCKS, st.sampled_from(["goursaud", "croce", "aloha"]))
def test_every_frame_is_heard_or_lost_for_one_cause(
    flock: list[tuple[int, int, int, float]], interference: str
) -> None:
    air = medium(CAPITOLE, JOLIMONT, interference=interference, extra_loss=0.1)
    sent = [
        frame(
            start_s=AT_S + at_ms / 1000,
            spreading_factor=factor,
            frequency_hz=frequency_hz,
            power_dbm=power_dbm,
        )
        for at_ms, factor, frequency_hz, power_dbm in flock
    ]
    for one in sent:
        air.transmit(one)
    air.tick(AT_S + 10)

    outcomes: list[Outcome] = air.outcomes()

    assert sorted(map(id, sent)) == sorted(id(one.frame) for one in outcomes)
    assert all(bool(one.receptions) == (one.cause is None) for one in outcomes)
    ends = [one.frame.end_s for one in outcomes]
    assert all(early <= late for early, late in pairwise(ends))
