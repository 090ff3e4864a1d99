"""What the network commands is done whole or not at all, and answered."""

from collections.abc import Sequence

import pytest
from tests.lorawan_sim.network import CLASS_C, NEAR, NOON, joined, rx1, transmission

from lorawan_sim.events import What
from lorawan_sim.session import Session
from wire.lorawan.join import DLSettings
from wire.lorawan.mac import (
    DeviceTimeAns,
    DeviceTimeReq,
    DevStatusAns,
    DevStatusReq,
    DlChannelAns,
    DlChannelReq,
    DutyCycleAns,
    DutyCycleReq,
    LinkADRAns,
    LinkADRReq,
    LinkCheckAns,
    LinkCheckReq,
    MacCommand,
    NewChannelAns,
    NewChannelReq,
    RXParamSetupAns,
    RXParamSetupReq,
    RXTimingSetupAns,
    RXTimingSetupReq,
    TXParamSetupReq,
    build_block,
    parse_block,
)
from wire.lorawan.mhdr import Direction

TAKEN = LinkADRAns(power_ack=True, data_rate_ack=True, channel_mask_ack=True)


class Talk:
    """A joined device to which commands are sent, one exchange at a time."""

    def __init__(self) -> None:
        self.city, self.script = joined()

    @property
    def session(self) -> Session:
        session = self.city.device.session
        assert session is not None
        return session

    def exchange(
        self, commands: Sequence[MacCommand] = (), *, answered: bool = True
    ) -> tuple[MacCommand, ...]:
        """One uplink, answered with commands (or not); the uplink's own commands."""
        self.script.say()
        self.city.poke()
        up = self.city.sent[-1]
        if answered:
            self.city.deliver(rx1(up, self.city.network.down(commands=commands)))
        self.city.run(until=self.city.now + 10)
        return parse_block(
            self.city.network.uplinks[-1].frame.f_opts, Direction.UP
        ).commands

    def answers(self, *commands: MacCommand) -> tuple[MacCommand, ...]:
        """What the uplink after these commands carries."""
        self.exchange(commands)
        return self.exchange()


def test_link_adr_is_taken_whole() -> None:
    talk = Talk()

    answers = talk.answers(
        LinkADRReq(data_rate=2, tx_power=3, ch_mask=0b101, nb_trans=2)
    )

    assert (TAKEN,) == answers
    session = talk.session
    assert (2, 3, 2) == (session.data_rate, session.tx_power_index, session.nb_trans)
    assert 0b101 == session.mask


def test_a_block_of_link_adr_is_one_request_with_one_answer_per_command() -> None:
    talk = Talk()

    answers = talk.answers(
        LinkADRReq(data_rate=0, tx_power=0, ch_mask=0b001),
        LinkADRReq(data_rate=4, tx_power=1, ch_mask=0b110),
    )

    assert (TAKEN, TAKEN) == answers
    assert (4, 0b110) == (talk.session.data_rate, talk.session.mask)


def test_one_wrong_command_refuses_its_whole_block() -> None:
    talk = Talk()
    answers = talk.answers(
        LinkADRReq(data_rate=1, tx_power=0, ch_mask=0xFFFF),
        LinkADRReq(data_rate=4, tx_power=1, ch_mask=0b110),
    )

    refused = LinkADRAns(power_ack=True, data_rate_ack=True, channel_mask_ack=False)
    assert (refused, refused) == answers
    assert (5, 0xFF) == (talk.session.data_rate, talk.session.mask)


@pytest.mark.parametrize(
    ("request_", "power", "data_rate", "mask"),
    [
        (LinkADRReq(data_rate=5, tx_power=8, ch_mask=0xFF), False, True, True),
        (LinkADRReq(data_rate=6, tx_power=0, ch_mask=0xFF), True, False, True),
        (LinkADRReq(data_rate=7, tx_power=0, ch_mask=0xFF), True, False, True),
        (LinkADRReq(data_rate=12, tx_power=0, ch_mask=0xFF), True, False, True),
        (LinkADRReq(data_rate=5, tx_power=0, ch_mask=0), True, True, False),
        (LinkADRReq(data_rate=5, tx_power=0, ch_mask=0x100), True, True, False),
        (
            LinkADRReq(data_rate=5, tx_power=0, ch_mask=1, ch_mask_cntl=5),
            True,
            True,
            False,
        ),
    ],
)
def test_link_adr_names_what_it_cannot_take_and_changes_nothing(
    request_: LinkADRReq, power: bool, data_rate: bool, mask: bool
) -> None:
    talk = Talk()

    answers = talk.answers(request_)

    assert (
        LinkADRAns(power_ack=power, data_rate_ack=data_rate, channel_mask_ack=mask),
    ) == answers
    session = talk.session
    assert (5, 0, 1) == (session.data_rate, session.tx_power_index, session.nb_trans)
    assert 0xFF == session.mask


def test_link_adr_keeps_what_it_is_told_to_keep() -> None:
    talk = Talk()
    talk.exchange([LinkADRReq(data_rate=3, tx_power=2, ch_mask=0b11, nb_trans=2)])

    talk.exchange(
        [LinkADRReq(data_rate=15, tx_power=15, ch_mask=0, ch_mask_cntl=6, nb_trans=0)]
    )

    session = talk.session
    assert (3, 2, 2) == (session.data_rate, session.tx_power_index, session.nb_trans)
    assert 0xFF == session.mask


def test_dev_status_tells_battery_and_the_margin_of_its_frame() -> None:
    answers = Talk().answers(DevStatusReq())

    assert (DevStatusAns(battery=254, margin_db=round(NEAR.snr_db)),) == answers


def test_answers_come_in_the_order_of_the_commands() -> None:
    answers = Talk().answers(
        DutyCycleReq(max_duty_cycle=1),
        DevStatusReq(),
        LinkADRReq(data_rate=4, tx_power=0, ch_mask=0xFF),
        DevStatusReq(),
    )

    kinds = [DutyCycleAns, DevStatusAns, LinkADRAns, DevStatusAns]
    assert kinds == [type(answer) for answer in answers]


def test_duty_cycle_limits_all_sub_bands_together() -> None:
    talk = Talk()
    talk.exchange([DutyCycleReq(max_duty_cycle=15)])  # 0.11 s an hour
    talk.city.run(until=talk.city.now + 3700)
    talk.city.sent.clear()
    for _ in range(3):
        talk.script.say()
        talk.city.poke()
        talk.city.run(until=talk.city.now + 10)

    assert 2 == len(talk.city.sent)
    assert talk.city.told(What.UPLINK_WAITS)


def test_rx_param_setup_is_taken_and_repeated_until_a_downlink() -> None:
    talk = Talk()
    talk.exchange(
        [
            RXParamSetupReq(
                dl_settings=DLSettings(rx1_dr_offset=0, rx2_data_rate=3),
                frequency_hz=869_400_000,
            )
        ]
    )
    taken = RXParamSetupAns(
        rx1_dr_offset_ack=True, rx2_data_rate_ack=True, channel_ack=True
    )

    assert (taken,) == talk.exchange(answered=False)
    assert (taken,) == talk.exchange(answered=False)
    assert (taken,) == talk.exchange(answered=True)
    assert () == talk.exchange()
    session = talk.session
    assert (0, 3, 869_400_000) == (
        session.rx1_dr_offset,
        session.rx2_data_rate,
        session.rx2_frequency_hz,
    )


def test_rx_param_setup_outside_the_region_changes_nothing() -> None:
    talk = Talk()

    answers = talk.answers(
        RXParamSetupReq(
            dl_settings=DLSettings(rx1_dr_offset=6, rx2_data_rate=14),
            frequency_hz=915_000_000,
        )
    )

    nothing = RXParamSetupAns(
        rx1_dr_offset_ack=False, rx2_data_rate_ack=False, channel_ack=False
    )
    assert (nothing,) == answers
    assert 869_525_000 == talk.session.rx2_frequency_hz


def test_rx_timing_setup_is_repeated_until_a_downlink() -> None:
    talk = Talk()
    talk.exchange([RXTimingSetupReq(delay=0)])

    assert (RXTimingSetupAns(),) == talk.exchange(answered=False)
    assert (RXTimingSetupAns(),) == talk.exchange(answered=True)
    assert () == talk.exchange()
    assert 1 == talk.session.rx1_delay_s


def test_a_class_c_frame_does_not_end_the_repetition_of_an_answer() -> None:
    city, script = joined(CLASS_C)
    script.say()
    city.poke()
    timing = [RXTimingSetupReq(delay=1)]
    city.deliver(rx1(city.sent[-1], city.network.down(commands=timing)))
    city.deliver(
        transmission(city.network.down(b"x", f_port=2), NOON + 300, 869_525_000, 12)
    )
    script.say()
    city.run(until=NOON + 400)
    city.poke()

    assert 1 == len(city.network.uplinks[-1].frame.f_opts)


def test_a_new_channel_is_used() -> None:
    talk = Talk()

    answers = talk.answers(
        NewChannelReq(ch_index=8, frequency_hz=865_100_000, max_dr=5, min_dr=0)
    )

    assert (NewChannelAns(data_rate_range_ok=True, frequency_ok=True),) == answers
    assert 865_100_000 in {it.frequency_hz for it in talk.session.usable(5)}


def test_a_channel_can_be_removed() -> None:
    talk = Talk()

    talk.exchange([NewChannelReq(ch_index=3, frequency_hz=0, max_dr=0, min_dr=0)])

    assert 867_100_000 not in {it.frequency_hz for it in talk.session.usable(5)}


@pytest.mark.parametrize(
    ("request_", "rates_ok", "frequency_ok"),
    [
        (
            NewChannelReq(ch_index=0, frequency_hz=867_100_000, max_dr=5, min_dr=0),
            False,
            False,
        ),
        (
            NewChannelReq(ch_index=16, frequency_hz=867_100_000, max_dr=5, min_dr=0),
            False,
            False,
        ),
        (
            NewChannelReq(ch_index=4, frequency_hz=915_000_000, max_dr=5, min_dr=0),
            True,
            False,
        ),
        (
            NewChannelReq(ch_index=4, frequency_hz=867_100_000, max_dr=2, min_dr=3),
            False,
            True,
        ),
    ],
)
def test_a_channel_that_cannot_be_is_refused(
    request_: NewChannelReq, rates_ok: bool, frequency_ok: bool
) -> None:
    answers = Talk().answers(request_)

    expected = NewChannelAns(data_rate_range_ok=rates_ok, frequency_ok=frequency_ok)
    assert (expected,) == answers


def test_a_device_is_never_left_without_a_channel_for_its_data_rate() -> None:
    talk = Talk()
    only = [LinkADRReq(data_rate=5, tx_power=0, ch_mask=0b1000)]
    talk.exchange(only)

    talk.exchange([NewChannelReq(ch_index=3, frequency_hz=0, max_dr=0, min_dr=0)])

    assert 3 == len(talk.session.usable(5))


def test_dl_channel_moves_rx1_of_that_channel() -> None:
    talk = Talk()
    only = LinkADRReq(data_rate=5, tx_power=0, ch_mask=0b1)
    moved = DlChannelReq(ch_index=0, frequency_hz=868_300_000)

    answers = talk.answers(only, moved)

    taken = DlChannelAns(uplink_frequency_exists=True, frequency_ok=True)
    assert (TAKEN, taken) == answers
    talk.script.say()
    talk.city.poke()
    windows = talk.city.device.windows()
    assert 868_300_000 == windows[0].tuning.frequency_hz


def test_tx_param_setup_is_not_answered_where_the_region_has_none() -> None:
    request = TXParamSetupReq(downlink_dwell=True, uplink_dwell=True, max_eirp_dbm=16)

    assert () == Talk().answers(request)


def test_link_check_and_device_time_are_asked_and_told() -> None:
    talk = Talk()
    talk.city.device.ask_link_check()
    talk.city.device.ask_time()

    asked = talk.exchange(
        [
            LinkCheckAns(margin_db=20, gateway_count=2),
            DeviceTimeAns(gps_seconds=1000, fraction_256=128),
        ]
    )

    assert (LinkCheckReq(), DeviceTimeReq()) == asked
    (checked,) = talk.city.told(What.LINK_CHECKED)
    assert (20, 2) == (checked.fact("margin_db"), checked.fact("gateways"))
    assert [1000.5] == [it.fact("gps_s") for it in talk.city.told(What.TIME_TOLD)]


def test_commands_on_port_0_are_obeyed_like_those_in_f_opts() -> None:
    talk = Talk()
    talk.script.say()
    talk.city.poke()
    block = build_block([DevStatusReq()])
    talk.city.deliver(rx1(talk.city.sent[-1], talk.city.network.down(block, f_port=0)))
    talk.city.run(until=talk.city.now + 10)

    assert [DevStatusAns] == [type(it) for it in talk.exchange()]
    assert [] == talk.script.inbox


def test_an_unknown_command_ends_the_reading_and_is_told() -> None:
    talk = Talk()
    talk.script.say()
    talk.city.poke()
    block = build_block([DevStatusReq()]) + b"\xee" + build_block([DevStatusReq()])
    talk.city.deliver(rx1(talk.city.sent[-1], talk.city.network.down(block, f_port=0)))
    talk.city.run(until=talk.city.now + 10)

    assert 1 == len(talk.exchange())
    assert "CID ee" in str(talk.city.told(What.DOWNLINK_DROPPED)[0].fact("reason"))
