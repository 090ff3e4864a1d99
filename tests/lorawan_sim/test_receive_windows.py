"""Class A hears in its two windows and nowhere else; class C nearly always."""

import pytest
from tests.lorawan_sim.network import (
    CLASS_A,
    CLASS_C,
    FAR,
    NOON,
    Network,
    Script,
    Virtual,
    joined,
    rx1,
    rx2,
    transmission,
)

from lorawan_sim.card import Profile
from lorawan_sim.events import What
from wire.air import AirFrame
from wire.lorawan.mac import RXTimingSetupReq
from wire.lorawan.region.eu868 import EU868


def after_uplink(
    profile: Profile = CLASS_A, network: Network | None = None
) -> tuple[Virtual, Script, AirFrame]:
    city, script = joined(profile, network)
    script.say()
    city.poke()
    return city, script, city.sent[-1]


def test_class_a_hears_in_rx1() -> None:
    city, script, up = after_uplink()

    city.deliver(rx1(up, city.network.down(b"\x2a", f_port=5)))

    assert [(5, b"\x2a")] == script.inbox


def test_class_a_hears_in_rx2() -> None:
    city, script, up = after_uplink()

    city.deliver(rx2(up, city.network.down(b"\x2a", f_port=5)))

    assert [(5, b"\x2a")] == script.inbox


@pytest.mark.parametrize("delay_s", [0.5, 0.99, 1.01, 1.5, 2.2, 3.0])
def test_class_a_is_deaf_outside_its_windows(delay_s: float) -> None:
    city, script, up = after_uplink()
    phy = city.network.down(b"\x2a", f_port=5)

    city.deliver(rx1(up, phy, delay_s))
    city.deliver(rx2(up, phy, delay_s))

    assert [] == script.inbox


def test_a_window_is_that_of_one_frequency_and_spreading_factor() -> None:
    city, script, up = after_uplink()
    phy = city.network.down(b"\x2a", f_port=5)

    city.deliver(transmission(phy, up.end_s + 1, up.frequency_hz, 9))
    city.deliver(transmission(phy, up.end_s + 1, 869_525_000, 12))

    assert [] == script.inbox


def test_uplinks_of_others_are_not_heard() -> None:
    city, script, up = after_uplink()
    frame = rx1(up, city.network.down(b"\x2a", f_port=5))

    city.deliver(frame._replace(iq_inverted=False))

    assert [] == script.inbox


def test_a_frame_below_the_noise_is_not_heard() -> None:
    city, script, up = after_uplink()

    city.deliver(rx1(up, city.network.down(b"\x2a", f_port=5)), FAR)

    assert [] == script.inbox


def test_the_delay_of_the_join_accept_moves_both_windows() -> None:
    city, script, up = after_uplink(network=Network(rx_delay=5))

    city.deliver(rx1(up, city.network.down(b"\x01", f_port=5), 5.0))

    assert [(5, b"\x01")] == script.inbox


def test_the_offset_of_the_join_accept_slows_rx1_down() -> None:
    city, script, up = after_uplink(network=Network(rx1_dr_offset=2))
    phy = city.network.down(b"\x01", f_port=5)

    city.deliver(transmission(phy, up.end_s + 1, up.frequency_hz, 9))

    assert [(5, b"\x01")] == script.inbox


def test_rx2_uses_the_data_rate_of_the_join_accept() -> None:
    city, script, up = after_uplink(network=Network(rx2_data_rate=3))

    city.deliver(rx2(up, city.network.down(b"\x01", f_port=5), sf=9))

    assert [(5, b"\x01")] == script.inbox


def test_rx_timing_setup_moves_the_windows_of_the_next_uplink() -> None:
    city, script, up = after_uplink()
    city.deliver(rx1(up, city.network.down(commands=[RXTimingSetupReq(delay=3)])))
    script.say()
    city.poke()
    city.run(until=city.now + 1)

    city.deliver(rx1(city.sent[-1], city.network.down(b"\x01", f_port=5), 3.0))

    assert [(5, b"\x01")] == script.inbox


def test_a_frame_handed_in_late_counts_when_it_started_on_time() -> None:
    patient = Profile(region=EU868, late_s=0.5)
    city, script, up = after_uplink(patient)
    frame = rx2(up, city.network.down(b"\x01", f_port=5))

    city.run(until=frame.start_s + 0.4)
    city.device.receive(frame, FAR, city.now)
    assert [] == script.inbox
    city.deliver(frame)

    assert [(5, b"\x01")] == script.inbox


def test_a_window_that_closed_and_waited_hears_nothing_more() -> None:
    city, script, up = after_uplink()
    frame = rx2(up, city.network.down(b"\x01", f_port=5))

    city.run(until=frame.start_s + 0.4)
    city.deliver(frame)

    assert [] == script.inbox


def test_the_next_uplink_waits_until_rx2_has_passed() -> None:
    city, script, up = after_uplink()
    script.say(b"\x02")
    city.poke()

    city.run(until=NOON + 60)

    assert 2.0 < city.sent[1].start_s - up.end_s < 2.2


def test_the_next_uplink_waits_only_for_the_answer_in_rx1() -> None:
    city, script, up = after_uplink()
    answer = rx1(up, city.network.down(b"\x01", f_port=5))
    script.say(b"\x02")
    city.poke()

    city.deliver(answer)
    city.run(until=NOON + 60)

    assert answer.end_s == city.sent[1].start_s


def test_class_c_hears_at_once_without_an_uplink() -> None:
    city, script = joined(CLASS_C, Network(rx2_data_rate=3))
    phy = city.network.down(b"\x64", f_port=60)

    city.deliver(transmission(phy, NOON + 100, 869_525_000, 9))

    assert [(60, b"\x64")] == script.inbox
    assert "RXC" == city.told(What.DOWNLINK_HEARD)[0].fact("slot")


def test_class_a_does_not_hear_between_uplinks() -> None:
    city, script = joined(CLASS_A, Network(rx2_data_rate=3))
    phy = city.network.down(b"\x64", f_port=60)

    city.deliver(transmission(phy, NOON + 100, 869_525_000, 9))

    assert [] == script.inbox


def test_class_c_is_deaf_while_it_transmits() -> None:
    city, script, up = after_uplink(CLASS_C, Network(rx2_data_rate=3))
    phy = city.network.down(b"\x64", f_port=60)

    city.deliver(transmission(phy, up.start_s + 0.01, 869_525_000, 9))

    assert [] == script.inbox


def test_class_c_does_not_transmit_into_a_frame_it_is_hearing() -> None:
    city, script = joined(CLASS_C, Network(rx2_data_rate=3))
    frame = transmission(
        city.network.down(b"\x64", f_port=60), NOON + 100, 869_525_000, 9
    )
    script.on_received = script.say

    city.deliver(frame)
    city.run(until=NOON + 200)

    assert frame.end_s == city.sent[0].start_s


def test_class_c_answers_its_own_uplinks_windows_too() -> None:
    city, script, up = after_uplink(CLASS_C)

    city.deliver(rx1(up, city.network.down(b"\x01", f_port=5)))

    assert [(5, b"\x01")] == script.inbox
