"""TenantService."""

import uuid
from string import hexdigits
from typing import Any

from chirpstack_api import api
from google.protobuf.empty_pb2 import Empty

from chirpstack_embedded.grpc_api.call import Call
from chirpstack_embedded.grpc_api.fields import parse_uuid, timestamp
from chirpstack_embedded.grpc_api.paging import page
from chirpstack_embedded.grpc_api.refusal import (
    invalid_argument,
    not_found,
    validation,
)

_DIGITS = 8
_DEV_ADDR_BITS = 32


def create(call: Call, request: Any) -> Any:
    """Create a tenant."""
    tenant = _tenant(request)
    call.require_admin(write=True)
    tenant.id = str(uuid.uuid4())
    call.store.tenants.create(tenant, call.now)
    return api.CreateTenantResponse(id=tenant.id)


def get(call: Call, request: Any) -> Any:
    """Return a tenant."""
    tenant_id = parse_uuid(request.id)
    call.require(tenant_id, write=False)
    record = call.store.tenants.get(tenant_id)
    if record is None:
        raise not_found(tenant_id)
    return api.GetTenantResponse(
        tenant=record.message,
        created_at=timestamp(record.created_at),
        updated_at=timestamp(record.updated_at),
    )


def update(call: Call, request: Any) -> Any:
    """Replace a tenant."""
    tenant = _tenant(request)
    tenant.id = parse_uuid(tenant.id)
    call.require_admin(write=True)
    if not call.store.tenants.update(tenant, call.now):
        raise not_found(tenant.id)
    return Empty()


def delete(call: Call, request: Any) -> Any:
    """Remove a tenant and all it owns."""
    tenant_id = parse_uuid(request.id)
    call.require_admin(write=True)
    if not call.store.tenants.delete(tenant_id):
        raise not_found(tenant_id)
    return Empty()


def list_(call: Call, request: Any) -> Any:
    """List tenants."""
    call.require_admin(write=False)
    records = call.store.tenants.find(search=request.search)
    return api.ListTenantsResponse(
        total_count=len(records),
        result=[
            api.TenantListItem(
                id=record.message.id,
                created_at=timestamp(record.created_at),
                updated_at=timestamp(record.updated_at),
                name=record.message.name,
                can_have_gateways=record.message.can_have_gateways,
                private_gateways_up=record.message.private_gateways_up,
                private_gateways_down=record.message.private_gateways_down,
                max_gateway_count=record.message.max_gateway_count,
                max_device_count=record.message.max_device_count,
            )
            for record in page(records, request.limit, request.offset)
        ],
    )


METHODS = {
    "Create": create,
    "Get": get,
    "Update": update,
    "Delete": delete,
    "List": list_,
}


def _tenant(request: Any) -> api.Tenant:
    if not request.HasField("tenant"):
        raise invalid_argument("tenant is missing")
    if not request.tenant.name:
        raise validation("name is not set")
    tenant = api.Tenant()
    tenant.CopyFrom(request.tenant)
    tenant.dev_addr_prefixes[:] = map(_prefix, request.tenant.dev_addr_prefixes)
    return tenant


def _prefix(text: str) -> str:
    """Return ``00000000/0``; a bare DevAddr is a prefix of all its bits."""
    address, _, size = text.partition("/")
    bits = int(size) if size.isdecimal() else _DEV_ADDR_BITS
    if (
        len(address) != _DIGITS
        or bits > _DEV_ADDR_BITS
        or (size and not size.isdecimal())
    ):
        raise invalid_argument(
            f"Invalid DevAddr prefix: {text}, error: DevAddrPrefix must be in the form"
            " 00000000/0"
        )
    for index, character in enumerate(address):
        if character not in hexdigits:
            raise invalid_argument(
                f"Invalid DevAddr prefix: {text}, error: Invalid character"
                f" '{character}' at position {index}"
            )
    return f"{address.lower()}/{bits}"
