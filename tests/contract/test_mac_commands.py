"""MAC commands: what the server wants of a device, and what it answers."""

from typing import Any

import pytest
from chirpstack_api import api
from tests.contract.radio import Downlink, uplink_frame
from tests.contract.world import World

from wire.lorawan.fhdr import FCtrl
from wire.lorawan.mac import (
    DevStatusAns,
    DevStatusReq,
    LinkADRReq,
    LinkCheckAns,
    NewChannelReq,
    RXParamSetupReq,
    RXTimingSetupReq,
)

LINK_ADR_ANS = b"\x03\x07"
GOOD: dict[str, Any] = {"dr": 0, "snr": 8.0}


def uplink(world: World, **details: Any) -> Downlink:
    world.when_uplink(**details)
    world.then_event("up")
    return world.then_downlink()


def adr(downlink: Downlink) -> tuple[int, int, int]:
    (command,) = downlink.commands()
    assert isinstance(command, LinkADRReq)
    return command.data_rate, command.tx_power, command.nb_trans


@pytest.mark.proves("check:17", "mac:LinkCheckReq")
def test_a_link_check_is_answered_with_margin_and_gateways(world: World) -> None:
    world.given_joined()

    downlink = uplink(world, f_opts=b"\x02", snr=-5.0)

    assert (LinkCheckAns(margin_db=7, gateway_count=1),) == downlink.commands()


def test_a_link_check_below_the_floor_has_no_margin(world: World) -> None:
    world.given_joined()

    downlink = uplink(world, f_opts=b"\x02", snr=-14.0)

    assert (LinkCheckAns(margin_db=0, gateway_count=1),) == downlink.commands()


@pytest.mark.proves("check:17", "mac:DeviceTimeReq")
def test_the_time_is_that_of_the_reception(world: World) -> None:
    world.given_joined()
    frame = uplink_frame(
        world.session.uplink(f_cnt=0, f_opts=b"\x0d"), world.cast.gateways[0]
    )
    frame.rx_info.time_since_gps_epoch.FromJsonString("1473841285.5s")
    world.when_gateway_says("up", frame.SerializeToString())
    world.then_event("up")

    downlink = world.then_downlink()

    assert "0d8508d95780" == downlink.data().f_opts.hex()


@pytest.mark.proves("trap:19", "mac:DevStatusReq", "event:status")
def test_the_status_is_asked_at_once_and_told(world: World) -> None:
    world.given_joined(device_status_req_interval=1)
    asked = uplink(world)
    world.when_tx_ack(asked)
    world.when_uplink(f_opts=bytes(DevStatusAns(battery=250, margin_db=11)))

    status = world.then_event("status")
    up = world.then_event("up")

    assert (DevStatusReq(),) == asked.commands()
    assert (11, 98.4252) == (status["margin"], status["batteryLevel"])
    assert up["deduplicationId"] == status["deduplicationId"]
    world.then_nothing()
    shown(world)


@pytest.mark.proves("mac:DevStatusReq")
@pytest.mark.parametrize(
    ("octet", "external", "unavailable"), [(0, True, False), (255, False, True)]
)
def test_a_battery_may_be_external_or_unknown(
    world: World, octet: int, external: bool, unavailable: bool
) -> None:
    world.given_joined(device_status_req_interval=1)
    world.when_tx_ack(uplink(world))
    world.when_uplink(f_opts=bytes((0x06, octet, 0x20)))

    status = world.then_event("status")

    assert (external, unavailable, 0.0, -32) == (
        status["externalPowerSource"],
        status["batteryLevelUnavailable"],
        status["batteryLevel"],
        status["margin"],
    )
    world.then_event("up")
    shown(world)


def test_a_status_nobody_asked_for_is_told_too(
    world: World,
) -> None:
    world.given_joined()
    world.when_uplink(f_opts=bytes(DevStatusAns(battery=250, margin_db=11)))
    world.then_event("up")

    assert 98.4252 == world.then_event("status")["batteryLevel"]


@pytest.mark.proves("trap:19", "feature:adr", "mac:LinkADRReq")
def test_adr_acts_on_the_first_good_uplink(world: World) -> None:
    world.given_joined(adr_algorithm_id="default")

    assert (5, 1, 1) == adr(uplink(world, **GOOD))


@pytest.mark.proves("feature:adr")
def test_without_the_adr_bit_nothing_is_asked(world: World) -> None:
    world.given_joined(adr_algorithm_id="default")
    world.when_uplink(f_ctrl=FCtrl(adr=False), **GOOD)
    world.then_event("up")

    world.then_nothing()


@pytest.mark.proves("feature:adr")
def test_an_unknown_algorithm_asks_nothing(world: World) -> None:
    world.given_joined(adr_algorithm_id="none-such")
    world.when_uplink(**GOOD)
    world.then_event("up")

    world.then_nothing()


@pytest.mark.proves("feature:adr")
def test_a_weak_device_keeps_its_data_rate(world: World) -> None:
    world.given_joined(adr_algorithm_id="default")
    world.when_uplink(dr=5, snr=-20.0)
    world.then_event("up")

    world.then_nothing()


@pytest.mark.proves("feature:adr", "mac:LinkADRReq")
def test_what_was_acknowledged_is_not_asked_again(world: World) -> None:
    world.given_joined(adr_algorithm_id="default")
    world.when_tx_ack(uplink(world, **GOOD))
    world.when_uplink(dr=5, snr=8.0 - 12.5, f_opts=LINK_ADR_ANS)
    world.then_event("up")

    world.then_nothing()


@pytest.mark.proves("trap:19")
def test_a_command_refused_twice_is_not_sent_again(world: World) -> None:
    world.given_joined(adr_algorithm_id="default")
    world.when_tx_ack(uplink(world, **GOOD))
    world.when_tx_ack(uplink(world, f_opts=b"\x03\x00", **GOOD))
    world.when_uplink(f_opts=b"\x03\x00", **GOOD)
    world.then_event("up")

    world.then_nothing()


def test_a_refused_power_is_the_new_limit(world: World) -> None:
    world.given_joined(adr_algorithm_id="default")
    world.when_tx_ack(uplink(world, dr=5, snr=20.0))

    again = uplink(world, dr=5, snr=20.0, f_opts=b"\x03\x03")

    assert 5 == adr(again)[0]


def test_loss_is_met_with_repetitions(world: World) -> None:
    world.given_joined(adr_algorithm_id="default")
    for f_cnt in range(0, 38, 2):
        world.when_uplink(f_cnt=f_cnt)
        world.stage.air.take(world.cast.event("up"))

    asked = uplink(world, f_cnt=38)

    assert (3, 0, 3) == adr(asked)


@pytest.mark.proves("mac:RXTimingSetupReq")
def test_a_longer_rx1_delay_of_the_profile_is_asked_for(world: World) -> None:
    world.given_joined(rx1_delay=2)
    asked = uplink(world)
    world.when_tx_ack(asked)
    taken = uplink(world, f_opts=b"\x08")

    assert (RXTimingSetupReq(delay=2),) == asked.commands()
    assert (["1s", "2s"], ["2s", "3s"]) == (asked.timings, taken.timings)


@pytest.mark.proves(
    "trap:19", "mac:NewChannelReq", "mac:RXParamSetupReq", "feature:abp"
)
def test_an_abp_device_is_brought_to_the_regions_channels(world: World) -> None:
    world.given_device(abp_rx1_delay=1, abp_rx2_freq=869_525_000)
    world.given_activated()
    first = uplink(world)
    world.when_tx_ack(first)
    asked = [type(command) for command in first.commands()]
    answers = b"".join(
        b"\x07\x03" if kind is NewChannelReq else b"\x05\x07" for kind in asked
    )
    second = uplink(world, f_opts=answers)

    assert 3 == asked.count(NewChannelReq)
    assert 2 == [type(item) for item in second.commands()].count(NewChannelReq)


@pytest.mark.proves("mac:RXParamSetupReq")
def test_rx2_of_an_abp_device_is_moved_to_the_regions(world: World) -> None:
    world.given_device(abp_rx1_delay=1, abp_rx2_freq=869_525_000, abp_rx2_dr=0)
    world.given_activated()

    downlink = uplink(world, dr=5)

    kinds = [type(command) for command in downlink.commands()]
    assert RXParamSetupReq in kinds


@pytest.mark.proves("feature:class-a")
def test_many_commands_go_alone_and_the_item_waits(world: World) -> None:
    world.given_device(abp_rx1_delay=1, abp_rx2_freq=869_525_000)
    world.given_activated()
    world.given_queued(b"\x07")

    downlink = uplink(world, dr=5)

    assert (0, True) == (downlink.data().f_port, downlink.data().f_ctrl.f_pending)
    assert 1 == len(world.then_queue())


@pytest.mark.proves("feature:adr")
def test_adr_ack_req_brings_the_channels_back(world: World) -> None:
    world.given_joined()

    downlink = uplink(world, f_ctrl=FCtrl(adr=True, adr_ack_req=True))

    assert 3 == [type(item) for item in downlink.commands()].count(NewChannelReq)


def test_a_command_nobody_knows_ends_the_reading(world: World) -> None:
    world.given_joined()
    world.when_uplink(f_opts=b"\x7f\x02")
    world.then_event("up")

    world.then_nothing()


def test_commands_alone_count_on_the_gateways_word(world: World) -> None:
    world.given_joined()
    first = uplink(world, f_opts=b"\x02")
    world.when_tx_ack(first)
    second = uplink(world, f_opts=b"\x02")

    assert [0, 1] == [first.f_cnt, second.f_cnt]
    world.then_nothing()


def shown(world: World) -> None:
    request = api.GetDeviceRequest(dev_eui=world.cast.dev_eui)
    world.when_asked("DeviceService/Get", request)
