"""Class C: after one uplink, at once, one frame per lock (contract §2.10)."""

from typing import Any

import pytest
from chirpstack_api import api
from tests.contract.radio import Downlink
from tests.contract.world import World

from wire.lorawan.fhdr import FCtrl


def woken(world: World, **profile: Any) -> None:
    world.given_joined(supports_class_c=True, **profile)
    world.given_woken()


def sent(world: World, data: bytes = b"\x07", **item: Any) -> Downlink:
    world.given_queued(data, **item)
    return world.then_downlink()


@pytest.mark.proves("check:18", "trap:15")
def test_nothing_is_sent_before_the_first_uplink(world: World) -> None:
    world.given_joined(supports_class_c=True)
    world.given_queued(b"\x07")
    for _ in range(4):
        world.stage.settle()
    world.then_nothing()
    world.when_uplink()
    world.then_event("up")

    downlink = world.then_downlink()

    assert (["1s", "2s"], b"\x07") == (downlink.timings, downlink.clear())


@pytest.mark.proves("check:18", "feature:class-c")
def test_after_an_uplink_a_command_is_sent_at_once_on_rx2(world: World) -> None:
    woken(world)

    downlink = sent(world)

    tx_info = downlink.frame.items[0].tx_info
    assert ["immediately"] == downlink.timings
    assert (869_525_000, 9) == (
        tx_info.frequency,
        tx_info.modulation.lora.spreading_factor,
    )
    assert b"\x07" == downlink.clear()
    world.when_tx_ack(downlink)
    world.then_event("txack")


@pytest.mark.proves("trap:15")
def test_class_c_frames_carry_no_mac_commands(world: World) -> None:
    woken(world, device_status_req_interval=24 * 60)

    downlink = sent(world)

    assert () == downlink.commands()


@pytest.mark.proves("trap:15")
def test_a_timeout_of_zero_is_a_negative_ack(world: World) -> None:
    woken(world, class_c_timeout=0)
    world.when_tx_ack(sent(world, confirmed=True))
    world.then_event("txack")

    ack = world.then_event("ack")

    assert (False, "") == (ack["acknowledged"], ack["deduplicationId"])
    assert [] == world.then_queue()


@pytest.mark.proves("trap:12", "trap:15")
def test_a_pending_item_holds_the_others_back(world: World) -> None:
    woken(world, class_c_timeout=60)
    world.when_tx_ack(sent(world, confirmed=True))
    world.then_event("txack")
    world.given_queued(b"\x08")
    for _ in range(4):
        world.stage.settle()
    world.then_nothing()
    world.when_uplink(f_ctrl=FCtrl(adr=True, ack=True))
    world.then_event("up")

    assert world.then_event("ack")["acknowledged"]
    assert b"\x08" == world.then_downlink().clear()


def test_without_a_tx_ack_the_frame_is_sent_again(world: World) -> None:
    woken(world)
    first = sent(world)

    second = world.then_downlink()

    assert first.f_cnt == second.f_cnt
    assert (b"\x07", b"\x07") == (first.clear(), second.clear())


def test_a_refused_frame_is_sent_again(world: World) -> None:
    woken(world)
    world.when_tx_ack(sent(world), "QUEUE_FULL")
    log = world.then_event("log")

    again = world.then_downlink()

    assert "QUEUE_FULL" == log["description"]
    assert b"\x07" == again.clear()


def test_an_expired_item_is_discarded_by_the_scheduler(world: World) -> None:
    woken(world)
    item = api.DeviceQueueItem(dev_eui=world.cast.dev_eui, f_port=10, data=b"\x07")
    item.expires_at.FromJsonString("2001-01-01T00:00:00Z")
    world.when_asked(
        "DeviceService/Enqueue", api.EnqueueDeviceQueueItemRequest(queue_item=item)
    )

    assert "EXPIRED" == world.then_event("log")["code"]
    world.then_nothing()


def test_an_item_too_large_for_rx2_is_discarded_by_the_scheduler(world: World) -> None:
    woken(world)
    world.given_queued(bytes(116))

    log = world.then_event("log")

    assert ("DOWNLINK_PAYLOAD_SIZE", "115") == (
        log["code"],
        log["context"]["max_payload_size"],
    )
