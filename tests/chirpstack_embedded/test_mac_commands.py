"""MAC commands and ADR (contract §2.11, §2.12; check 17 of its Appendix B)."""

from dataclasses import replace
from typing import Any

import pytest
from chirpstack_api import gw

from wire.lorawan.data import DataFrame
from wire.lorawan.fhdr import FCtrl
from wire.lorawan.mac import (
    DeviceTimeAns,
    DevStatusAns,
    DevStatusReq,
    LinkADRAns,
    LinkADRReq,
    LinkCheckAns,
    NewChannelAns,
    NewChannelReq,
    RXParamSetupAns,
    RXParamSetupReq,
    RXTimingSetupReq,
    parse_block,
)
from wire.lorawan.mhdr import Direction

LINK_CHECK_REQ, DEVICE_TIME_REQ = b"\x02", b"\x0d"
ACCEPTED = LinkADRAns(power_ack=True, data_rate_ack=True, channel_mask_ack=True)


def commands(world: Any, item: int = 0) -> tuple[Any, ...]:
    """What the last downlink asks or answers, in FOpts or on FPort 0."""
    frame = DataFrame.parse(world.downlinks[-1].items[item].phy_payload)
    clear = world.session.decrypt(frame, frame.f_cnt_16)
    octets = clear if frame.f_port == 0 else frame.f_opts
    return parse_block(octets, Direction.DOWN).commands


def test_a_link_check_is_answered_with_margin_and_gateways(world: Any) -> None:
    world.given_quiet()

    world.when_uplink(
        f_opts=LINK_CHECK_REQ, gateways=("0016c001f1500a2b", "0016c001f1500a2c")
    )

    # Best SNR -5 dB, SF9 needs -12.5 dB.
    assert (LinkCheckAns(margin_db=7, gateway_count=2),) == commands(world)


def test_a_device_time_request_is_answered_with_gps_time(world: Any) -> None:
    world.given_quiet()
    assert world.session is not None
    frame = gw.UplinkFrame(
        phy_payload=world.session.uplink(f_cnt=1, f_opts=DEVICE_TIME_REQ),
        rx_info=gw.UplinkRxInfo(gateway_id="0016c001f1500a2b", snr=-5.0),
    )
    frame.rx_info.time_since_gps_epoch.seconds = 1_473_841_285
    frame.rx_info.time_since_gps_epoch.nanos = 500_000_000
    frame.tx_info.frequency = 868_300_000
    lora = frame.tx_info.modulation.lora
    lora.bandwidth, lora.spreading_factor, lora.code_rate = 125_000, 9, 1

    world.when_gateway_says("0016c001f1500a2b", "up", frame.SerializeToString())
    world.when_time_passes(0.4)

    assert (DeviceTimeAns(gps_seconds=1_473_841_285, fraction_256=128),) == commands(
        world
    )
    assert "2026-09-19T08:21:07.500+00:00" == world.then_event("up")["time"]


def test_the_first_uplink_is_asked_for_the_devices_status(world: Any) -> None:
    world.given_joined(adr_algorithm_id="", device_status_req_interval=1)

    world.when_uplink()

    assert DevStatusReq() in commands(world)


def test_the_status_is_asked_so_many_times_a_day(world: Any) -> None:
    world.given_joined(adr_algorithm_id="", device_status_req_interval=24)
    world.when_uplink()
    world.when_tx_ack()
    world.forget()

    world.when_uplink()
    early = len(world.downlinks)
    world.when_time_passes(3601)
    world.when_uplink()

    assert 0 == early
    assert (DevStatusReq(),) == commands(world)


@pytest.mark.parametrize(
    ("battery", "told"),
    [
        (0, (True, False, 0.0)),
        (255, (False, True, 0.0)),
        (250, (False, False, 98.4252)),
        (1, (False, False, 0.39370078)),
        (254, (False, False, 100.0)),
    ],
)
def test_a_status_answer_is_an_event(
    world: Any, battery: int, told: tuple[bool, bool, float]
) -> None:
    world.given_quiet()

    world.when_uplink(f_opts=bytes(DevStatusAns(battery=battery, margin_db=-3)))

    event = world.then_event("status")
    assert told == (
        event["externalPowerSource"],
        event["batteryLevelUnavailable"],
        event["batteryLevel"],
    )
    assert -3 == event["margin"]
    assert ["status", "up"] == world.then_kinds()
    assert world.then_event("up")["deduplicationId"] == event["deduplicationId"]


def test_a_good_first_uplink_makes_adr_act_at_once(world: Any) -> None:
    world.given_joined()

    world.when_uplink(dr=0, snr=8.0)

    (command,) = commands(world)
    assert isinstance(command, LinkADRReq)
    # (8 + 20 - 10) / 3 = 6 steps: five data-rates, one power index.
    assert (5, 1, 1, 0xFF) == (
        command.data_rate,
        command.tx_power,
        command.nb_trans,
        command.ch_mask,
    )


def test_accepted_adr_is_taken_and_its_history_forgotten(world: Any) -> None:
    world.given_joined()
    world.when_uplink(dr=0, snr=8.0)
    world.when_tx_ack()

    world.when_uplink(dr=5, snr=-5.0, f_opts=bytes(ACCEPTED))

    session = world.device.session
    assert (5, 1) == (session.dr, session.tx_power_index)
    assert 1 == len(session.uplink_adr_history)


def test_a_device_without_adr_bit_is_left_alone(world: Any) -> None:
    world.given_joined()

    world.when_uplink(dr=0, snr=8.0, f_ctrl=FCtrl())

    assert [] == world.downlinks


def test_a_refused_request_is_made_twice_and_no_more(world: Any) -> None:
    world.given_joined()
    refusal = LinkADRAns(power_ack=True, data_rate_ack=False, channel_mask_ack=True)

    asked = []
    for number in range(4):
        world.forget()
        world.when_uplink(dr=0, snr=8.0, f_opts=bytes(refusal) if number else b"")
        asked.append(len(world.downlinks))
        if world.downlinks:
            world.when_tx_ack()

    assert [1, 1, 0, 0] == asked


def test_a_refused_power_limits_the_next_wish(world: Any) -> None:
    world.given_joined()
    world.when_uplink(dr=0, snr=8.0)
    world.when_tx_ack()
    refusal = LinkADRAns(power_ack=False, data_rate_ack=True, channel_mask_ack=True)

    world.when_uplink(dr=0, snr=8.0, f_opts=bytes(refusal))

    assert 0 == world.device.session.max_supported_tx_power_index


def test_an_answer_nobody_asked_for_is_a_line_in_the_log(world: Any) -> None:
    world.given_quiet()

    world.when_uplink(f_opts=bytes(ACCEPTED))

    assert any("ns.mac.drop" in line and "cid=0x03" in line for line in world.warnings)
    assert ["up"] == world.then_kinds()


def test_an_unknown_command_does_not_stop_the_uplink(world: Any) -> None:
    world.given_quiet()

    world.when_uplink(f_opts=b"\x7f\x01")

    assert ["up"] == world.then_kinds()


def test_an_otaa_device_whose_rx2_is_the_regions_is_not_asked(world: Any) -> None:
    world.given_joined(adr_algorithm_id="")

    world.when_uplink()

    assert [] == world.downlinks


def given_abp(world: Any, **profile: Any) -> None:
    """Turn the joined device into one whose session has nothing yet."""
    world.given_joined(adr_algorithm_id="", **profile)
    session = world.device.session
    session.region_config_id, session.rx1_delay = "", 0
    session.rx2_dr = session.rx2_frequency_hz = 0
    session.enabled_uplink_channels, session.extra_uplink_channels = [], {}


def test_an_abp_device_is_taught_channels_and_windows(world: Any) -> None:
    given_abp(world)

    world.when_uplink()
    first = commands(world)

    assert [3, 4, 5] == [c.ch_index for c in first if isinstance(c, NewChannelReq)]
    assert [1] == [c.delay for c in first if isinstance(c, RXTimingSetupReq)]
    (setup,) = [c for c in first if isinstance(c, RXParamSetupReq)]
    assert (3, 869_525_000) == (setup.dl_settings.rx2_data_rate, setup.frequency_hz)
    # 26 octets do not fit FOpts: they travel alone on FPort 0.
    frame = DataFrame.parse(world.downlinks[-1].items[0].phy_payload)
    assert (0, b"") == (frame.f_port, frame.f_opts)


def test_commands_that_fill_the_frame_make_the_item_wait(world: Any) -> None:
    given_abp(world)
    world.given_queued()

    world.when_uplink()
    world.when_tx_ack()

    frame = DataFrame.parse(world.downlinks[-1].items[0].phy_payload)
    assert (0, True) == (frame.f_port, frame.f_ctrl.f_pending)
    assert [] == world.then_events("txack")
    assert 1 == len(world.device.queue)


def test_the_remaining_channels_follow_and_then_the_mask(world: Any) -> None:
    given_abp(world)
    world.when_uplink()
    world.when_tx_ack()
    taken = bytes(NewChannelAns(data_rate_range_ok=True, frequency_ok=True))
    setup = RXParamSetupAns(
        rx1_dr_offset_ack=True, rx2_data_rate_ack=True, channel_ack=True
    )

    world.when_uplink(f_opts=taken * 3 + bytes(setup) + b"\x08")
    second = commands(world)
    world.when_tx_ack()
    world.when_uplink(f_opts=taken * 2)

    assert [6, 7] == [c.ch_index for c in second]
    session = world.device.session
    assert {3, 4, 5, 6, 7} == set(session.extra_uplink_channels)
    assert list(range(8)) == sorted(session.enabled_uplink_channels)
    assert (3, 869_525_000, 1) == (
        session.rx2_dr,
        session.rx2_frequency_hz,
        session.rx1_delay,
    )


def test_answers_about_windows_force_an_empty_downlink(world: Any) -> None:
    world.given_joined(adr_algorithm_id="", rx1_delay=2)
    world.when_uplink()
    world.when_tx_ack()
    world.forget()

    world.when_uplink(f_opts=b"\x08")
    world.when_time_passes(1.1)

    frame = DataFrame.parse(world.downlinks[-1].items[0].phy_payload)
    assert (None, b"") == (frame.f_port, frame.f_opts)


def test_switched_off_mac_commands_are_neither_sent_nor_heard(world: Any) -> None:
    world.given_joined(device_status_req_interval=1)
    configured = world.context.configuration
    world.context.configuration = replace(
        configured, network=replace(configured.network, mac_commands_disabled=True)
    )

    world.when_uplink(f_opts=LINK_CHECK_REQ, dr=0, snr=8.0)

    assert [] == world.downlinks


def test_a_change_of_data_rate_resets_power_and_history(world: Any) -> None:
    world.given_joined()
    world.when_uplink(dr=3)
    world.device.session.tx_power_index = 2

    world.when_uplink(dr=2)

    assert 0 == world.device.session.tx_power_index
    assert 1 == len(world.device.session.uplink_adr_history)
