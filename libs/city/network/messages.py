"""From ChirpStack's API messages to our objects and back."""

from typing import Any

from chirpstack_api import api, common
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message

from city.errors import Invalid
from city.objects import (
    Activation,
    Device,
    DeviceProfile,
    Gateway,
    ListedDevice,
    ListedGateway,
    Named,
    QueueItem,
)


def named(item: Any) -> Named:
    """Read an item of which id and name matter."""
    return Named(id=item.id, name=item.name)


def profile(fields: DeviceProfile, asked: str) -> Message:
    """Make a device profile of its fields; Invalid names what is none."""
    try:
        message: Message = ParseDict(dict(fields), api.DeviceProfile())
    except ParseError as error:
        sentence = str(error).partition("\n")[0]
        raise Invalid(f"{asked}: {sentence}") from error
    return message


def listed_device(item: Any) -> ListedDevice:
    """Read a device in a list."""
    return ListedDevice(
        dev_eui=item.dev_eui,
        name=item.name,
        description=item.description,
        device_profile_id=item.device_profile_id,
        device_profile_name=item.device_profile_name,
        last_seen_at=instant(item, "last_seen_at"),
        tags=dict(item.tags),
    )


def device(message: Any) -> Device:
    """Read a device."""
    return Device(
        dev_eui=message.dev_eui,
        name=message.name,
        application_id=message.application_id,
        device_profile_id=message.device_profile_id,
        join_eui=message.join_eui,
        description=message.description,
        disabled=message.is_disabled,
        tags=dict(message.tags),
        variables=dict(message.variables),
    )


def device_message(device: Device) -> Message:
    """Make a device."""
    message: Message = api.Device(
        dev_eui=device.dev_eui,
        name=device.name,
        application_id=device.application_id,
        device_profile_id=device.device_profile_id,
        join_eui=device.join_eui,
        description=device.description,
        is_disabled=device.disabled,
        tags=device.tags,
        variables=device.variables,
    )
    return message


def activation(answer: Any) -> Activation:
    """Read a session."""
    session = answer.device_activation
    return Activation(
        dev_addr=session.dev_addr,
        f_cnt_up=session.f_cnt_up,
        n_f_cnt_down=session.n_f_cnt_down,
        a_f_cnt_down=session.a_f_cnt_down,
    )


def queue_item(item: Any) -> QueueItem:
    """Read an item of a queue."""
    return QueueItem(
        id=item.id,
        f_port=item.f_port,
        data=item.data,
        confirmed=item.confirmed,
        is_pending=item.is_pending,
        f_cnt_down=item.f_cnt_down,
        expires_at=instant(item, "expires_at"),
    )


def gateway(message: Any) -> Gateway:
    """Read a gateway."""
    return Gateway(
        gateway_id=message.gateway_id,
        name=message.name,
        tenant_id=message.tenant_id,
        latitude=message.location.latitude,
        longitude=message.location.longitude,
        altitude_m=message.location.altitude,
        stats_interval_s=message.stats_interval,
        description=message.description,
        tags=dict(message.tags),
    )


def gateway_message(gateway: Gateway) -> Message:
    """Make a gateway."""
    location = common.Location(
        latitude=gateway.latitude,
        longitude=gateway.longitude,
        altitude=gateway.altitude_m,
        source=common.LocationSource.CONFIG,
    )
    message: Message = api.Gateway(
        gateway_id=gateway.gateway_id,
        name=gateway.name,
        tenant_id=gateway.tenant_id,
        location=location,
        stats_interval=gateway.stats_interval_s,
        description=gateway.description,
        tags=gateway.tags,
    )
    return message


def listed_gateway(item: Any) -> ListedGateway:
    """Read a gateway in a list."""
    return ListedGateway(
        gateway_id=item.gateway_id,
        name=item.name,
        tenant_id=item.tenant_id,
        latitude=item.location.latitude,
        longitude=item.location.longitude,
        altitude_m=item.location.altitude,
        last_seen_at=instant(item, "last_seen_at"),
        state=api.GatewayState.Name(item.state),
        region=item.properties.get("region_common_name", ""),
    )


def instant(message: Any, field: str) -> float | None:
    """Return a timestamp as Unix seconds, None if it is not set."""
    if not message.HasField(field):
        return None
    return float(getattr(message, field).ToNanoseconds() / 1e9)
