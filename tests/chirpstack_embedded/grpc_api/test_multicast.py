"""MulticastGroupService through the real stubs (contract §2.14, §5.4)."""

from typing import Any

import pytest
from chirpstack_api import api, common
from tests.chirpstack_embedded.grpc_api.site import EUI, NOBODY, Code, Site, refused

from chirpstack_embedded.store.schema import DEFAULT_TENANT_ID

GATEWAY = "0016c001f1500a2b"
KEY = "2b7e151628aed2a6abf7158809cf4f3c"
OTHER_KEY = "603deb1015ca71be2b73aef0857d7781"


def wanted(application_id: str, **other: Any) -> api.MulticastGroup:
    return api.MulticastGroup(
        **{
            "name": "Rue Vestrepain",
            "application_id": application_id,
            "region": common.Region.EU868,
            "mc_addr": "01A7C3FF",
            "mc_nwk_s_key": KEY.upper(),
            "mc_app_s_key": OTHER_KEY,
            "f_cnt": 20,
            "dr": 3,
            "frequency": 869_525_000,
            **other,
        }
    )


def created(at: Site, application_id: str = "", **other: Any) -> str:
    message = wanted(application_id or at.application(), **other)
    request = api.CreateMulticastGroupRequest(multicast_group=message)
    group_id: str = at.admin.MulticastGroup.Create(request).id
    return group_id


def read(at: Site, group_id: str) -> api.MulticastGroup:
    request = api.GetMulticastGroupRequest(id=group_id)
    return at.admin.MulticastGroup.Get(request).multicast_group


def gateway(at: Site, tenant_id: str = DEFAULT_TENANT_ID, id_: str = GATEWAY) -> None:
    message = api.Gateway(gateway_id=id_, name="g", tenant_id=tenant_id)
    at.admin.Gateway.Create(api.CreateGatewayRequest(gateway=message))


def add_gateway(at: Site, group_id: str, id_: str = GATEWAY) -> None:
    at.admin.MulticastGroup.AddGateway(
        api.AddGatewayToMulticastGroupRequest(
            multicast_group_id=group_id, gateway_id=id_
        )
    )


def item(group_id: str, **other: Any) -> api.EnqueueMulticastGroupQueueItemRequest:
    return api.EnqueueMulticastGroupQueueItemRequest(
        queue_item=api.MulticastGroupQueueItem(
            **{
                "multicast_group_id": group_id,
                "f_port": 60,
                "data": b"\x01\xfe\x3c",
                **other,
            }
        )
    )


def queue(at: Site, group_id: str) -> Any:
    request = api.ListMulticastGroupQueueRequest(multicast_group_id=group_id)
    return at.admin.MulticastGroup.ListQueue(request).items


@pytest.mark.proves(
    "grpc:MulticastGroupService/Create", "grpc:MulticastGroupService/Get"
)
def test_a_group_is_kept_as_given_with_small_letters(site: Site) -> None:
    application_id = site.application()
    group_id = created(site, application_id)

    expected = wanted(application_id, id=group_id, mc_addr="01a7c3ff", mc_nwk_s_key=KEY)
    assert expected == read(site, group_id)


@pytest.mark.proves("grpc:MulticastGroupService/Update")
def test_an_update_replaces_all_but_the_application(site: Site) -> None:
    application_id = site.application()
    group_id = created(site, application_id)
    message = wanted(NOBODY, id=group_id, name="Rue Danièle", f_cnt=400, dr=5)

    site.admin.MulticastGroup.Update(
        api.UpdateMulticastGroupRequest(multicast_group=message)
    )

    found = read(site, group_id)
    assert (application_id, "Rue Danièle", 400, 5) == (
        found.application_id,
        found.name,
        found.f_cnt,
        found.dr,
    )


@pytest.mark.proves("grpc:MulticastGroupService/Delete")
def test_a_deleted_group_is_gone(site: Site) -> None:
    group_id = created(site)

    site.admin.MulticastGroup.Delete(api.DeleteMulticastGroupRequest(id=group_id))

    assert (Code.NOT_FOUND, f"Object does not exist (id: {group_id})") == refused(
        site.admin.MulticastGroup.Get, api.GetMulticastGroupRequest(id=group_id)
    )


@pytest.mark.parametrize(
    ("other", "code", "message"),
    [
        ({"name": ""}, Code.INVALID_ARGUMENT, "Validation error: name is not set"),
        ({"mc_addr": "01"}, Code.INTERNAL, "Invalid string length"),
        ({"mc_app_s_key": "0"}, Code.INTERNAL, "Odd number of digits"),
    ],
)
def test_a_wrong_group_is_refused_with_the_reason(
    site: Site,
    other: Any,
    code: Any,
    message: str,
) -> None:
    request = api.CreateMulticastGroupRequest(
        multicast_group=wanted(site.application(), **other)
    )

    assert (code, message) == refused(site.admin.MulticastGroup.Create, request)


@pytest.mark.proves("grpc:MulticastGroupService/List")
def test_groups_are_listed_by_application_device_and_name(site: Site) -> None:
    device = site.device()
    first = created(site, device.application_id, name="north")
    created(site, device.application_id, name="south")
    created(site, name="north of elsewhere")
    site.admin.MulticastGroup.AddDevice(
        api.AddDeviceToMulticastGroupRequest(multicast_group_id=first, dev_eui=EUI)
    )

    def names(**asked: Any) -> list[str]:
        request = api.ListMulticastGroupsRequest(limit=10, **asked)
        answer = site.admin.MulticastGroup.List(request)
        assert answer.total_count == len(answer.result)
        return [one.name for one in answer.result]

    assert ["north", "north of elsewhere", "south"] == names()
    assert ["north", "south"] == names(application_id=device.application_id)
    assert ["north"] == names(dev_eui=EUI)
    assert ["south"] == names(search="outh")


@pytest.mark.proves(
    "grpc:MulticastGroupService/AddDevice", "grpc:MulticastGroupService/RemoveDevice"
)
def test_a_member_is_a_device_of_the_same_application(site: Site) -> None:
    device = site.device()
    ours, foreign = created(site, device.application_id), created(site)
    asked = api.AddDeviceToMulticastGroupRequest(multicast_group_id=ours, dev_eui=EUI)
    site.admin.MulticastGroup.AddDevice(asked)

    listed = site.admin.Device.List(
        api.ListDevicesRequest(
            limit=10, application_id=device.application_id, multicast_group_id=ours
        )
    )
    twice = refused(site.admin.MulticastGroup.AddDevice, asked)
    asked.multicast_group_id = foreign

    assert [EUI] == [one.dev_eui for one in listed.result]
    assert (Code.INTERNAL, True) == (twice[0], "UNIQUE" in twice[1])
    assert (Code.NOT_FOUND, f"Object does not exist (id: {EUI})") == refused(
        site.admin.MulticastGroup.AddDevice, asked
    )
    leave = api.RemoveDeviceFromMulticastGroupRequest(
        multicast_group_id=ours, dev_eui=EUI
    )
    site.admin.MulticastGroup.RemoveDevice(leave)
    assert Code.NOT_FOUND == refused(site.admin.MulticastGroup.RemoveDevice, leave)[0]


@pytest.mark.proves(
    "grpc:MulticastGroupService/AddGateway",
    "grpc:MulticastGroupService/RemoveGateway",
)
def test_a_groups_gateway_is_one_of_the_same_tenant(site: Site) -> None:
    gateway(site)
    stranger = "0016c001f1500a2c"
    gateway(site, site.tenant(can_have_gateways=True), stranger)
    group_id = created(site)
    add_gateway(site, group_id)

    foreign = api.AddGatewayToMulticastGroupRequest(
        multicast_group_id=group_id, gateway_id=stranger
    )
    listed = site.admin.Gateway.List(
        api.ListGatewaysRequest(limit=10, multicast_group_id=group_id)
    )

    assert [GATEWAY] == [one.gateway_id for one in listed.result]
    assert (Code.NOT_FOUND, f"Object does not exist (id: {stranger})") == refused(
        site.admin.MulticastGroup.AddGateway, foreign
    )
    site.admin.MulticastGroup.RemoveGateway(
        api.RemoveGatewayFromMulticastGroupRequest(
            multicast_group_id=group_id, gateway_id=GATEWAY
        )
    )
    listed = site.admin.Gateway.List(
        api.ListGatewaysRequest(limit=10, multicast_group_id=group_id)
    )
    assert 0 == listed.total_count


@pytest.mark.proves(
    "grpc:MulticastGroupService/Enqueue",
    "grpc:MulticastGroupService/ListQueue",
    "grpc:MulticastGroupService/FlushQueue",
)
def test_a_frame_takes_the_counter_and_is_listed_once(site: Site) -> None:
    gateway(site)
    gateway(site, id_="0016c001f1500a2c")
    group_id = created(site)
    add_gateway(site, group_id)
    add_gateway(site, group_id, "0016c001f1500a2c")

    counters = [
        site.admin.MulticastGroup.Enqueue(item(group_id, data=data)).f_cnt
        for data in (b"\x01", b"\x02")
    ]

    assert [20, 21] == counters
    assert [(20, b"\x01"), (21, b"\x02")] == [
        (one.f_cnt, one.data) for one in queue(site, group_id)
    ]
    assert 22 == read(site, group_id).f_cnt
    site.admin.MulticastGroup.FlushQueue(
        api.FlushMulticastGroupQueueRequest(multicast_group_id=group_id)
    )
    assert [] == list(queue(site, group_id))


def test_without_a_gateway_the_counter_moves_and_nothing_waits(site: Site) -> None:
    group_id = created(site)

    answer = site.admin.MulticastGroup.Enqueue(item(group_id))

    assert (20, 21) == (answer.f_cnt, read(site, group_id).f_cnt)
    assert [] == list(queue(site, group_id))


@pytest.mark.parametrize("f_port", [0, 256])
def test_a_port_that_is_none_is_refused(site: Site, f_port: int) -> None:
    group_id = created(site)

    assert (
        Code.INTERNAL,
        "Validation error: FPort must be between 1 - 255",
    ) == refused(site.admin.MulticastGroup.Enqueue, item(group_id, f_port=f_port))


def test_nobody_sees_or_uses_a_group_of_another_tenant(site: Site) -> None:
    group_id = created(site)
    stranger = site.key(tenant_id=site.tenant()).token
    theirs = type(site.admin)(site.channel, stranger).MulticastGroup
    asked = api.GetMulticastGroupRequest(id=group_id)

    assert (Code.UNAUTHENTICATED, "") == refused(theirs.Get, asked)
    assert (Code.UNAUTHENTICATED, "") == refused(theirs.Enqueue, item(group_id))
    everything = api.ListMulticastGroupsRequest(limit=10)
    assert (Code.UNAUTHENTICATED, "") == refused(theirs.List, everything)


def test_a_key_that_only_reads_cannot_send(site: Site) -> None:
    group_id = created(site)
    reader = site.key(tenant_id=DEFAULT_TENANT_ID, is_read_only=True).token
    groups = type(site.admin)(site.channel, reader).MulticastGroup

    assert (
        group_id
        == groups.Get(api.GetMulticastGroupRequest(id=group_id)).multicast_group.id
    )
    assert (Code.UNAUTHENTICATED, "") == refused(groups.Enqueue, item(group_id))
