"""One frame heard by many gateways, and who may listen (contract §1.4, §1.5)."""

import time

import pytest
from chirpstack_api import api, gw
from tests.contract.radio import uplink_frame
from tests.contract.stage import event_topic
from tests.contract.world import World

LOCK_S = 0.18  # copies are swallowed for twice the window, at least 200 ms


@pytest.mark.proves("check:6", "feature:deduplication")
def test_two_gateways_make_one_event_with_two_receptions(world: World) -> None:
    world.given_joined()
    second = world.given_gateway()
    world.when_uplink(gateways=(world.cast.gateways[0], second))

    up = world.then_event("up")

    assert 2 == len(up["rxInfo"])
    world.then_nothing()


@pytest.mark.proves("trap:4")
def test_copies_that_differ_in_tx_info_are_two_frames(world: World) -> None:
    world.given_joined()
    frames = [
        uplink_frame(
            world.session.uplink(f_cnt=0, f_port=2, payload=b"\x01"), gateway_id, number
        )
        for number, gateway_id in enumerate(
            (world.cast.gateways[0], world.given_gateway())
        )
    ]
    frames[1].tx_info.modulation.lora.preamble = 8
    for frame in frames:
        topic = event_topic(frame.rx_info.gateway_id, "up")
        world.stage.air.say(topic, frame.SerializeToString())

    up = world.stage.air.take(world.cast.event("up"))

    assert 1 == up.count(b'"gatewayId"')
    world.stage.settle()
    assert [] == world.stage.air.waiting(world.cast.event("up"))


@pytest.mark.proves("feature:deduplication")
def test_a_copy_just_after_the_window_is_swallowed(world: World) -> None:
    world.given_joined()
    up = world.cast.event("up")
    for _ in range(10):
        begun = time.monotonic()
        frame = world.when_uplink()
        world.stage.air.take(up)
        world.when_frame(frame)
        if time.monotonic() - begun < LOCK_S:
            break
        # This machine was too slow: the copy was a frame of its own.
        world.stage.air.take(world.cast.event("log"))

    world.then_nothing()


@pytest.mark.proves("check:7", "feature:private-gateways")
def test_an_unknown_gateway_is_not_heard(world: World) -> None:
    world.given_joined()
    world.when_uplink(gateways=("00000000000000ff",))

    world.then_nothing()


@pytest.mark.proves("check:7")
def test_an_unknown_gateway_beside_a_known_one_is_left_out(world: World) -> None:
    world.given_joined()
    world.when_uplink(gateways=("00000000000000ff", world.cast.gateways[0]))

    up = world.then_event("up")

    assert [world.cast.gateways[0]] == [rx["gatewayId"] for rx in up["rxInfo"]]


@pytest.mark.proves("feature:private-gateways")
def test_another_tenants_gateway_hears_for_everybody(world: World) -> None:
    world.given_joined()
    other = world.beside("other")
    other.given_device()
    world.when_uplink(gateways=(other.cast.gateways[0],))

    up = world.then_event("up")

    assert other.cast.gateways[0] == up["rxInfo"][0]["gatewayId"]


@pytest.mark.proves("feature:private-gateways")
def test_a_private_gateway_hears_for_its_tenant_only(world: World) -> None:
    world.given_joined()
    tenant = world.stage.new_tenant(name="closed", private_gateways_up=True)
    foreign = world.given_gateway(tenant)
    world.when_uplink(gateways=(foreign,))

    world.then_nothing()


@pytest.mark.proves("feature:private-gateways", "trap:10")
def test_a_frame_only_a_private_gateway_heard_does_not_count(world: World) -> None:
    world.given_joined()
    tenant = world.stage.new_tenant(name="closed", private_gateways_up=True)
    frame = world.when_uplink(gateways=(world.given_gateway(tenant),))
    world.then_nothing()
    world.stage.settle()  # copies are swallowed for 400 ms
    world.when_frame(frame)

    assert 0 == world.then_event("up")["fCnt"]


@pytest.mark.proves("feature:private-gateways")
def test_a_gateway_may_be_closed_to_foreign_downlinks(world: World) -> None:
    world.given_joined()
    tenant = world.stage.new_tenant(name="closed", private_gateways_down=True)
    foreign = world.given_gateway(tenant)
    world.when_uplink(gateways=(foreign,), confirmed=True)
    world.then_event("up")

    world.then_nothing()


def test_the_gateway_with_the_best_link_answers(world: World) -> None:
    world.given_joined()
    second = world.given_gateway()
    world.when_uplink(
        gateways=(second, world.cast.gateways[0]), confirmed=True, snr=-8.0
    )
    world.then_event("up")

    downlink = world.then_downlink(second)

    assert second == downlink.frame.gateway_id


def test_the_answer_carries_the_context_of_its_gateway(world: World) -> None:
    world.given_joined()
    world.when_uplink(confirmed=True, context=b"\x01\x02", board=3, antenna=1)
    world.then_event("up")

    tx_info = world.then_downlink().frame.items[0].tx_info

    assert (b"\x01\x02", 3, 1) == (tx_info.context, tx_info.board, tx_info.antenna)


def test_a_gateway_without_a_place_is_told_so(world: World) -> None:
    world.given_joined()
    gateway_id = world.given_gateway(location=None)
    world.when_uplink(gateways=(gateway_id,))

    up = world.then_event("up")

    assert {} == up["rxInfo"][0]["location"]


def test_two_frames_of_one_device_are_never_one(world: World) -> None:
    world.given_joined()
    world.when_uplink(b"\x01")
    first = world.then_event("up")
    world.when_uplink(b"\x02")

    second = world.then_event("up")

    assert [0, 1] == [first["fCnt"], second["fCnt"]]
    assert first["deduplicationId"] != second["deduplicationId"]


def test_a_reception_without_rx_info_or_tx_info_is_dropped(world: World) -> None:
    world.given_joined()
    frame = uplink_frame(world.session.uplink(f_cnt=0), world.cast.gateways[0])
    bare = gw.UplinkFrame(phy_payload=frame.phy_payload, rx_info=frame.rx_info)
    world.when_gateway_says("up", bare.SerializeToString())
    bare = gw.UplinkFrame(phy_payload=frame.phy_payload, tx_info=frame.tx_info)
    world.when_gateway_says("up", bare.SerializeToString())

    world.then_nothing()


@pytest.mark.proves("config:gateway.device_gateway_mapping_history_uplinks")
def test_class_c_is_sent_through_the_last_gateway(world: World) -> None:
    world.given_joined(supports_class_c=True)
    world.given_woken()
    second = world.given_gateway()
    world.when_uplink(gateways=(second,))
    world.then_event("up")
    world.stage.settle()
    item = api.DeviceQueueItem(dev_eui=world.cast.dev_eui, f_port=10, data=b"\x07")
    world.when_asked(
        "DeviceService/Enqueue", api.EnqueueDeviceQueueItemRequest(queue_item=item)
    )

    assert ["immediately"] == world.then_downlink(second).timings
