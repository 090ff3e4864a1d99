"""Multicast: groups, members, gateways, and what is sent to all (contract §2.14)."""

from typing import Any

import pytest
from chirpstack_api import api, common, gw
from tests.contract.caller import Refusal
from tests.contract.radio import Downlink
from tests.contract.world import World

from wire.lorawan.ids import DevAddr
from wire.lorawan.keys import Key
from wire.lorawan.session import Session

NWK_S_KEY, APP_S_KEY = Key(bytes(range(16))), Key(bytes(range(16, 32)))
MC_ADDR = "01aabbcc"


def group_of(world: World, **settings: Any) -> api.MulticastGroup:
    wanted = {
        "name": "street",
        "application_id": world.cast.application_id,
        "region": common.Region.EU868,
        "mc_addr": MC_ADDR,
        "mc_nwk_s_key": NWK_S_KEY.hex(),
        "mc_app_s_key": APP_S_KEY.hex(),
        "group_type": api.MulticastGroupType.CLASS_C,
        "dr": 3,
        "frequency": 869_525_000,
        **settings,
    }
    return api.MulticastGroup(**wanted)


def given_group(world: World, **settings: Any) -> str:
    request = api.CreateMulticastGroupRequest(
        multicast_group=group_of(world, **settings)
    )
    answer = world.when_asked("MulticastGroupService/Create", request)
    assert not isinstance(answer, Refusal), answer
    world.names.add(answer.id, "group")
    group_id: str = answer.id
    return group_id


def given_member(world: World, group_id: str) -> None:
    request = api.AddDeviceToMulticastGroupRequest(
        multicast_group_id=group_id, dev_eui=world.cast.dev_eui
    )
    world.when_asked("MulticastGroupService/AddDevice", request)


def given_sender(world: World, group_id: str, gateway_id: str = "") -> Any:
    gateway_id = gateway_id or world.cast.gateways[0]
    stats = gw.GatewayStats(gateway_id=gateway_id)
    stats.time.GetCurrentTime()
    world.when_gateway_says("stats", stats.SerializeToString(), gateway_id)
    world.stage.settle()
    request = api.AddGatewayToMulticastGroupRequest(
        multicast_group_id=group_id, gateway_id=gateway_id
    )
    return world.when_asked("MulticastGroupService/AddGateway", request)


def enqueue(world: World, group_id: str, data: bytes = b"\x07", **item: Any) -> Any:
    wanted = {"multicast_group_id": group_id, "f_port": 10, "data": data, **item}
    request = api.EnqueueMulticastGroupQueueItemRequest(
        queue_item=api.MulticastGroupQueueItem(**wanted)
    )
    return world.when_asked("MulticastGroupService/Enqueue", request)


def sent(world: World, gateway_id: str = "") -> Downlink:
    """Return what a gateway was told to send to the group."""
    world.cast.session = Session(
        dev_addr=DevAddr.parse(MC_ADDR), nwk_s_key=NWK_S_KEY, app_s_key=APP_S_KEY
    )
    return world.then_downlink(gateway_id)


@pytest.mark.proves(
    "grpc:MulticastGroupService/Create",
    "grpc:MulticastGroupService/Get",
    "grpc:MulticastGroupService/Update",
    "grpc:MulticastGroupService/Delete",
    "grpc:MulticastGroupService/List",
)
def test_a_groups_life(world: World) -> None:
    world.given_device()
    group_id = given_group(world)
    get = api.GetMulticastGroupRequest(id=group_id)
    world.when_asked("MulticastGroupService/Get", get)
    changed = group_of(world, id=group_id, name="square", f_cnt=7, dr=5)
    world.when_asked(
        "MulticastGroupService/Update",
        api.UpdateMulticastGroupRequest(multicast_group=changed),
    )
    listed = world.when_asked(
        "MulticastGroupService/List",
        api.ListMulticastGroupsRequest(
            application_id=world.cast.application_id, limit=10
        ),
    )
    kept = world.when_asked("MulticastGroupService/Get", get).multicast_group
    world.when_asked(
        "MulticastGroupService/Delete", api.DeleteMulticastGroupRequest(id=group_id)
    )

    assert ["square"] == [item.name for item in listed.result]
    assert (7, 5) == (kept.f_cnt, kept.dr)
    assert "NOT_FOUND" == world.when_asked("MulticastGroupService/Get", get).code


@pytest.mark.proves(
    "feature:multicast-class-c-delay",
    "grpc:MulticastGroupService/AddGateway",
    "grpc:MulticastGroupService/Enqueue",
)
def test_a_groups_item_is_sent_at_once_by_its_gateway(world: World) -> None:
    world.given_device()
    group_id = given_group(world)
    given_sender(world, group_id)
    answer = enqueue(world, group_id)

    downlink = sent(world)

    assert 0 == answer.f_cnt
    assert (["immediately"], b"\x07", 0) == (
        downlink.timings,
        downlink.clear(),
        downlink.f_cnt,
    )
    world.when_tx_ack(downlink)
    world.then_nothing()
    queue = api.ListMulticastGroupQueueRequest(multicast_group_id=group_id)
    answer = world.when_asked("MulticastGroupService/ListQueue", queue)
    assert [] == list(answer.items)


@pytest.mark.proves("feature:multicast-class-c-delay")
def test_two_gateways_send_one_after_the_other(world: World) -> None:
    world.given_device()
    group_id = given_group(world)
    given_sender(world, group_id)
    second = world.given_gateway()
    given_sender(world, group_id, second)
    enqueue(world, group_id)
    frames = {id_: sent(world, id_) for id_ in sorted(world.cast.gateways)}
    world.steps = world.steps[:-2]  # in which order is chance

    assert [0, 0] == [frame.f_cnt for frame in frames.values()]
    assert [b"\x07"] * 2 == [frame.clear() for frame in frames.values()]


@pytest.mark.proves("grpc:MulticastGroupService/Enqueue")
def test_without_gateways_nothing_is_queued_and_the_counter_goes_on(
    world: World,
) -> None:
    world.given_device()
    group_id = given_group(world)
    first = enqueue(world, group_id)
    second = enqueue(world, group_id)

    assert [0, 1] == [first.f_cnt, second.f_cnt]
    queue = api.ListMulticastGroupQueueRequest(multicast_group_id=group_id)
    answer = world.when_asked("MulticastGroupService/ListQueue", queue)
    assert [] == list(answer.items)


@pytest.mark.proves("grpc:MulticastGroupService/AddDevice", "trap:18")
def test_members_choose_the_gateway_where_none_is_named(world: World) -> None:
    world.given_joined(supports_class_c=True)
    world.given_woken()
    stats = gw.GatewayStats(gateway_id=world.cast.gateways[0])
    stats.time.GetCurrentTime()
    world.when_gateway_says("stats", stats.SerializeToString())
    world.stage.settle()
    group_id = given_group(world)
    given_member(world, group_id)
    enqueue(world, group_id)

    assert b"\x07" == sent(world).clear()


@pytest.mark.proves("grpc:MulticastGroupService/FlushQueue")
def test_a_groups_queue_is_flushed(world: World) -> None:
    world.given_device()
    group_id = given_group(world)
    given_sender(world, group_id)
    for octet in (b"\x01", b"\x02", b"\x03"):
        enqueue(world, group_id, octet)
    request = api.FlushMulticastGroupQueueRequest(multicast_group_id=group_id)
    world.when_asked("MulticastGroupService/FlushQueue", request)
    queue = api.ListMulticastGroupQueueRequest(multicast_group_id=group_id)

    answer = world.when_asked("MulticastGroupService/ListQueue", queue)

    assert [] == list(answer.items)


@pytest.mark.proves(
    "grpc:MulticastGroupService/RemoveDevice",
    "grpc:MulticastGroupService/RemoveGateway",
)
def test_members_and_gateways_come_and_go(world: World) -> None:
    world.given_device()
    group_id = given_group(world)
    given_member(world, group_id)
    given_sender(world, group_id)
    twice = api.AddDeviceToMulticastGroupRequest(
        multicast_group_id=group_id, dev_eui=world.cast.dev_eui
    )
    world.when_asked("MulticastGroupService/AddDevice", twice)
    gone = api.RemoveDeviceFromMulticastGroupRequest(
        multicast_group_id=group_id, dev_eui=world.cast.dev_eui
    )
    world.when_asked("MulticastGroupService/RemoveDevice", gone)
    away = api.RemoveGatewayFromMulticastGroupRequest(
        multicast_group_id=group_id, gateway_id=world.cast.gateways[0]
    )
    world.when_asked("MulticastGroupService/RemoveGateway", away)
    again = world.when_asked("MulticastGroupService/RemoveDevice", gone)

    listed = api.ListDevicesRequest(multicast_group_id=group_id, limit=10)
    world.when_asked("DeviceService/List", listed)
    within = api.ListDevicesRequest(
        multicast_group_id=group_id,
        application_id=world.cast.application_id,
        limit=10,
    )
    assert 0 == world.when_asked("DeviceService/List", within).total_count
    assert isinstance(again, Refusal)


@pytest.mark.proves("grpc:MulticastGroupService/AddDevice")
def test_a_member_is_of_the_same_application(world: World) -> None:
    world.given_device()
    other = world.beside("other")
    other.given_device()
    group_id = given_group(world)
    request = api.AddDeviceToMulticastGroupRequest(
        multicast_group_id=group_id, dev_eui=other.cast.dev_eui
    )
    answer = world.when_asked("MulticastGroupService/AddDevice", request)

    assert isinstance(answer, Refusal)


@pytest.mark.proves("grpc:MulticastGroupService/AddGateway")
def test_a_sender_is_of_the_same_tenant(world: World) -> None:
    world.given_device()
    other = world.beside("other")
    other.given_device()
    group_id = given_group(world)
    request = api.AddGatewayToMulticastGroupRequest(
        multicast_group_id=group_id, gateway_id=other.cast.gateways[0]
    )
    answer = world.when_asked("MulticastGroupService/AddGateway", request)

    assert isinstance(answer, Refusal)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"mc_addr": "01"},
        {"mc_nwk_s_key": "zz"},
        {"application_id": "00000000-0000-4000-8000-000000000000"},
        {"application_id": "x"},
        {"region": common.Region.US915},
        {"dr": 99},
        {"frequency": 0},
        {"mc_addr": ""},
        {"group_type": api.MulticastGroupType.CLASS_B},
        {
            "group_type": api.MulticastGroupType.CLASS_B,
            "class_b_ping_slot_periodicity": 9,
        },
        {"f_cnt": 4_294_967_295},
    ],
    ids=str,
)
def test_an_odd_group_is_taken_or_refused(world: World, wrong: dict[str, Any]) -> None:
    world.given_device()
    request = api.CreateMulticastGroupRequest(multicast_group=group_of(world, **wrong))
    answer = world.when_asked("MulticastGroupService/Create", request)
    if not isinstance(answer, Refusal):
        get = api.GetMulticastGroupRequest(id=answer.id)
        world.when_asked("MulticastGroupService/Get", get)


@pytest.mark.parametrize(
    "wrong", [{"f_port": 0}, {"f_port": 256}, {"data": b""}], ids=str
)
def test_an_odd_item_is_taken_or_refused(world: World, wrong: dict[str, Any]) -> None:
    world.given_device()
    group_id = given_group(world)
    enqueue(world, group_id, **wrong)

    get = api.GetMulticastGroupRequest(id=group_id)
    world.when_asked("MulticastGroupService/Get", get)


def test_an_item_too_large_or_expired_is_dropped_without_a_word(world: World) -> None:
    world.given_device()
    group_id = given_group(world)
    given_sender(world, group_id)
    enqueue(world, group_id, bytes(200))
    for _ in range(3):
        world.stage.settle()
    world.then_nothing()
    queue = api.ListMulticastGroupQueueRequest(multicast_group_id=group_id)

    answer = world.when_asked("MulticastGroupService/ListQueue", queue)

    assert [] == list(answer.items)


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("Create", api.CreateMulticastGroupRequest()),
        ("Update", api.UpdateMulticastGroupRequest()),
        ("Enqueue", api.EnqueueMulticastGroupQueueItemRequest()),
        ("Get", api.GetMulticastGroupRequest(id="x")),
        (
            "Delete",
            api.DeleteMulticastGroupRequest(id="00000000-0000-4000-8000-000000000000"),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_missing_is_refused(world: World, method: str, request_: Any) -> None:
    answer = world.when_asked(f"MulticastGroupService/{method}", request_)

    assert isinstance(answer, Refusal)
