"""A frame's way through the whole radio, with no socket and no clock."""

from tests.gateway_sim.given import (
    BOOT_S,
    CAPITOLE,
    FOIX,
    JOLIMONT,
    answer,
    downlink,
    frame,
    gateway,
    medium,
)

from gateway_sim.jit import TxStatus
from gateway_sim.medium import Cause
from gateway_sim.radio import Radio


def radio() -> Radio:
    places = (CAPITOLE, JOLIMONT, FOIX)
    return Radio(medium(*places), [gateway(place) for place in places])


def test_one_frame_becomes_an_uplink_of_each_gateway_that_hears_it() -> None:
    city = radio()
    city.transmit(frame())
    at_s = city.next_deadline()
    assert frame().end_s == at_s
    city.tick(at_s)

    [(outcome, uplinks)] = city.outcomes()

    assert outcome.cause is None
    heard_by = [uplink.gateway_id for uplink in uplinks]
    assert [CAPITOLE.gateway_id, JOLIMONT.gateway_id] == heard_by


def test_a_frame_nobody_hears_has_a_cause_and_no_uplink() -> None:
    city = radio()
    city.transmit(frame(power_dbm=-99.0))
    city.tick(frame().end_s)

    [(outcome, uplinks)] = city.outcomes()

    assert (Cause.WEAK, ()) == (outcome.cause, uplinks)


def test_the_round_trip_takes_exactly_the_delay() -> None:
    city = radio()
    city.transmit(frame())
    city.tick(frame().end_s)
    [(_, uplinks)] = city.outcomes()
    asked = downlink(answer(uplinks[0].tmst))

    ack = city.request(CAPITOLE.gateway_id, asked, frame().end_s + 0.2)
    programmed_at_s = city.next_deadline()
    assert programmed_at_s is not None
    city.tick(programmed_at_s)

    [sent] = city.transmissions()
    assert (TxStatus.OK,) == ack.statuses
    assert abs(sent.start_s - (frame().end_s + 1.0)) < 2e-6
    assert sent.sender == CAPITOLE.gateway_id
    assert city.next_deadline() is None


def test_the_same_seed_gives_the_same_uplinks() -> None:
    def run() -> list[object]:
        city = radio()
        for number in range(5):
            city.transmit(frame(start_s=BOOT_S + number))
        city.tick(BOOT_S + 10)
        return [uplinks for _, uplinks in city.outcomes()]

    assert run() == run()
