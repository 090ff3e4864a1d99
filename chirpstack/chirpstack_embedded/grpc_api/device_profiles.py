"""DeviceProfileService: profiles of tenants; the vendor catalogue is not emulated."""

import uuid
from typing import Any

from chirpstack_api import api
from google.protobuf.empty_pb2 import Empty

from chirpstack_embedded.core.adr import ALGORITHMS
from chirpstack_embedded.grpc_api.call import Call
from chirpstack_embedded.grpc_api.fields import parse_uuid, timestamp
from chirpstack_embedded.grpc_api.paging import page
from chirpstack_embedded.grpc_api.profile_form import as_kept
from chirpstack_embedded.grpc_api.refusal import (
    Refused,
    invalid_argument,
    not_found,
    validation,
)
from chirpstack_embedded.store import Record

MAX_RX1_DELAY = 15


def create(call: Call, request: Any) -> Any:
    """Create a profile; proto defaults are taken literally."""
    profile = as_kept(_profile(request), is_new=True)
    profile.tenant_id = _tenant_id(profile)
    call.require(profile.tenant_id or None, write=True)
    profile.id = str(uuid.uuid4())
    call.store.device_profiles.create(profile, call.now)
    return api.CreateDeviceProfileResponse(id=profile.id)


def get(call: Call, request: Any) -> Any:
    """Return a profile."""
    record = find(call, request.id, write=False)
    return api.GetDeviceProfileResponse(
        device_profile=record.message,
        created_at=timestamp(record.created_at),
        updated_at=timestamp(record.updated_at),
    )


def update(call: Call, request: Any) -> Any:
    """Replace a profile; its tenant stays."""
    profile = as_kept(_profile(request), is_new=False)
    record = find(call, profile.id, write=True)
    profile.id = record.message.id
    profile.tenant_id = record.message.tenant_id
    call.store.device_profiles.update(profile, call.now)
    return Empty()


def delete(call: Call, request: Any) -> Any:
    """Remove a profile and, as the real server does, the devices that use it."""
    record = find(call, request.id, write=True)
    call.store.device_profiles.delete(record.message.id)
    return Empty()


def list_(call: Call, request: Any) -> Any:
    """List the profiles of a tenant, or all for administrators."""
    tenant_id = parse_uuid(request.tenant_id) if request.tenant_id else ""
    call.require(tenant_id or None, write=False)
    records = call.store.device_profiles.find(
        tenant_id=tenant_id, search=request.search
    )
    if not call.caller.is_admin:
        records = [
            record
            for record in records
            if call.caller.may_read(record.message.tenant_id or None)
        ]
    return api.ListDeviceProfilesResponse(
        total_count=len(records),
        result=[
            _item(record) for record in page(records, request.limit, request.offset)
        ],
    )


def list_adr_algorithms(_call: Call, _request: Any) -> Any:
    """List what ``adr_algorithm_id`` may be."""
    return api.ListDeviceProfileAdrAlgorithmsResponse(
        total_count=len(ALGORITHMS),
        result=[
            api.AdrAlgorithmListItem(id=id_, name=name)
            for id_, name in ALGORITHMS.items()
        ],
    )


def find(call: Call, text: str, *, write: bool) -> Record[api.DeviceProfile]:
    """Return the profile a caller has rights on."""
    profile_id = parse_uuid(text)
    record = call.store.device_profiles.get(profile_id)
    if record is None:
        call.require_admin(write=write)
        raise not_found(profile_id)
    call.require(record.message.tenant_id or None, write=write)
    return record


METHODS = {
    "Create": create,
    "Get": get,
    "Update": update,
    "Delete": delete,
    "List": list_,
    "ListAdrAlgorithms": list_adr_algorithms,
}


def _item(record: Record[api.DeviceProfile]) -> api.DeviceProfileListItem:
    profile = record.message
    return api.DeviceProfileListItem(
        id=profile.id,
        created_at=timestamp(record.created_at),
        updated_at=timestamp(record.updated_at),
        name=profile.name,
        region=profile.region,
        mac_version=profile.mac_version,
        reg_params_revision=profile.reg_params_revision,
        supports_otaa=profile.supports_otaa,
        supports_class_b=profile.supports_class_b,
        supports_class_c=profile.supports_class_c,
    )


def _tenant_id(profile: api.DeviceProfile) -> str:
    return parse_uuid(profile.tenant_id) if profile.tenant_id else ""


def _profile(request: Any) -> api.DeviceProfile:
    if not request.HasField("device_profile"):
        raise invalid_argument("device_profile is missing")
    profile = api.DeviceProfile()
    profile.CopyFrom(request.device_profile)
    if not profile.name:
        raise _twice_said("name is not set")
    if profile.rx1_delay > MAX_RX1_DELAY:
        raise _twice_said("RX1 Delay must be between 0 - 15")
    return profile


def _twice_said(message: str) -> Refused:
    # The real server wraps this one service's validations twice.
    return validation(f"Validation error: {message}")
