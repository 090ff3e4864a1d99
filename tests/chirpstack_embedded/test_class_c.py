"""Class C downlinks: passes, locks and time-outs."""

from dataclasses import replace
from typing import Any

from tests.chirpstack_embedded.downlinks import sent

from wire.lorawan.data import DataFrame


def given_lamp(world: Any, **profile: Any) -> None:
    world.given_quiet(supports_class_c=True, **profile)


def test_class_c_waits_for_one_uplink_after_the_join(world: Any) -> None:
    world.given_joined(supports_class_c=True, adr_algorithm_id="")
    world.given_queued()

    world.when_time_passes(30)

    assert [] == world.downlinks


def test_class_c_goes_at_once_on_rx2_without_mac_commands(world: Any) -> None:
    given_lamp(world, device_status_req_interval=1_000_000)
    world.given_queued()

    world.when_time_passes(0.26)

    (frame,) = world.downlinks
    (item,) = frame.items
    assert item.tx_info.timing.HasField("immediately")
    assert (869_525_000, 29) == (item.tx_info.frequency, item.tx_info.power)
    assert 9 == item.tx_info.modulation.lora.spreading_factor
    data, clear = sent(world)
    assert (b"", b"\x03\x00\xc8") == (data.f_opts, clear)


def test_class_c_keeps_out_of_the_windows_of_an_uplink_for_5_seconds(
    world: Any,
) -> None:
    given_lamp(world)
    world.when_uplink()
    world.forget()
    world.given_queued()

    world.when_time_passes(4.6)
    early = len(world.downlinks)
    world.when_time_passes(0.4)

    assert (0, 1) == (early, len(world.downlinks))


def test_class_c_sends_one_frame_per_device_every_5_seconds(world: Any) -> None:
    given_lamp(world)
    world.given_queued(b"a")
    world.given_queued(b"b")
    world.when_time_passes(0.26)
    world.when_tx_ack()

    world.when_time_passes(4.6)
    early = len(world.downlinks)
    world.when_time_passes(0.9)

    assert (1, 2) == (early, len(world.downlinks))
    assert (1, b"b") == (sent(world)[0].f_cnt_16, sent(world)[1])


def test_class_c_without_tx_ack_repeats_the_same_counter(world: Any) -> None:
    given_lamp(world)
    world.given_queued()

    world.when_time_passes(11)

    frames = [DataFrame.parse(f.items[0].phy_payload) for f in world.downlinks]
    assert 3 == len(frames)
    assert {0} == {frame.f_cnt_16 for frame in frames}


def test_a_confirmed_class_c_item_with_timeout_zero_is_nacked_at_the_next_pass(
    world: Any,
) -> None:
    given_lamp(world)
    id_ = world.given_queued(confirmed=True)
    world.when_time_passes(0.26)
    world.when_tx_ack()

    world.when_time_passes(5.3)

    event = world.then_event("ack")
    assert ("", id_, False) == (
        event["deduplicationId"],
        event["queueItemId"],
        event["acknowledged"],
    )


def test_a_confirmed_class_c_item_blocks_the_queue_until_its_timeout(
    world: Any,
) -> None:
    given_lamp(world, class_c_timeout=20)
    world.given_queued(b"a", confirmed=True)
    world.given_queued(b"b")
    world.when_time_passes(0.26)
    world.when_tx_ack()

    world.when_time_passes(15)
    blocked = len(world.downlinks)
    world.when_time_passes(10)

    assert 1 == blocked
    assert world.then_event("ack")["acknowledged"] is False
    assert b"b" == sent(world)[1]


def test_a_batch_serves_so_many_devices_per_pass(world: Any) -> None:
    given_lamp(world)
    world.given_queued()
    world.context.configuration = with_batch_size(world.context.configuration, 0)

    world.when_time_passes(3)

    assert [] == world.downlinks


def with_batch_size(configuration: Any, size: int) -> Any:
    network = configuration.network
    scheduler = replace(network.scheduler, batch_size=size)
    return replace(configuration, network=replace(network, scheduler=scheduler))


def test_class_a_items_are_not_the_schedulers_business(world: Any) -> None:
    world.given_quiet()
    world.given_queued()

    world.when_time_passes(30)

    assert [] == world.downlinks
