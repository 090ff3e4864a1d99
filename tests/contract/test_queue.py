"""The device queue: order, progress on the gateway's word, and how items die."""

import json
from datetime import datetime
from typing import Any

import pytest
from chirpstack_api import api, gw
from google.protobuf.timestamp_pb2 import Timestamp
from tests.contract.radio import Downlink
from tests.contract.stage import event_topic
from tests.contract.world import World

from wire.lorawan.fhdr import FCtrl

PAST = Timestamp(seconds=int(datetime.fromisoformat("2001-01-01T00:00Z").timestamp()))
FUTURE = Timestamp(seconds=int(datetime.fromisoformat("2100-01-01T00:00Z").timestamp()))


def uplink(world: World, **details: Any) -> Downlink:
    """Send an uplink and take what rides its windows."""
    world.when_uplink(**details)
    world.then_event("up")
    return world.then_downlink()


@pytest.mark.proves("check:8", "trap:1", "event:txack", "mqtt:gateway/event/ack")
def test_without_a_tx_ack_the_same_counter_is_used_again(world: World) -> None:
    world.given_joined()
    world.given_queued(b"\x01")
    first = uplink(world)
    second = uplink(world)
    world.when_tx_ack(second)
    txack = world.then_event("txack")
    world.given_queued(b"\x02")

    third = uplink(world)

    assert [0, 0, 1] == [first.f_cnt, second.f_cnt, third.f_cnt]
    assert [b"\x01", b"\x01", b"\x02"] == [
        first.clear(),
        second.clear(),
        third.clear(),
    ]
    assert 0 == txack["fCntDown"]


@pytest.mark.proves("check:9")
def test_a_gateways_refusal_is_logged_and_the_item_stays(world: World) -> None:
    world.given_joined()
    world.given_queued()
    world.when_tx_ack(uplink(world), "TOO_LATE")

    log = world.then_event("log")

    assert ("DOWNLINK_GATEWAY", "TOO_LATE", {}) == (
        log["code"],
        log["description"],
        log["context"],
    )
    assert 1 == len(world.then_queue())
    world.then_nothing()


def test_the_second_window_counts_as_sent(world: World) -> None:
    world.given_joined()
    world.given_queued()
    world.when_tx_ack(uplink(world), "TOO_LATE", "OK")

    txack = world.then_event("txack")

    assert 869_525_000 == txack["txInfo"]["frequency"]
    assert [] == world.then_queue()


def test_a_frame_is_settled_once(world: World) -> None:
    world.given_joined()
    world.given_queued(b"\x01")
    world.given_queued(b"\x02")
    downlink = uplink(world)
    world.when_tx_ack(downlink)
    world.then_event("txack")
    world.when_tx_ack(downlink)
    world.then_nothing()

    assert 1 == len(world.then_queue())


def test_a_tx_ack_without_items_or_with_too_many_is_not_believed(world: World) -> None:
    world.given_joined()
    world.given_queued()
    downlink = uplink(world)
    empty = gw.DownlinkTxAck(
        gateway_id=downlink.frame.gateway_id, downlink_id=downlink.frame.downlink_id
    )
    topic = event_topic(downlink.frame.gateway_id, "ack")
    world.stage.air.say(topic, empty.SerializeToString())
    world.then_nothing()

    assert 1 == len(world.then_queue())


def test_items_leave_in_order_and_the_device_learns_that_more_wait(
    world: World,
) -> None:
    world.given_joined()
    for octet in (b"\x01", b"\x02", b"\x03"):
        world.given_queued(octet)
    sent = []
    for _ in range(3):
        downlink = uplink(world)
        world.when_tx_ack(downlink)
        world.then_event("txack")
        sent.append((downlink.clear(), downlink.data().f_ctrl.f_pending))

    assert [(b"\x01", True), (b"\x02", True), (b"\x03", False)] == sent


@pytest.mark.proves("check:10", "event:ack")
def test_a_confirmed_item_is_acknowledged_by_the_next_uplink(world: World) -> None:
    world.given_joined()
    item_id = world.given_queued(confirmed=True)
    world.names.add(item_id, "item")
    world.when_tx_ack(uplink(world))
    world.then_event("txack")
    pending = world.then_queue()
    world.when_uplink(f_ctrl=FCtrl(adr=True, ack=True))
    up = world.then_event("up")

    ack = world.then_event("ack")

    assert [True] == [item.is_pending for item in pending]
    assert (True, item_id, 0) == (
        ack["acknowledged"],
        ack["queueItemId"],
        ack["fCntDown"],
    )
    assert up["deduplicationId"] == ack["deduplicationId"]
    assert [] == world.then_queue()


@pytest.mark.proves("check:10", "trap:14")
def test_a_confirmed_item_is_sent_once_and_then_not_acknowledged(world: World) -> None:
    world.given_joined()
    world.given_queued(confirmed=True)
    world.when_tx_ack(uplink(world))
    world.then_event("txack")
    world.when_uplink()
    world.then_event("up")

    ack = world.then_event("ack")

    assert ack["acknowledged"] is False
    world.then_nothing()
    assert [] == world.then_queue()


def test_an_ack_without_a_pending_item_says_nothing(world: World) -> None:
    world.given_joined()
    world.when_uplink(f_ctrl=FCtrl(adr=True, ack=True))
    world.then_event("up")

    world.then_nothing()


@pytest.mark.proves("check:11", "trap:14")
def test_an_item_too_large_for_this_data_rate_is_destroyed(world: World) -> None:
    world.given_joined()
    world.given_queued(bytes(60))
    world.when_uplink(dr=0, snr=-15.0)
    world.then_event("up")

    log = world.then_event("log")

    assert ("ERROR", "DOWNLINK_PAYLOAD_SIZE") == (log["level"], log["code"])
    assert ("51", "60") == (
        log["context"]["max_payload_size"],
        log["context"]["item_size"],
    )
    assert [] == world.then_queue()
    world.then_nothing()


def test_the_largest_item_for_a_data_rate_is_sent(world: World) -> None:
    world.given_joined()
    world.given_queued(bytes(51))

    assert bytes(51) == uplink(world, dr=0, snr=-15.0).clear()


@pytest.mark.proves("check:12", "trap:14")
def test_an_expired_item_dies_at_the_next_opportunity(world: World) -> None:
    world.given_joined()
    world.given_queued(expires_at=PAST)
    before = world.then_queue()
    world.when_uplink()
    world.then_event("up")

    log = world.then_event("log")

    assert 1 == len(before)
    assert ("ERROR", "EXPIRED", {"queue_item_id"}) == (
        log["level"],
        log["code"],
        set(log["context"]),
    )
    assert [] == world.then_queue()
    world.then_nothing()


def test_what_stands_behind_dead_items_is_sent_at_once(world: World) -> None:
    world.given_joined()
    world.given_queued(b"\x01", expires_at=PAST)
    world.given_queued(bytes(200))
    world.given_queued(b"\x03", expires_at=FUTURE)

    downlink = uplink(world)

    codes = [world.then_event("log")["code"] for _ in range(2)]
    assert {"EXPIRED", "DOWNLINK_PAYLOAD_SIZE"} == set(codes)
    assert b"\x03" == downlink.clear()


@pytest.mark.proves("grpc:DeviceService/FlushQueue")
def test_a_flush_removes_everything_without_a_word(world: World) -> None:
    world.given_joined()
    world.given_queued(b"\x01", confirmed=True)
    world.when_tx_ack(uplink(world))
    world.then_event("txack")
    world.given_queued(b"\x02")
    request = api.FlushDeviceQueueRequest(dev_eui=world.cast.dev_eui)
    world.when_asked("DeviceService/FlushQueue", request)

    assert [] == world.then_queue()
    world.then_nothing()


@pytest.mark.proves("grpc:DeviceService/Enqueue")
def test_enqueue_with_flush_keeps_what_is_pending(world: World) -> None:
    world.given_joined()
    world.given_queued(b"\x01", confirmed=True)
    world.when_tx_ack(uplink(world))
    world.then_event("txack")
    world.given_queued(b"\x02")
    item = api.DeviceQueueItem(dev_eui=world.cast.dev_eui, f_port=10, data=b"\x03")
    request = api.EnqueueDeviceQueueItemRequest(queue_item=item, flush_queue=True)
    world.when_asked("DeviceService/Enqueue", request)

    assert [b"\x01", b"\x03"] == [item.data for item in world.then_queue()]


@pytest.mark.proves("grpc:DeviceService/Enqueue")
def test_enqueue_flushes_before_it_fails(world: World) -> None:
    world.given_joined()
    world.given_queued(b"\x01")
    item = api.DeviceQueueItem(dev_eui=world.cast.dev_eui, f_port=0, data=b"\x03")
    request = api.EnqueueDeviceQueueItemRequest(queue_item=item, flush_queue=True)
    world.when_asked("DeviceService/Enqueue", request)

    assert [] == world.then_queue()


@pytest.mark.proves("grpc:DeviceService/GetQueue")
def test_the_queue_shows_what_was_asked(world: World) -> None:
    world.given_joined()
    world.given_queued(b"\x01", confirmed=True, f_port=7, expires_at=FUTURE)
    world.given_queued(b"\x02", id="c2c1d1a7-42a8-4a5f-9d5c-6f1b8fc0a9b2")

    first, second = world.then_queue()

    assert (True, 7, FUTURE) == (first.confirmed, first.f_port, first.expires_at)
    assert "c2c1d1a7-42a8-4a5f-9d5c-6f1b8fc0a9b2" != second.id


def test_count_only_has_no_effect(world: World) -> None:
    world.given_joined()
    world.given_queued()
    request = api.GetDeviceQueueItemsRequest(
        dev_eui=world.cast.dev_eui, count_only=True
    )

    answer = world.when_asked("DeviceService/GetQueue", request)

    assert (1, 1) == (answer.total_count, len(answer.result))


@pytest.mark.proves("grpc:DeviceService/Deactivate")
def test_deactivation_empties_the_queue_and_ends_the_session(world: World) -> None:
    world.given_joined()
    world.given_queued()
    request = api.DeactivateDeviceRequest(dev_eui=world.cast.dev_eui)
    world.when_asked("DeviceService/Deactivate", request)
    activation = world.when_asked(
        "DeviceService/GetActivation",
        api.GetDeviceActivationRequest(dev_eui=world.cast.dev_eui),
    )
    world.when_uplink()

    assert [] == world.then_queue()
    assert not activation.HasField("device_activation")
    world.then_nothing()


@pytest.mark.proves("grpc:DeviceService/GetNextFCntDown")
def test_the_next_counter_of_a_fresh_queue_is_one(world: World) -> None:
    world.given_joined()
    request = api.GetDeviceNextFCntDownRequest(dev_eui=world.cast.dev_eui)

    answer = world.when_asked("DeviceService/GetNextFCntDown", request)

    assert 1 == answer.f_cnt_down


def test_the_next_counter_follows_what_was_sent(world: World) -> None:
    world.given_joined()
    for octet in (b"\x01", b"\x02", b"\x03"):
        world.given_queued(octet)
        world.when_tx_ack(uplink(world))
        world.then_event("txack")
    request = api.GetDeviceNextFCntDownRequest(dev_eui=world.cast.dev_eui)

    assert 3 == world.when_asked("DeviceService/GetNextFCntDown", request).f_cnt_down


@pytest.mark.proves("feature:encrypted-downlink")
def test_an_item_encrypted_by_the_client_is_sent_as_it_is(world: World) -> None:
    world.given_joined()
    clear = b"\x03\x00\xc8"
    sealed = sealed_by_client(world, clear, f_cnt_down=0)
    world.given_queued(sealed, is_encrypted=True, f_cnt_down=0)

    assert clear == uplink(world).clear()


@pytest.mark.proves("feature:encrypted-downlink")
def test_an_encrypted_item_with_a_spent_counter_is_destroyed(world: World) -> None:
    world.given_joined()
    world.given_queued(b"\x01")
    world.when_tx_ack(uplink(world))
    world.then_event("txack")
    sealed = sealed_by_client(world, b"\x02", f_cnt_down=0)
    world.given_queued(sealed, is_encrypted=True, f_cnt_down=0)
    world.when_uplink()
    world.then_event("up")

    log = world.then_event("log")

    assert "F_CNT_DOWN" == log["code"]
    assert ("1", "0") == (
        log["context"]["device_f_cnt_down"],
        log["context"]["queue_item_f_cnt_down"],
    )


@pytest.mark.proves("trap:2", "feature:rx1-delay-window")
def test_a_longer_rx1_delay_gives_the_application_time_to_answer(world: World) -> None:
    world.given_joined(rx1_delay=2)
    world.when_tx_ack(uplink(world))  # RXTimingSetupReq
    world.when_uplink(f_opts=b"\x08")
    world.then_event("up")
    world.when_tx_ack(world.then_downlink())
    world.when_uplink()
    world.then_event("up")
    world.given_queued(b"\x07")

    downlink = world.then_downlink()

    assert ["2s", "3s"] == downlink.timings
    assert b"\x07" == downlink.clear()


@pytest.mark.proves("trap:2")
def test_an_item_that_comes_after_the_window_waits_for_the_next_uplink(
    world: World,
) -> None:
    world.given_joined()
    world.when_tx_ack(uplink(world, confirmed=True))
    world.given_queued(b"\x07")
    world.then_no_downlink()

    assert b"\x07" == uplink(world).clear()


def sealed_by_client(world: World, clear: bytes, f_cnt_down: int) -> bytes:
    """Encrypt as an application with the AppSKey would."""
    frame = world.session.downlink(f_cnt=f_cnt_down, f_port=10, payload=clear)
    return frame[9:-4]


@pytest.mark.proves("grpc:InternalService/StreamDeviceEvents")
def test_the_stream_of_events_repeats_what_was_published(world: World) -> None:
    world.given_joined()
    world.when_uplink()
    up = world.then_event("up")
    request = api.StreamDeviceEventsRequest(dev_eui=world.cast.dev_eui)
    stream = world.stage.caller.follow("InternalService/StreamDeviceEvents", request)
    seen = {}
    for item in stream:
        seen[item.description] = item
        if "up" in seen:
            break
    stream.cancel()

    assert up == json.loads(seen["up"].body)
    assert {"DR": "3", "FPort": "2", "FCnt": "0", "Data": "01"} == dict(
        seen["up"].properties
    )
    assert {"DevAddr": str(world.session.dev_addr)} == dict(seen["join"].properties)
