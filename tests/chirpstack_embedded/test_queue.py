"""Downlinks: queue, windows, tx ack (contract §2.5 to §2.10; checks 8 to 12 and 18)."""

from typing import Any

import pytest
from chirpstack_api import gw
from tests.chirpstack_embedded.downlinks import sent

from wire.lorawan.data import DataFrame
from wire.lorawan.fhdr import FCtrl


def test_nothing_to_say_sends_nothing(world: Any) -> None:
    world.given_quiet()

    world.when_uplink()

    assert [] == world.downlinks


def test_an_item_rides_the_receive_windows_of_the_next_uplink(world: Any) -> None:
    world.given_quiet()
    world.given_queued(b"\x03\x00\xc8")

    world.when_uplink()

    frame, data = sent(world)
    assert (10, b"\x03\x00\xc8", 0) == (frame.f_port, data, frame.f_cnt_16)
    items = world.downlinks[-1].items
    assert [1, 2] == [item.tx_info.timing.delay.delay.seconds for item in items]
    assert [868_300_000, 869_525_000] == [item.tx_info.frequency for item in items]
    spreading = [item.tx_info.modulation.lora.spreading_factor for item in items]
    assert [9, 9] == spreading


def test_the_queue_is_read_once_100_ms_after_the_event(world: Any) -> None:
    world.given_quiet()

    world.when_uplink()
    world.given_queued()
    world.when_time_passes(2)

    assert [] == world.downlinks


def test_an_item_queued_within_100_ms_of_the_event_is_in_time(world: Any) -> None:
    world.given_quiet()
    assert world.session is not None
    world.when_frame(world.session.uplink(f_cnt=1, f_port=2, payload=b"\x01"))
    world.then_event("up")

    world.when_time_passes(0.09)
    world.given_queued()
    world.when_time_passes(0.02)

    assert 1 == len(world.downlinks)


def test_a_longer_rx1_delay_of_the_profile_widens_the_window(world: Any) -> None:
    world.given_joined(adr_algorithm_id="", rx1_delay=3)
    world.when_uplink()
    frame, _ = sent(world)
    assert bytes((0x08, 3)) == frame.f_opts
    world.when_tx_ack()
    world.when_time_passes(2)
    world.when_uplink(f_opts=b"\x08")
    world.when_time_passes(4)
    world.forget()

    world.when_uplink()
    world.when_time_passes(1.8)
    world.given_queued()
    world.when_time_passes(0.2)

    items = world.downlinks[-1].items
    assert [3, 4] == [item.tx_info.timing.delay.delay.seconds for item in items]


def test_without_a_tx_ack_the_same_item_goes_with_the_same_counter(world: Any) -> None:
    world.given_quiet()
    world.given_queued()

    world.when_uplink()
    first, data = sent(world)
    world.when_uplink()

    again, data_again = sent(world)
    assert (first.f_cnt_16, data) == (again.f_cnt_16, data_again)
    assert [] == world.then_events("txack")


def test_a_tx_ack_deletes_the_item_counts_and_tells(world: Any) -> None:
    world.given_quiet()
    id_ = world.given_queued()
    world.when_uplink()

    world.when_tx_ack("OK", "IGNORED")

    event = world.then_event("txack")
    assert (id_, 0, "0016c001f1500a2b") == (
        event["queueItemId"],
        event["fCntDown"],
        event["gatewayId"],
    )
    assert world.downlinks[-1].downlink_id == event["downlinkId"]
    assert 868_300_000 == event["txInfo"]["frequency"]
    assert [] == world.device.queue
    assert 1 == world.device.session.f_cnt_down


def test_txack_lacks_the_tags_of_the_application(world: Any) -> None:
    world.given_quiet()
    world.given_queued()
    world.when_uplink()

    world.when_tx_ack()

    tags = world.then_event("txack")["deviceInfo"]["tags"]
    assert {"profile": "yes", "district": "nord", "who": "device"} == tags


def test_the_second_window_is_told_when_the_first_was_refused(world: Any) -> None:
    world.given_quiet()
    world.given_queued()
    world.when_uplink()

    world.when_tx_ack("TOO_LATE", "OK")

    assert 869_525_000 == world.then_event("txack")["txInfo"]["frequency"]


def test_a_refusal_of_the_gateway_keeps_item_and_counter(world: Any) -> None:
    world.given_quiet()
    world.given_queued()
    world.when_uplink()

    world.when_tx_ack("TOO_LATE", "COLLISION_PACKET")

    event = world.then_event("log")
    assert ("ERROR", "DOWNLINK_GATEWAY", "COLLISION_PACKET", {}) == (
        event["level"],
        event["code"],
        event["description"],
        event["context"],
    )
    assert 1 == len(world.device.queue)
    assert 0 == world.device.session.f_cnt_down
    world.when_uplink()
    assert 0 == sent(world)[0].f_cnt_16


def test_a_tx_ack_counts_once_and_for_30_seconds(world: Any) -> None:
    world.given_quiet()
    world.given_queued()
    world.when_uplink()
    frame = world.downlinks[-1]
    world.when_tx_ack(of=frame)
    world.when_tx_ack(of=frame)
    world.given_queued()
    world.when_uplink()

    world.when_time_passes(31)
    world.when_tx_ack()

    assert 1 == len(world.then_events("txack"))
    assert {"tx_ack_unknown": 2} == world.then_causes()


@pytest.mark.parametrize(
    ("statuses", "cause"), [(("OK",) * 3, "tx_ack_too_long"), ((), "tx_ack_empty")]
)
def test_a_tx_ack_with_too_many_or_no_items_is_refused(
    world: Any, statuses: tuple[str, ...], cause: str
) -> None:
    world.given_quiet()
    world.given_queued()
    world.when_uplink()
    frame = world.downlinks[-1]
    ack = gw.DownlinkTxAck(gateway_id=frame.gateway_id, downlink_id=frame.downlink_id)
    for status in statuses:
        ack.items.add().status = gw.TxAckStatus.Value(status)

    world.when_gateway_says(frame.gateway_id, "ack", ack.SerializeToString())

    assert {cause: 1} == world.then_causes()


def test_a_frame_without_item_counts_silently(world: Any) -> None:
    world.given_quiet()
    world.when_uplink(confirmed=True)

    world.when_tx_ack()

    assert [] == world.then_events("txack")
    assert 1 == world.device.session.f_cnt_down


def test_a_confirmed_uplink_is_acknowledged_with_an_empty_frame(world: Any) -> None:
    world.given_quiet()

    world.when_uplink(confirmed=True)

    frame, data = sent(world)
    assert (True, True, None, b"") == (
        frame.f_ctrl.ack,
        frame.f_ctrl.adr,
        frame.f_port,
        data,
    )


def test_adr_ack_req_forces_an_answer(world: Any) -> None:
    world.given_quiet()

    world.when_uplink(f_ctrl=FCtrl(adr=True, adr_ack_req=True))

    assert 1 == len(world.downlinks)


def test_items_leave_in_the_order_they_came_and_pending_is_told(world: Any) -> None:
    world.given_quiet()
    world.given_queued(b"a")
    world.given_queued(b"b")

    world.when_uplink()
    first, data = sent(world)
    world.when_tx_ack()
    world.when_uplink()

    second, data_then = sent(world)
    assert [(b"a", True), (b"b", False)] == [
        (data, first.f_ctrl.f_pending),
        (data_then, second.f_ctrl.f_pending),
    ]
    assert (0, 1) == (first.f_cnt_16, second.f_cnt_16)


def test_a_confirmed_item_waits_for_the_ack_of_the_next_uplink(world: Any) -> None:
    world.given_quiet()
    id_ = world.given_queued(confirmed=True)
    world.when_uplink()
    assert sent(world)[0].confirmed
    world.when_tx_ack()
    assert world.device.queue[0].is_pending

    world.when_uplink(f_ctrl=FCtrl(adr=True, ack=True))

    event = world.then_event("ack")
    assert (id_, True, 0) == (
        event["queueItemId"],
        event["acknowledged"],
        event["fCntDown"],
    )
    assert world.then_events("up")[-1]["deduplicationId"] == event["deduplicationId"]
    assert [] == world.device.queue


def test_a_confirmed_item_without_ack_is_given_up_and_never_sent_again(
    world: Any,
) -> None:
    world.given_quiet()
    world.given_queued(confirmed=True)
    world.when_uplink()
    world.when_tx_ack()
    world.forget()

    world.when_uplink()

    event = world.then_event("ack")
    assert event["acknowledged"] is False
    assert world.then_event("up")["deduplicationId"] == event["deduplicationId"]
    assert ([], []) == (world.device.queue, world.downlinks)


def test_an_item_too_large_for_the_first_window_dies(world: Any) -> None:
    world.given_quiet()
    id_ = world.given_queued(bytes(60))

    world.when_uplink(dr=0)

    event = world.then_event("log")
    assert ("ERROR", "DOWNLINK_PAYLOAD_SIZE") == (event["level"], event["code"])
    assert {"max_payload_size": "51", "item_size": "60", "queue_item_id": id_} == event[
        "context"
    ]
    assert [] == world.device.queue


def test_the_same_item_lives_at_a_faster_data_rate(world: Any) -> None:
    world.given_quiet()
    world.given_queued(bytes(60))

    world.when_uplink(dr=5)

    assert bytes(60) == sent(world)[1]


def test_an_expired_item_dies_when_its_turn_comes(world: Any) -> None:
    world.given_quiet()
    id_ = world.given_queued(expires_at=world.now - 1)
    world.given_queued(b"fresh")
    world.when_time_passes(60)
    assert [] == world.events

    world.when_uplink()

    event = world.then_event("log")
    assert ("ERROR", "EXPIRED", {"queue_item_id": id_}) == (
        event["level"],
        event["code"],
        event["context"],
    )
    assert b"fresh" == sent(world)[1]


def test_an_encrypted_item_with_an_old_counter_dies(world: Any) -> None:
    world.given_quiet()
    world.device.session.f_cnt_down = 5
    id_ = world.given_queued(is_encrypted=True, f_cnt_down=4)

    world.when_uplink()

    event = world.then_event("log")
    assert (
        "F_CNT_DOWN",
        {
            "device_f_cnt_down": "5",
            "queue_item_f_cnt_down": "4",
            "queue_item_id": id_,
        },
    ) == (event["code"], event["context"])


def test_an_encrypted_item_goes_as_it_is_with_its_own_counter(world: Any) -> None:
    world.given_quiet()
    world.given_queued(b"\xde\xad\xbe\xef", is_encrypted=True, f_cnt_down=7)

    world.when_uplink()
    frame = DataFrame.parse(world.downlinks[-1].items[0].phy_payload)
    world.when_tx_ack()

    assert (b"\xde\xad\xbe\xef", 7) == (frame.frm_payload, frame.f_cnt_16)
    assert 7 == world.then_event("txack")["fCntDown"]
    assert 8 == world.device.session.f_cnt_down


def test_a_flushed_item_keeps_the_counter_when_its_ack_comes(world: Any) -> None:
    world.given_quiet()
    world.given_queued()
    world.when_uplink()
    with world.store.transaction():
        world.store.devices.flush_queue(world.device)

    world.when_tx_ack()

    assert {"tx_ack_no_item": 1} == world.then_causes()
    assert 0 == world.device.session.f_cnt_down
