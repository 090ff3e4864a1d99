"""What leaves the antenna: whole messages, repeated as told, within the law."""

from tests.lorawan_sim.network import (
    CLASS_A,
    NOON,
    Heard,
    Network,
    Script,
    Virtual,
    gaps,
    joined,
    new_device,
    rx1,
)

from lorawan_sim.card import Profile
from lorawan_sim.events import What
from wire.air import AirFrame
from wire.lorawan.mac import (
    DevStatusReq,
    LinkADRReq,
    MacCommand,
    NewChannelReq,
)
from wire.lorawan.mhdr import MType
from wire.lorawan.region.eu868 import EU868

SLOWEST = LinkADRReq(data_rate=0, tx_power=0, ch_mask=0xFF)


def command(city: Virtual, script: Script, *commands: LinkADRReq) -> None:
    """Have the device obey, and its answer read."""
    script.say()
    city.poke()
    city.deliver(rx1(city.sent[-1], city.network.down(commands=commands)))
    script.say()
    city.run(until=city.now + 30)
    city.poke()
    city.run(until=city.now + 30)
    city.sent.clear()
    city.events.clear()
    city.network.uplinks.clear()


def ack(city: Virtual) -> None:
    """Acknowledge every confirmed uplink in RX1, once, as ChirpStack does."""
    seen: set[int] = set()

    def answer(heard: Heard) -> list[AirFrame]:
        if heard.f_cnt in seen or not heard.frame.confirmed:
            return []
        seen.add(heard.f_cnt)
        return [rx1(heard.air, city.network.down(ack=True))]

    city.answer = answer


def test_an_unconfirmed_message_is_sent_once() -> None:
    city, script = joined()
    script.say(b"\x01\x02", f_port=7)
    city.poke()

    city.run(until=NOON + 3600)

    (heard,) = city.network.uplinks
    assert (7, b"\x01\x02") == (heard.frame.f_port, heard.payload)
    assert MType.UNCONFIRMED_DATA_UP is heard.frame.m_type
    assert heard.frame.f_ctrl.adr


def test_a_confirmed_message_is_sent_once_when_it_is_acknowledged() -> None:
    city, script = joined()
    ack(city)
    script.say(confirmed=True)
    city.poke()

    city.run(until=NOON + 3600)

    assert [0] == [heard.f_cnt for heard in city.network.uplinks]
    assert [0] == [event.fact("f_cnt") for event in city.told(What.UPLINK_ACKED)]


def test_an_unanswered_confirmed_message_is_repeated_with_the_same_counter() -> None:
    city, script = joined(Profile(region=EU868, tries=4))
    script.say(confirmed=True)
    city.poke()

    city.run(until=NOON + 3600)

    assert 4 == len(city.sent)
    assert 1 == len({frame.phy_payload for frame in city.sent})
    assert [7, 7, 8, 8] == [frame.spreading_factor for frame in city.sent]
    assert [4] == [event.fact("tries") for event in city.told(What.UPLINK_UNACKED)]


def test_repetitions_come_one_to_three_seconds_after_rx2() -> None:
    city, script = joined(Profile(region=EU868, tries=2))
    script.say(confirmed=True)
    city.poke()

    city.run(until=NOON + 3600)

    (gap_s,) = gaps(frame.start_s for frame in city.sent)
    assert 3.0 < gap_s - city.sent[0].airtime_s < 5.2


def test_a_downlink_without_ack_does_not_end_the_repetitions() -> None:
    city, script = joined(Profile(region=EU868, tries=2))
    script.say(confirmed=True)
    city.poke()
    city.deliver(rx1(city.sent[0], city.network.down(b"\x01", f_port=9)))

    city.run(until=NOON + 3600)

    assert 2 == len(city.sent)


def test_the_next_message_follows_a_confirmed_one_that_nobody_acknowledged() -> None:
    city, script = joined(Profile(region=EU868, tries=2))
    script.say(b"\x01", confirmed=True)
    script.say(b"\x02")
    city.poke()

    city.run(until=NOON + 3600)

    assert [0, 0, 1] == [heard.f_cnt for heard in city.network.uplinks]


def test_unconfirmed_messages_are_repeated_nb_trans_times() -> None:
    city, script = joined()
    command(city, script, LinkADRReq(data_rate=5, tx_power=0, ch_mask=0xFF, nb_trans=3))
    script.say()
    city.poke()

    city.run(until=city.now + 60)

    assert 3 == len(city.sent)
    assert 1 == len({frame.phy_payload for frame in city.sent})


def test_a_downlink_ends_the_repetitions_of_nb_trans() -> None:
    city, script = joined()
    command(city, script, LinkADRReq(data_rate=5, tx_power=0, ch_mask=0xFF, nb_trans=3))
    script.say()
    city.poke()
    city.deliver(rx1(city.sent[0], city.network.down(b"\x01", f_port=9)))

    city.run(until=city.now + 60)

    assert 1 == len(city.sent)


def test_a_confirmed_downlink_is_acknowledged_soon_even_with_nothing_to_say() -> None:
    city, script = joined()
    script.say()
    city.poke()
    down = rx1(city.sent[0], city.network.down(b"\x01", f_port=9, confirmed=True))

    city.deliver(down)
    city.run(until=down.end_s + 2.1)

    assert [False, True] == [it.frame.f_ctrl.ack for it in city.network.uplinks]
    assert city.network.uplinks[1].frame.f_port is None


def test_an_acknowledgement_rides_on_a_message_that_goes_anyway() -> None:
    city, script = joined()
    script.say()
    script.on_received = script.say
    city.poke()

    city.deliver(
        rx1(city.sent[0], city.network.down(b"\x01", f_port=9, confirmed=True))
    )
    city.run(until=NOON + 3600)

    assert [False, True] == [it.frame.f_ctrl.ack for it in city.network.uplinks]


def test_fpending_makes_a_class_a_device_ask_for_more() -> None:
    city, script = joined()
    script.say()
    city.poke()

    city.deliver(
        rx1(city.sent[0], city.network.down(b"\x01", f_port=9, f_pending=True))
    )
    city.run(until=NOON + 3600)

    assert 2 == len(city.sent)


def test_a_message_too_long_for_the_data_rate_waits_for_a_faster_one() -> None:
    city, script = joined()
    command(city, script, SLOWEST)
    script.say(bytes(52))
    city.poke()
    city.run(until=city.now + 600)
    assert [] == city.sent
    assert "52 octets wait" in str(city.told(What.UPLINK_WAITS)[0].fact("reason"))

    command(city, script, LinkADRReq(data_rate=3, tx_power=0, ch_mask=0xFF))
    city.run(until=city.now + 600)

    assert not city.device._mailbox.first_within(255)


def test_a_shorter_message_overtakes_one_that_waits() -> None:
    city, script = joined()
    command(city, script, SLOWEST)
    script.say(bytes(60))
    script.say(b"\x07")
    city.poke()

    city.run(until=city.now + 60)

    assert [b"\x07"] == [heard.payload for heard in city.network.uplinks]


def test_a_message_that_fits_nowhere_is_refused_with_a_reason() -> None:
    city, script = joined()
    script.say(bytes(243))

    city.poke()

    (event,) = city.told(What.UPLINK_REFUSED)
    assert "243 octets, the most at any data rate is 242" == event.fact("reason")
    assert [] == city.sent


def test_mac_answers_go_first_and_a_message_without_room_follows() -> None:
    city, script = joined()
    command(city, script, SLOWEST)
    script.say()
    city.poke()
    city.deliver(rx1(city.sent[0], city.network.down(commands=[DevStatusReq()])))
    script.say(bytes(51))
    city.poke()

    city.run(until=city.now + 120)

    first, second = city.network.uplinks[1:]
    assert (3, None) == (len(first.frame.f_opts), first.frame.f_port)
    assert (0, 51) == (len(second.frame.f_opts), len(second.payload))


def test_fifteen_octets_of_answers_ride_on_a_message() -> None:
    city, script = joined()
    script.say()
    city.poke()
    status = [DevStatusReq()] * 5
    city.deliver(rx1(city.sent[0], city.network.down(commands=status)))
    script.say(b"\x09")
    city.poke()

    city.run(until=city.now + 10)

    second = city.network.uplinks[1]
    assert (15, b"\x09") == (len(second.frame.f_opts), second.payload)


def test_answers_beyond_f_opts_are_a_frame_of_their_own() -> None:
    city, script = joined()
    script.say()
    city.poke()
    new = NewChannelReq(ch_index=3, frequency_hz=867_100_000, max_dr=5, min_dr=0)
    commands: list[MacCommand] = [*[DevStatusReq()] * 5, new]
    city.deliver(rx1(city.sent[0], city.network.down(commands=commands)))
    script.say(b"\x09")
    city.poke()
    city.run(until=city.now + 10)

    mac_only, message = city.network.uplinks[1:]
    assert (0, 17) == (mac_only.frame.f_port, len(mac_only.payload))
    assert b"\x09" == message.payload


def test_the_32nd_frame_of_sf12_in_an_hour_waits_for_the_duty_cycle() -> None:
    city, script = joined()
    # only the three default channels: one sub-band, 36 s an hour
    command(city, script, LinkADRReq(data_rate=0, tx_power=0, ch_mask=0b111))
    city.run(until=city.now + 3700)
    start = city.now
    for _ in range(32):
        script.say(b"")  # 13 octets: 1.155 s
        city.poke()
        city.run(until=city.now + 10)

    assert 31 == len(city.sent)
    (wait,) = city.told(What.UPLINK_WAITS)
    assert "duty cycle of 868-868.6 MHz is used up" in str(wait.fact("reason"))
    city.run(until=start + 3700)
    assert 32 == len(city.sent)
    assert city.sent[31].start_s >= start + 3600


def test_channels_of_a_sub_band_with_air_time_left_are_used_instead() -> None:
    city, script = joined()
    command(city, script, SLOWEST)
    for _ in range(60):
        script.say(b"")
        city.poke()
        city.run(until=city.now + 10)

    bands = {EU868.sub_band(frame.frequency_hz) for frame in city.sent}
    assert 60 == len(city.sent)
    assert 2 == len(bands)


def test_power_follows_the_network() -> None:
    city, script = joined()
    command(city, script, LinkADRReq(data_rate=5, tx_power=4, ch_mask=0xFF))
    script.say()

    city.poke()

    assert 8 == city.sent[0].power_dbm


def test_a_lost_frame_is_told() -> None:
    city, script = joined()
    script.say()
    city.poke()

    city.device.lose("ether_away", city.now)
    city.run(until=NOON + 60)

    assert "ether_away" == city.told(What.UPLINK_LOST)[0].fact("cause")


def test_same_seed_same_frames_to_the_octet() -> None:
    def day(seed: int) -> list[AirFrame]:
        device, script = new_device(CLASS_A, seed=seed)
        city = Virtual(device, Network())
        device.join(NOON)
        for hour in range(24):
            script.say(bytes([hour]), confirmed=hour % 5 == 0)
            city.run(until=NOON + 3600 * (hour + 1))
            city.poke()
        return city.sent

    assert day(3) == day(3)
    assert day(3) != day(4)


def test_a_full_queue_gives_up_its_oldest_message_and_says_so() -> None:
    city, script = joined()
    for number in range(16 + 2):
        script.say(bytes([number]))

    city.poke()

    assert 2 == len(city.told(What.UPLINK_REFUSED))
    city.run(until=city.now + 600)
    assert 16 == len(city.network.uplinks)


def test_an_empty_port_is_kept() -> None:
    city, script = joined()
    script.say(b"", f_port=9)

    city.poke()

    assert 9 == city.network.uplinks[0].frame.f_port
