"""MulticastGroupService: groups, their members, gateways and queue (contract §2.14)."""

import uuid
from typing import Any

from chirpstack_api import api
from google.protobuf.empty_pb2 import Empty

from chirpstack_embedded.core.downlink_queue import F_PORT_RULE
from chirpstack_embedded.core.multicast import Wanted, covering_gateways, schedule
from chirpstack_embedded.grpc_api import applications
from chirpstack_embedded.grpc_api.call import Call
from chirpstack_embedded.grpc_api.fields import (
    parse_dev_addr,
    parse_eui,
    parse_key,
    parse_uuid,
    timestamp,
    unix_seconds,
)
from chirpstack_embedded.grpc_api.paging import page
from chirpstack_embedded.grpc_api.refusal import (
    internal,
    invalid_argument,
    not_found,
    validation,
)
from chirpstack_embedded.store.multicast import StoredGroup

LARGEST_F_PORT = 255


def create(call: Call, request: Any) -> Any:
    """Create a group in an application."""
    group = _group(request)
    application_id = parse_uuid(group.application_id)
    record = call.store.applications.get(application_id)
    if record is None:
        call.require_admin(write=True)
    else:
        call.require(record.message.tenant_id, write=True)
    group.id, group.application_id = str(uuid.uuid4()), application_id
    call.store.multicast.create(group, call.now)
    return api.CreateMulticastGroupResponse(id=group.id)


def get(call: Call, request: Any) -> Any:
    """Return a group with its keys."""
    stored = _find(call, request.id, write=False)
    return api.GetMulticastGroupResponse(
        multicast_group=stored.message,
        created_at=timestamp(stored.created_at),
        updated_at=timestamp(stored.updated_at),
    )


def update(call: Call, request: Any) -> Any:
    """Replace a group; its application stays."""
    if not request.HasField("multicast_group"):
        raise invalid_argument("multicast_group is missing")
    stored = _find(call, request.multicast_group.id, write=True)
    group = _group(request)
    group.id, group.application_id = stored.message.id, stored.message.application_id
    call.store.multicast.update(group, call.now)
    return Empty()


def delete(call: Call, request: Any) -> Any:
    """Remove a group."""
    stored = _find(call, request.id, write=True)
    call.store.multicast.delete(stored.message.id)
    return Empty()


def list_(call: Call, request: Any) -> Any:
    """List the groups of a tenant or an application; everything for administrators."""
    tenant_id = parse_uuid(request.tenant_id) if request.tenant_id else ""
    application_id = ""
    if request.application_id:
        found = applications.find(call, request.application_id, write=False)
        application_id = found.message.id
    elif tenant_id:
        call.require(tenant_id, write=False)
    else:
        call.require_admin(write=False)
    groups = call.store.multicast.find(
        tenant_id=tenant_id,
        application_id=application_id,
        dev_eui=parse_eui(request.dev_eui) if request.dev_eui else "",
        search=request.search,
    )
    return api.ListMulticastGroupsResponse(
        total_count=len(groups),
        result=[_item(one) for one in page(groups, request.limit, request.offset)],
    )


def add_device(call: Call, request: Any) -> Any:
    """Make a device of the same application a member."""
    group = _find(call, request.multicast_group_id, write=True).message
    dev_eui = parse_eui(request.dev_eui)
    device = call.store.devices.get(dev_eui)
    if device is None or device.application.id != group.application_id:
        raise not_found(dev_eui)
    call.store.multicast.add_device(group.id, dev_eui, call.now)
    return Empty()


def remove_device(call: Call, request: Any) -> Any:
    """Take a member out."""
    group = _find(call, request.multicast_group_id, write=True).message
    dev_eui = parse_eui(request.dev_eui)
    if not call.store.multicast.remove_device(group.id, dev_eui):
        raise not_found(f"multicast-group: {group.id}, device: {dev_eui}")
    return Empty()


def add_gateway(call: Call, request: Any) -> Any:
    """Have a gateway of the same tenant send for the group."""
    group = _find(call, request.multicast_group_id, write=True).message
    gateway_id = parse_eui(request.gateway_id)
    gateway = call.store.gateways.view(gateway_id)
    if gateway is None or gateway.tenant_id != _tenant_id(call, group):
        raise not_found(gateway_id)
    call.store.multicast.add_gateway(group.id, gateway_id, call.now)
    return Empty()


def remove_gateway(call: Call, request: Any) -> Any:
    """Take a gateway out."""
    group = _find(call, request.multicast_group_id, write=True).message
    gateway_id = parse_eui(request.gateway_id)
    if not call.store.multicast.remove_gateway(group.id, gateway_id):
        raise not_found(f"multicast-group: {group.id}, gateway: {gateway_id}")
    return Empty()


def enqueue(call: Call, request: Any) -> Any:
    """
    Queue one frame for every gateway of the group; return its counter.

    Without any gateway nothing is queued, yet the counter moves, as in ChirpStack.
    """
    if not request.HasField("queue_item"):
        raise invalid_argument("queue_item is missing")
    wanted = request.queue_item
    group_id = _find(call, wanted.multicast_group_id, write=True).message.id
    if not 0 < wanted.f_port <= LARGEST_F_PORT:
        # The real server calls this one INTERNAL; its words are the usual ones.
        raise internal(f"Validation error: {F_PORT_RULE}")
    groups = call.store.multicast
    group = groups.get(group_id)
    if group is None:
        raise not_found(group_id)
    expires = wanted.HasField("expires_at")
    items = schedule(
        group,
        Wanted(
            f_port=wanted.f_port,
            data=wanted.data,
            expires_at=unix_seconds(wanted.expires_at) if expires else None,
        ),
        _gateway_ids(call, group_id),
        groups.queue(group_id),
        settings=call.services.configuration.network.scheduler,
        now=call.now,
    )
    groups.enqueue(items, group_id, group.f_cnt + 1)
    return api.EnqueueMulticastGroupQueueItemResponse(f_cnt=group.f_cnt)


def flush_queue(call: Call, request: Any) -> Any:
    """Remove everything that waits, silently."""
    group = _find(call, request.multicast_group_id, write=True).message
    call.store.multicast.flush(group.id)
    return Empty()


def list_queue(call: Call, request: Any) -> Any:
    """List the frames that wait, each once however many gateways have it."""
    group = _find(call, request.multicast_group_id, write=False).message
    by_f_cnt = {
        item.f_cnt: item for item in reversed(call.store.multicast.queue(group.id))
    }
    return api.ListMulticastGroupQueueResponse(
        items=[
            api.MulticastGroupQueueItem(
                multicast_group_id=group.id,
                f_cnt=item.f_cnt,
                f_port=item.f_port,
                data=item.data,
                expires_at=timestamp(item.expires_at),
            )
            for item in reversed(by_f_cnt.values())
        ]
    )


METHODS = {
    "Create": create,
    "Get": get,
    "Update": update,
    "Delete": delete,
    "List": list_,
    "AddDevice": add_device,
    "RemoveDevice": remove_device,
    "AddGateway": add_gateway,
    "RemoveGateway": remove_gateway,
    "Enqueue": enqueue,
    "FlushQueue": flush_queue,
    "ListQueue": list_queue,
}


def member_euis(call: Call, text: str) -> list[str]:
    """Return the members of a group the caller may see, for other services."""
    return call.store.multicast.dev_euis(_find(call, text, write=False).message.id)


def sender_ids(call: Call, text: str) -> list[str]:
    """Return the gateways put into a group the caller may see."""
    return call.store.multicast.gateway_ids(_find(call, text, write=False).message.id)


def _find(call: Call, text: str, *, write: bool) -> StoredGroup:
    group_id = parse_uuid(text)
    stored = call.store.multicast.stored(group_id)
    if stored is None:
        call.require_admin(write=write)
        raise not_found(group_id)
    call.require(_tenant_id(call, stored.message), write=write)
    return stored


def _tenant_id(call: Call, group: api.MulticastGroup) -> str:
    record = call.store.applications.get(group.application_id)
    return record.message.tenant_id if record else ""


def _gateway_ids(call: Call, group_id: str) -> list[str]:
    groups = call.store.multicast
    chosen = groups.gateway_ids(group_id)
    if chosen:
        return chosen
    members = (call.store.devices.get(eui) for eui in groups.dev_euis(group_id))
    sessions = [device.session for device in members if device is not None]
    found = covering_gateways(one.gateway_history for one in sessions if one)
    return [one for one in found if call.store.gateways.view(one) is not None]


def _group(request: Any) -> api.MulticastGroup:
    if not request.HasField("multicast_group"):
        raise invalid_argument("multicast_group is missing")
    group = api.MulticastGroup()
    group.CopyFrom(request.multicast_group)
    group.application_id = parse_uuid(group.application_id or str(uuid.UUID(int=0)))
    group.mc_addr = parse_dev_addr(group.mc_addr)
    group.mc_nwk_s_key = parse_key(group.mc_nwk_s_key).hex()
    group.mc_app_s_key = parse_key(group.mc_app_s_key).hex()
    if not group.name:
        raise validation("name is not set")
    return group


def _item(stored: StoredGroup) -> api.MulticastGroupListItem:
    group = stored.message
    return api.MulticastGroupListItem(
        id=group.id,
        created_at=timestamp(stored.created_at),
        updated_at=timestamp(stored.updated_at),
        name=group.name,
        region=group.region,
        group_type=group.group_type,
        application_id=group.application_id,
        application_name=stored.application_name,
    )
