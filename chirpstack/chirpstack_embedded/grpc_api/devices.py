"""DeviceService: devices; keys, activation and queue have their own modules."""

from typing import Any

from chirpstack_api import api, common
from google.protobuf.empty_pb2 import Empty

from chirpstack_embedded.grpc_api import (
    activation,
    device_keys,
    metrics,
    multicast,
    queue,
)
from chirpstack_embedded.grpc_api.applications import find as find_application
from chirpstack_embedded.grpc_api.call import Call
from chirpstack_embedded.grpc_api.device_profiles import find as find_profile
from chirpstack_embedded.grpc_api.fields import (
    parse_eui,
    parse_uuid,
    timestamp,
)
from chirpstack_embedded.grpc_api.paging import page
from chirpstack_embedded.grpc_api.refusal import (
    internal,
    invalid_argument,
    unauthenticated,
    validation,
)
from chirpstack_embedded.model import Device
from chirpstack_embedded.store import DeviceSettings

BATTERY_UNKNOWN = -1.0


def create(call: Call, request: Any) -> Any:
    """Create a device; an empty name is accepted here, as in ChirpStack."""
    settings = _settings(request)
    record = call.store.applications.get(settings.application_id)
    if record is None:
        call.require_admin(write=True)
        raise internal("Record not found")
    call.require(record.message.tenant_id, write=True)
    _check_quota(call, record.message.tenant_id)
    call.store.devices.create(settings, call.now)
    return Empty()


def get(call: Call, request: Any) -> Any:
    """Return a device."""
    device = call.device(parse_eui(request.dev_eui), write=False)
    return api.GetDeviceResponse(
        device=_message(device),
        created_at=timestamp(device.created_at),
        updated_at=timestamp(device.updated_at),
        last_seen_at=timestamp(device.last_seen_at),
        device_status=_status(device),
        class_enabled=common.DeviceClass.Value(f"CLASS_{device.enabled_class}"),
    )


def update(call: Call, request: Any) -> Any:
    """Replace what a client decides about a device."""
    settings = _settings(request)
    call.device(settings.dev_eui, write=True)
    find_application(call, settings.application_id, write=False)
    find_profile(call, settings.device_profile_id, write=False)
    if not settings.name:
        raise validation("name is not set")
    call.store.devices.update(settings, call.now)
    return Empty()


def delete(call: Call, request: Any) -> Any:
    """Remove a device, its keys and its queue."""
    device = call.device(parse_eui(request.dev_eui), write=True)
    call.store.devices.delete(device.dev_eui)
    return Empty()


def list_(call: Call, request: Any) -> Any:
    """List the devices of an application."""
    application_id = parse_uuid(request.application_id)
    profile_id = (
        parse_uuid(request.device_profile_id) if request.device_profile_id else ""
    )
    record = call.store.applications.get(application_id)
    if record is not None:
        call.require(record.message.tenant_id, write=False)
    elif not call.caller.is_admin:
        raise unauthenticated()
    devices = [
        device
        for device in call.store.devices.of_application(application_id)
        if _matches(device, request, profile_id)
    ]
    if request.multicast_group_id:
        members = set(multicast.member_euis(call, request.multicast_group_id))
        devices = [device for device in devices if device.dev_eui in members]
    # A number that the enum does not know counts as its first, as protobuf readers do.
    order = _ORDERS.get(request.order_by, _ORDERS[api.ListDevicesRequest.NAME])
    devices.sort(key=order, reverse=request.order_by_desc)
    return api.ListDevicesResponse(
        total_count=len(devices),
        result=[
            _item(device) for device in page(devices, request.limit, request.offset)
        ],
    )


METHODS = {
    "Create": create,
    "Get": get,
    "Update": update,
    "Delete": delete,
    "List": list_,
    "CreateKeys": device_keys.create_keys,
    "GetKeys": device_keys.get_keys,
    "UpdateKeys": device_keys.update_keys,
    "DeleteKeys": device_keys.delete_keys,
    "FlushDevNonces": device_keys.flush_dev_nonces,
    "Activate": activation.activate,
    "Deactivate": activation.deactivate,
    "GetActivation": activation.get_activation,
    "GetRandomDevAddr": activation.get_random_dev_addr,
    "Enqueue": queue.enqueue,
    "FlushQueue": queue.flush_queue,
    "GetQueue": queue.get_queue,
    "GetNextFCntDown": queue.get_next_f_cnt_down,
    "GetMetrics": metrics.device_metrics,
    "GetLinkMetrics": metrics.device_link_metrics,
}


_ORDERS = {
    api.ListDevicesRequest.NAME: lambda device: (device.name,),
    api.ListDevicesRequest.DEV_EUI: lambda device: (device.dev_eui,),
    api.ListDevicesRequest.LAST_SEEN_AT: lambda device: (device.last_seen_at or 0.0,),
    api.ListDevicesRequest.DEVICE_PROFILE_NAME: lambda device: (device.profile.name,),
}


def _settings(request: Any) -> DeviceSettings:
    if not request.HasField("device"):
        raise invalid_argument("device is missing")
    device = request.device
    return DeviceSettings(
        dev_eui=parse_eui(device.dev_eui),
        application_id=parse_uuid(device.application_id),
        device_profile_id=parse_uuid(device.device_profile_id),
        join_eui=parse_eui(device.join_eui),
        name=device.name,
        description=device.description,
        skip_fcnt_check=device.skip_fcnt_check,
        is_disabled=device.is_disabled,
        tags=dict(device.tags),
        variables=dict(device.variables),
    )


def _check_quota(call: Call, tenant_id: str) -> None:
    record = call.store.tenants.get(tenant_id)
    limit = record.message.max_device_count if record else 0
    if limit and call.store.devices.count_of_tenant(tenant_id) >= limit:
        raise invalid_argument(
            "Not allowed (Max number of devices exceeded for tenant)"
        )


def _message(device: Device) -> api.Device:
    return api.Device(
        dev_eui=device.dev_eui,
        name=device.name,
        description=device.description,
        application_id=device.application.id,
        device_profile_id=device.profile.id,
        skip_fcnt_check=device.skip_fcnt_check,
        is_disabled=device.is_disabled,
        variables=dict(device.variables),
        tags=dict(device.tags),
        join_eui=device.join_eui,
    )


def _status(device: Device) -> api.DeviceStatus | None:
    status = device.status
    if status is None:
        return None
    percent = status.battery_percent
    return api.DeviceStatus(
        margin=status.margin_db,
        external_power_source=status.external_power_source,
        battery_level=BATTERY_UNKNOWN if percent is None else percent,
    )


def _matches(device: Device, request: Any, profile_id: str) -> bool:
    if profile_id and device.profile.id != profile_id:
        return False
    if any(device.tags.get(key) != value for key, value in request.tags.items()):
        return False
    return request.search.lower() in device.name.lower()


def _item(device: Device) -> api.DeviceListItem:
    return api.DeviceListItem(
        dev_eui=device.dev_eui,
        created_at=timestamp(device.created_at),
        updated_at=timestamp(device.updated_at),
        last_seen_at=timestamp(device.last_seen_at),
        name=device.name,
        description=device.description,
        device_profile_id=device.profile.id,
        device_profile_name=device.profile.name,
        device_status=_status(device),
        tags=dict(device.tags),
    )
