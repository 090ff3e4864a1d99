"""ApplicationService: the applications themselves, without their integrations."""

import uuid
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
from chirpstack_embedded.store import Record


def create(call: Call, request: Any) -> Any:
    """Create an application."""
    application = _application(request)
    application.tenant_id = parse_uuid(application.tenant_id)
    call.require(application.tenant_id, write=True)
    application.id = str(uuid.uuid4())
    call.store.applications.create(application, call.now)
    return api.CreateApplicationResponse(id=application.id)


def get(call: Call, request: Any) -> Any:
    """Return an application."""
    record = find(call, request.id, write=False)
    return api.GetApplicationResponse(
        application=record.message,
        created_at=timestamp(record.created_at),
        updated_at=timestamp(record.updated_at),
    )


def update(call: Call, request: Any) -> Any:
    """Replace name, description and tags."""
    application = _application(request)
    application.id = parse_uuid(application.id)
    record = find(call, application.id, write=True)
    application.tenant_id = record.message.tenant_id
    call.store.applications.update(application, call.now)
    return Empty()


def delete(call: Call, request: Any) -> Any:
    """Remove an application and its devices."""
    record = find(call, request.id, write=True)
    call.store.applications.delete(record.message.id)
    return Empty()


def list_(call: Call, request: Any) -> Any:
    """List the applications of a tenant."""
    tenant_id = parse_uuid(request.tenant_id)
    call.require(tenant_id, write=False)
    records = call.store.applications.find(tenant_id=tenant_id, search=request.search)
    return api.ListApplicationsResponse(
        total_count=len(records),
        result=[
            api.ApplicationListItem(
                id=record.message.id,
                created_at=timestamp(record.created_at),
                updated_at=timestamp(record.updated_at),
                name=record.message.name,
                description=record.message.description,
            )
            for record in page(records, request.limit, request.offset)
        ],
    )


def find(call: Call, text: str, *, write: bool) -> Record[api.Application]:
    """Return the application a caller has rights on."""
    application_id = parse_uuid(text)
    record = call.store.applications.get(application_id)
    if record is None:
        call.require_admin(write=write)
        raise not_found(application_id)
    call.require(record.message.tenant_id, write=write)
    return record


METHODS = {
    "Create": create,
    "Get": get,
    "Update": update,
    "Delete": delete,
    "List": list_,
}


def _application(request: Any) -> api.Application:
    if not request.HasField("application"):
        raise invalid_argument("application is missing")
    if not request.application.name:
        raise validation("name is not set")
    application = api.Application()
    application.CopyFrom(request.application)
    return application
