"""Who hears a frame, and how."""

from typing import Any

import pytest
from tests.gateway_sim.given import (
    CAPITOLE,
    FOIX,
    JOLIMONT,
    SEED,
    frame,
    medium,
)

from gateway_sim.medium import Cause, Medium, Outcome
from wire.declared import DeclaredGateway
from wire.radio.profiles import PROFILES
from wire.radio.propagation import Propagation, Site

END_S = frame().start_s + frame().airtime_s


def site(place: DeclaredGateway) -> Site:
    return Site(place.gateway_id, place.latitude, place.longitude)


def outcome(air: Medium, **fields: Any) -> Outcome:
    air.transmit(sent := frame(**fields))
    air.tick(sent.end_s)
    [only] = air.outcomes()
    return only


def test_two_gateways_hear_one_frame_each_with_its_own_power() -> None:
    clear = medium(CAPITOLE, JOLIMONT, profile="ns3")

    near, far = outcome(clear).receptions

    air = Propagation(PROFILES["ns3"], seed=SEED)
    for place, heard in ((CAPITOLE, near), (JOLIMONT, far)):
        expected = air.link(frame(), site(place))
        assert place.gateway_id == heard.gateway_id
        assert heard.rssi_dbm == pytest.approx(expected.rssi_dbm)
        assert heard.snr_db == pytest.approx(expected.snr_db)
    assert near.rssi_dbm > far.rssi_dbm + 10
    assert near.snr_db > far.snr_db + 10


def test_a_gateway_75_km_away_hears_nothing() -> None:
    heard = outcome(medium(CAPITOLE, FOIX)).receptions

    assert [CAPITOLE.gateway_id] == [one.gateway_id for one in heard]


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"power_dbm": -100.0}, Cause.WEAK),
        ({"frequency_hz": 864_100_000}, Cause.CHANNEL),
        ({"spreading_factor": 0, "bandwidth_hz": 0}, Cause.MODULATION),
        ({"iq_inverted": True}, Cause.DIRECTION),
    ],
)
def test_a_frame_that_nobody_hears_is_lost_for_a_cause(
    fields: dict[str, Any], cause: Cause
) -> None:
    lost = outcome(medium(CAPITOLE, JOLIMONT), **fields)

    assert (cause, ()) == (lost.cause, lost.receptions)


def test_a_slower_frame_is_heard_where_a_faster_one_is_too_weak() -> None:
    air = medium(CAPITOLE, profile="ns3")
    loss_db = (
        -Propagation(PROFILES["ns3"], seed=SEED)
        .link(frame(power_dbm=0.0), site(CAPITOLE))
        .rssi_dbm
    )
    between = loss_db - 132.0  # a level between the sensitivities of SF7 and SF12

    fast = outcome(air, power_dbm=between, spreading_factor=7)
    slow = outcome(air, power_dbm=between, spreading_factor=12)

    assert (Cause.WEAK, None) == (fast.cause, slow.cause)


def test_the_shadow_on_a_link_is_a_constant_of_the_seed() -> None:
    one, same, other = (
        outcome(medium(CAPITOLE, seed=seed)).receptions[0].rssi_dbm
        for seed in (1, 1, 2)
    )

    assert one == same
    assert one != other


def test_a_frame_is_judged_when_it_ends() -> None:
    air = medium(CAPITOLE)
    air.transmit(frame())

    assert END_S == air.next_deadline()
    air.tick(END_S - 0.001)
    assert [] == air.outcomes()
    air.tick(END_S)
    assert 1 == len(air.outcomes())
    assert air.next_deadline() is None


def test_frames_are_judged_in_the_order_of_their_ends() -> None:
    air = medium(CAPITOLE)
    long, short = frame(airtime_s=1.0), frame(airtime_s=0.5)
    air.transmit(long)
    air.transmit(short)
    air.tick(END_S + 1)

    assert [short, long] == [one.frame for one in air.outcomes()]


def test_a_device_that_moved_is_heard_from_its_new_place() -> None:
    air = medium(CAPITOLE, profile="ns3")

    before = outcome(air)
    after = outcome(air, latitude=43.6200, start_s=END_S)

    assert after.receptions[0].rssi_dbm < before.receptions[0].rssi_dbm - 20
