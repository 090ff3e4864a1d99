"""One device's life through the core: join, uplink, class C command."""

from typing import Any


def test_a_join_request_is_answered_in_two_windows_and_told(world: Any) -> None:
    world.given_gateways()
    world.given_device()

    world.when_join()

    (frame,) = world.downlinks
    delays = [item.tx_info.timing.delay.delay.seconds for item in frame.items]
    assert [5, 6] == delays
    assert "lamp-0147" == world.then_event("join")["deviceInfo"]["deviceName"]


def test_an_uplink_becomes_an_up_event(world: Any) -> None:
    world.given_joined()

    world.when_uplink(b"\x01\x67")

    event = world.then_event("up")
    assert (0, 2, "AWc=") == (event["fCnt"], event["fPort"], event["data"])


def test_a_class_c_command_leaves_at_once_on_rx2_after_the_lock(world: Any) -> None:
    world.given_quiet(supports_class_c=True)
    world.given_queued()

    world.when_time_passes(0.3)

    (frame,) = world.downlinks
    (item,) = frame.items
    assert item.tx_info.timing.HasField("immediately")
    assert 869_525_000 == item.tx_info.frequency
    world.when_tx_ack()
    assert world.then_event("txack")["fCntDown"] == 0
