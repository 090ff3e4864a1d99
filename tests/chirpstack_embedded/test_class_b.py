"""Class B of one device: lock, slots, frames and time-outs (contract §2.4, §2.10)."""

from typing import Any

import pytest
from tests.chirpstack_embedded.conftest import World, configuration

from chirpstack_embedded.core.gps import gps_ms, unix_s
from wire.lorawan.class_b import next_ping_slot_ms
from wire.lorawan.data import DataFrame
from wire.lorawan.fhdr import FCtrl
from wire.lorawan.mac import (
    PingSlotChannelAns,
    PingSlotChannelReq,
    PingSlotInfoReq,
    parse_block,
)
from wire.lorawan.mhdr import Direction

LOCKED = FCtrl(adr=True, class_b=True)
PROFILE = {
    "supports_class_b": True,
    "class_b_timeout": 7,
    "class_b_ping_slot_periodicity": 2,
    "class_b_ping_slot_dr": 3,
    "class_b_ping_slot_freq": 0,
}


@pytest.fixture
def site() -> Any:
    found = World(configuration(ping_slot_dr=3))
    yield found
    found.store.close()


def given_locked(world: Any, **profile: Any) -> None:
    """A joined device that has told of its beacon; its receive windows are over."""
    world.given_quiet(**{**PROFILE, **profile})
    world.when_uplink(f_ctrl=LOCKED)
    world.when_time_passes(6)
    world.forget()


def slot_of(frame: Any) -> int:
    since = frame.items[0].tx_info.timing.gps_epoch.time_since_gps_epoch
    milliseconds: int = since.seconds * 1000 + since.nanos // 1_000_000
    return milliseconds


@pytest.mark.proves("feature:class-b")
def test_the_beacon_bit_of_an_uplink_makes_and_unmakes_class_b(site: Any) -> None:
    site.given_quiet(**PROFILE)
    classes = []
    for control in (LOCKED, FCtrl(adr=True)):
        site.when_uplink(f_ctrl=control)
        classes.append(site.device.enabled_class)

    assert ["B", "A"] == classes
    told = [e["deviceInfo"]["deviceClassEnabled"] for e in site.then_events("up")]
    assert ["CLASS_A", "CLASS_B"] == told  # the class before this frame


def test_without_class_b_in_the_profile_the_bit_means_nothing(site: Any) -> None:
    site.given_quiet()

    site.when_uplink(f_ctrl=LOCKED)

    assert "A" == site.device.enabled_class


def test_a_class_c_profile_with_b_falls_back_to_a(site: Any) -> None:
    site.given_joined(adr_algorithm_id="", supports_class_c=True, **PROFILE)
    assert "C" == site.device.enabled_class

    site.when_uplink()

    assert "A" == site.device.enabled_class


@pytest.mark.proves("feature:class-b")
def test_an_item_goes_in_the_devices_next_ping_slot_at_gps_time(site: Any) -> None:
    given_locked(site)
    site.given_queued()

    site.when_time_passes(10)

    (frame, *_) = site.downlinks
    tx_info = frame.items[0].tx_info
    slot = slot_of(frame)
    just_before = gps_ms(unix_s(slot) - 0.001)
    assert slot == next_ping_slot_ms(just_before, site.session.dev_addr, 32)
    assert (869_525_000, 9) == (
        tx_info.frequency,
        tx_info.modulation.lora.spreading_factor,
    )
    sent = DataFrame.parse(frame.items[0].phy_payload)
    assert site.session.verify(frame.items[0].phy_payload, 0)
    assert (10, False) == (sent.f_port, sent.f_ctrl.ack)


def test_a_far_slot_is_waited_for_until_five_seconds_before_it(site: Any) -> None:
    given_locked(site, class_b_ping_slot_periodicity=7)
    site.given_queued()
    queued_at = site.now

    slot = next_ping_slot_ms(gps_ms(queued_at + 1), site.session.dev_addr, 1)
    site.when_time_passes(max(0.0, unix_s(slot) - queued_at - 5.5))
    too_early = list(site.downlinks)
    site.when_time_passes(unix_s(slot) - site.now)

    assert [] == too_early
    assert slot == slot_of(site.downlinks[0])


@pytest.mark.proves("mac:PingSlotInfoReq")
def test_the_device_says_how_often_it_listens(site: Any) -> None:
    site.given_quiet(**PROFILE)

    site.when_uplink(f_opts=bytes(PingSlotInfoReq(periodicity=5)))

    frame = DataFrame.parse(site.downlinks[-1].items[0].phy_payload)
    assert b"\x10" == frame.f_opts
    assert 4 == site.device.session.class_b_ping_slot_nb


@pytest.mark.proves("mac:PingSlotChannelReq")
def test_a_device_elsewhere_is_asked_for_the_regions_ping_slot_channel(
    site: Any,
) -> None:
    site.given_joined(adr_algorithm_id="", **{**PROFILE, "class_b_ping_slot_dr": 0})

    site.when_uplink()

    frame = DataFrame.parse(site.downlinks[-1].items[0].phy_payload)
    (command,) = parse_block(frame.f_opts, Direction.DOWN).commands
    assert PingSlotChannelReq(frequency_hz=0, data_rate=3) == command
    site.when_tx_ack()
    answer = PingSlotChannelAns(data_rate_ok=True, frequency_ok=True)
    site.when_uplink(f_opts=bytes(answer))
    assert 3 == site.device.session.class_b_ping_slot_dr


def test_a_refusal_is_believed_after_the_second_time(site: Any) -> None:
    site.given_joined(adr_algorithm_id="", **{**PROFILE, "class_b_ping_slot_dr": 0})
    refusal = PingSlotChannelAns(data_rate_ok=False, frequency_ok=True)
    site.when_uplink()
    for _ in range(2):
        site.when_tx_ack()
        site.when_uplink(f_opts=bytes(refusal))
    site.forget()

    site.when_uplink()

    assert [] == site.downlinks


def test_a_confirmed_item_times_out_after_its_ping_slot(site: Any) -> None:
    given_locked(site)
    site.given_queued(confirmed=True)
    site.when_time_passes(10)
    frame = site.downlinks[0]

    site.when_tx_ack(of=frame)

    (item,) = site.device.queue
    assert item.is_pending
    assert unix_s(slot_of(frame)) + 7 == pytest.approx(item.timeout_after)


def test_with_downlinks_in_ping_slots_only_no_window_is_used(site: Any) -> None:
    given_locked(site, class_b_downlink_only=True)
    site.given_queued()

    site.when_uplink(f_ctrl=LOCKED)
    site.when_time_passes(20)

    timings = [frame.items[0].tx_info.timing for frame in site.downlinks]
    assert {"gps_epoch"} == {timing.WhichOneof("parameters") for timing in timings}


def test_a_device_that_lost_the_beacon_gets_nothing_in_ping_slots(site: Any) -> None:
    given_locked(site)
    site.when_uplink()
    site.given_queued()

    site.when_time_passes(20)

    assert [] == site.downlinks
