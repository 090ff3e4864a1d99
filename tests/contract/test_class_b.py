"""Class B: ping slots that the device announces, frames at an instant of GPS time."""

from typing import Any

import pytest
from chirpstack_api import api, common
from tests.contract.radio import Downlink
from tests.contract.world import World

from wire.lorawan.fhdr import FCtrl
from wire.lorawan.mac import PingSlotChannelReq, PingSlotInfoAns

IN_B = FCtrl(adr=True, class_b=True)
EVERY_SECOND = b"\x10\x00"
BEACON_PERIOD_MS = 128_000
RESERVED_MS, GUARD_MS, SLOT_MS = 2_120, 3_000, 30


def given_device(world: World, **profile: Any) -> None:
    """A device that can class B, has joined and has said how often it listens."""
    settings = {
        "supports_class_b": True,
        "class_b_timeout": 5,
        "class_b_ping_slot_periodicity": 0,
        "class_b_ping_slot_dr": 3,
        "class_b_ping_slot_freq": 869_525_000,
        **profile,
    }
    world.given_device(**settings)
    world.when_join()
    world.then_joined()


def uplink(world: World, **frame: Any) -> Downlink:
    world.when_uplink(**frame)
    world.then_event("up")
    downlink = world.then_downlink()
    world.when_tx_ack(downlink)
    return downlink


def gps_ms(downlink: Downlink) -> int:
    (item,) = downlink.frame.items
    assert "gps_epoch" == item.tx_info.timing.WhichOneof("parameters")
    epoch = item.tx_info.timing.gps_epoch.time_since_gps_epoch
    return int(epoch.seconds * 1000 + epoch.nanos // 1_000_000)


def in_a_slot(world: World, data: bytes = b"\x07", **item: Any) -> Downlink:
    """Queue an item and take the frame; its instant differs from run to run."""
    world.given_queued(data, **item)
    downlink = world.then_downlink()
    for sent in world.steps[-1]["downlink"]["items"]:
        sent["txInfo"]["timing"] = "<an instant>"
    return downlink


@pytest.mark.proves("mac:PingSlotInfoReq", "feature:class-b")
def test_the_periodicity_is_taken_and_answered(world: World) -> None:
    given_device(world)

    downlink = uplink(world, f_opts=EVERY_SECOND)

    assert PingSlotInfoAns() in downlink.commands()


@pytest.mark.proves("mac:PingSlotChannelReq", "feature:class-b")
def test_a_ping_slot_that_is_not_the_regions_is_moved(world: World) -> None:
    given_device(world, class_b_ping_slot_dr=0)

    downlink = uplink(world, confirmed=True)

    moved = [c for c in downlink.commands() if isinstance(c, PingSlotChannelReq)]
    assert [PingSlotChannelReq(frequency_hz=0, data_rate=3)] == moved


@pytest.mark.proves("feature:class-b")
def test_the_class_follows_the_bit_of_the_uplinks(world: World) -> None:
    given_device(world)
    get = api.GetDeviceRequest(dev_eui=world.cast.dev_eui)
    seen = []
    for f_ctrl in (FCtrl(adr=True), IN_B, FCtrl(adr=True)):
        world.when_uplink(f_ctrl=f_ctrl, confirmed=True)
        up = world.then_event("up")
        world.when_tx_ack(world.then_downlink())
        world.stage.settle()
        answer = world.when_asked("DeviceService/Get", get)
        seen.append((up["deviceInfo"]["deviceClassEnabled"], answer.class_enabled))

    assert [
        ("CLASS_A", common.CLASS_A),
        ("CLASS_A", common.CLASS_B),
        ("CLASS_B", common.CLASS_A),
    ] == seen


@pytest.mark.proves("feature:class-b")
def test_an_item_is_sent_in_a_ping_slot(world: World) -> None:
    given_device(world)
    uplink(world, f_opts=EVERY_SECOND, f_ctrl=IN_B, confirmed=True)
    world.stage.settle()

    downlink = in_a_slot(world)

    since_beacon = gps_ms(downlink) % BEACON_PERIOD_MS
    assert 0 == (since_beacon - RESERVED_MS) % SLOT_MS
    assert RESERVED_MS <= since_beacon < BEACON_PERIOD_MS - GUARD_MS
    tx_info = downlink.frame.items[0].tx_info
    assert (869_525_000, 9) == (
        tx_info.frequency,
        tx_info.modulation.lora.spreading_factor,
    )
    assert b"\x07" == downlink.clear()
    world.when_tx_ack(downlink)
    world.then_event("txack")
    world.steps[-1]["document"]["txInfo"]["timing"] = "<an instant>"


@pytest.mark.proves("feature:class-b")
def test_a_confirmed_item_waits_for_its_time(world: World) -> None:
    given_device(world)
    uplink(world, f_opts=EVERY_SECOND, f_ctrl=IN_B, confirmed=True)
    world.stage.settle()
    world.when_tx_ack(in_a_slot(world, confirmed=True))
    world.stage.air.take(world.cast.event("txack"))
    pending = world.stage.caller.do(
        "DeviceService/GetQueue",
        api.GetDeviceQueueItemsRequest(dev_eui=world.cast.dev_eui),
    )
    world.when_uplink(f_ctrl=FCtrl(adr=True, class_b=True, ack=True))
    world.then_event("up")

    assert world.then_event("ack")["acknowledged"]
    assert [True] == [item.is_pending for item in pending.result]


@pytest.mark.proves("feature:class-b")
def test_nothing_is_sent_in_slots_before_the_bit_is_set(world: World) -> None:
    given_device(world)
    uplink(world, f_opts=EVERY_SECOND, confirmed=True)
    world.stage.settle()
    world.given_queued(b"\x07")
    for _ in range(3):
        world.stage.settle()

    world.then_nothing()
