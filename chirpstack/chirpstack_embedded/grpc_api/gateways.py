"""GatewayService: gateways and their state."""

from collections.abc import Callable
from typing import Any

from chirpstack_api import api
from google.protobuf.empty_pb2 import Empty

from chirpstack_embedded.grpc_api import metrics, multicast
from chirpstack_embedded.grpc_api.call import Call
from chirpstack_embedded.grpc_api.fields import parse_eui, parse_uuid, timestamp
from chirpstack_embedded.grpc_api.paging import page
from chirpstack_embedded.grpc_api.refusal import (
    invalid_argument,
    not_found,
    validation,
)
from chirpstack_embedded.store import Record
from chirpstack_embedded.store.gateways import DEFAULT_DOWNLINK_PRIORITY


def create(call: Call, request: Any) -> Any:
    """Register a gateway with a tenant."""
    gateway = _gateway(request)
    gateway.tenant_id = parse_uuid(gateway.tenant_id)
    call.require(gateway.tenant_id, write=True)
    gateway.downlink_priority = gateway.downlink_priority or DEFAULT_DOWNLINK_PRIORITY
    _check_quota(call, gateway.tenant_id)
    call.store.gateways.create(gateway, call.now)
    return Empty()


def get(call: Call, request: Any) -> Any:
    """Return a gateway; its metadata are those of its last stats."""
    record = _find(call, request.gateway_id, write=False)
    return api.GetGatewayResponse(
        gateway=record.message,
        created_at=timestamp(record.created_at),
        updated_at=timestamp(record.updated_at),
        last_seen_at=timestamp(record.last_seen_at),
    )


def update(call: Call, request: Any) -> Any:
    """Replace what a client decides; tenant and metadata stay."""
    gateway = _gateway(request)
    record = _find(call, gateway.gateway_id, write=True)
    if not gateway.name:
        raise validation("name is not set")
    if not gateway.downlink_priority:
        raise validation("downlink_priority must be > 0")
    gateway.tenant_id = record.message.tenant_id
    gateway.metadata.clear()
    gateway.metadata.update(record.message.metadata)
    call.store.gateways.update(gateway, call.now)
    return Empty()


def delete(call: Call, request: Any) -> Any:
    """Remove a gateway."""
    record = _find(call, request.gateway_id, write=True)
    call.store.gateways.delete(record.message.gateway_id)
    return Empty()


def list_(call: Call, request: Any) -> Any:
    """List the gateways of a tenant, or all for administrators."""
    tenant_id = parse_uuid(request.tenant_id) if request.tenant_id else ""
    if tenant_id:
        call.require(tenant_id, write=False)
    else:
        call.require_admin(write=False)
    records = call.store.gateways.find(tenant_id=tenant_id, search=request.search)
    if request.multicast_group_id:
        chosen = set(multicast.sender_ids(call, request.multicast_group_id))
        records = [one for one in records if one.message.gateway_id in chosen]
    order = _ORDERS.get(request.order_by, _ORDERS[api.ListGatewaysRequest.NAME])
    records.sort(key=order, reverse=request.order_by_desc)
    return api.ListGatewaysResponse(
        total_count=len(records),
        result=[
            _item(record, call.now)
            for record in page(records, request.limit, request.offset)
        ],
    )


def state(record: Record[api.Gateway], now: float) -> api.GatewayState:
    """Return the state stats give: online within two intervals (contract §1.6)."""
    if record.last_seen_at is None:
        return api.GatewayState.NEVER_SEEN
    silent_s = now - record.last_seen_at
    if silent_s > 2 * record.message.stats_interval:
        return api.GatewayState.OFFLINE
    return api.GatewayState.ONLINE


METHODS = {
    "Create": create,
    "Get": get,
    "Update": update,
    "Delete": delete,
    "List": list_,
    "GetMetrics": metrics.gateway_metrics,
    "GetDutyCycleMetrics": metrics.gateway_duty_cycle_metrics,
}

_ORDERS: dict[int, Callable[[Record[api.Gateway]], Any]] = {
    api.ListGatewaysRequest.NAME: lambda record: record.message.name,
    api.ListGatewaysRequest.GATEWAY_ID: lambda record: record.message.gateway_id,
    api.ListGatewaysRequest.LAST_SEEN_AT: lambda record: record.last_seen_at or 0.0,
}


def _item(record: Record[api.Gateway], now: float) -> api.GatewayListItem:
    gateway = record.message
    return api.GatewayListItem(
        tenant_id=gateway.tenant_id,
        gateway_id=gateway.gateway_id,
        name=gateway.name,
        description=gateway.description,
        location=gateway.location,
        properties=gateway.metadata,
        created_at=timestamp(record.created_at),
        updated_at=timestamp(record.updated_at),
        last_seen_at=timestamp(record.last_seen_at),
        state=state(record, now),
        downlink_priority=gateway.downlink_priority,
    )


def _find(call: Call, text: str, *, write: bool) -> Record[api.Gateway]:
    gateway_id = parse_eui(text)
    record = call.store.gateways.get(gateway_id)
    if record is None:
        call.require_admin(write=write)
        raise not_found(gateway_id)
    call.require(record.message.tenant_id, write=write)
    return record


def _check_quota(call: Call, tenant_id: str) -> None:
    record = call.store.tenants.get(tenant_id)
    if record is None:
        raise not_found(tenant_id)
    tenant = record.message
    if not tenant.can_have_gateways:
        raise invalid_argument("Not allowed (Tenant can not have gateways)")
    count = len(call.store.gateways.find(tenant_id=tenant_id))
    if tenant.max_gateway_count and count >= tenant.max_gateway_count:
        raise invalid_argument(
            "Not allowed (Max number of gateways exceeded for tenant)"
        )


def _gateway(request: Any) -> api.Gateway:
    if not request.HasField("gateway"):
        raise invalid_argument("gateway is missing")
    gateway = api.Gateway()
    gateway.CopyFrom(request.gateway)
    gateway.gateway_id = parse_eui(gateway.gateway_id)
    gateway.ClearField("metadata")
    # ChirpStack always answers a location, of zeros if none was given.
    gateway.location.SetInParent()
    return gateway
