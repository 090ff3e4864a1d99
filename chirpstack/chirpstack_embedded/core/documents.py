"""
The event documents of the integration, key by key (contract §3.3, §3.4).

Every ``integration.*`` scalar is always there, in declaration order; optional
sub-documents are there only when set.
"""

from collections.abc import Mapping
from typing import Any

from chirpstack_embedded.core.rendering import (
    base64_text,
    float32,
    timestamp_text,
)
from chirpstack_embedded.model import Device

Document = dict[str, Any]


def device_info(device: Device, *, application_tags: bool = True) -> Document:
    """Return ``deviceInfo``; of equal tags the device's wins, then the profile's."""
    return {
        "tenantId": device.tenant.id,
        "tenantName": device.tenant.name,
        "applicationId": device.application.id,
        "applicationName": device.application.name,
        "deviceProfileId": device.profile.id,
        "deviceProfileName": device.profile.name,
        "deviceName": device.name,
        "devEui": device.dev_eui,
        "deviceClassEnabled": f"CLASS_{device.enabled_class}",
        "tags": _all_tags(device) if application_tags else _own_tags(device),
    }


def _all_tags(device: Device) -> dict[str, str]:
    if device.tags_of_all is None:
        device.tags_of_all = {**device.application.tags, **_own_tags(device)}
    return device.tags_of_all


def _own_tags(device: Device) -> dict[str, str]:
    return {**device.profile.tags, **device.tags}


def up(
    *,
    deduplication_id: str,
    time_ns: int,
    info: Document,
    dev_addr: str,
    adr: bool,
    dr: int,
    f_cnt: int,
    f_port: int,
    confirmed: bool,
    data: bytes,
    decoded: Any,
    rx_info: list[Any],
    tx_info: Any,
    region_config_id: str,
) -> Document:
    """Return the document of an ``up`` event; ``verbatim`` parts are welcome."""
    document = {
        "deduplicationId": deduplication_id,
        "time": timestamp_text(time_ns),
        "deviceInfo": info,
        "devAddr": dev_addr,
        "adr": adr,
        "dr": dr,
        "fCnt": f_cnt,
        "fPort": f_port,
        "confirmed": confirmed,
        "data": base64_text(data),
    }
    if decoded is not None:
        document["object"] = decoded
    document["rxInfo"] = rx_info
    document["txInfo"] = tx_info
    document["regionConfigId"] = region_config_id
    return document


def join(
    *,
    deduplication_id: str,
    time_ns: int,
    info: Document,
    dev_addr: str,
    region_config_id: str,
) -> Document:
    """Return the document of a ``join`` event."""
    return {
        "deduplicationId": deduplication_id,
        "time": timestamp_text(time_ns),
        "deviceInfo": info,
        "devAddr": dev_addr,
        "regionConfigId": region_config_id,
    }


def txack(
    *,
    downlink_id: int,
    time_ns: int,
    info: Document,
    queue_item_id: str,
    f_cnt_down: int,
    gateway_id: str,
    tx_info: Document,
) -> Document:
    """Return the document of a ``txack`` event."""
    return {
        "downlinkId": downlink_id,
        "time": timestamp_text(time_ns),
        "deviceInfo": info,
        "queueItemId": queue_item_id,
        "fCntDown": f_cnt_down,
        "gatewayId": gateway_id,
        "txInfo": tx_info,
    }


def ack(
    *,
    deduplication_id: str,
    time_ns: int,
    info: Document,
    queue_item_id: str,
    acknowledged: bool,
    f_cnt_down: int,
) -> Document:
    """Return the document of an ``ack`` event."""
    return {
        "deduplicationId": deduplication_id,
        "time": timestamp_text(time_ns),
        "deviceInfo": info,
        "queueItemId": queue_item_id,
        "acknowledged": acknowledged,
        "fCntDown": f_cnt_down,
    }


def status(
    *,
    deduplication_id: str,
    time_ns: int,
    info: Document,
    margin_db: int,
    external_power_source: bool,
    battery_level_unavailable: bool,
    battery_percent: float,
) -> Document:
    """Return the document of a ``status`` event."""
    return {
        "deduplicationId": deduplication_id,
        "time": timestamp_text(time_ns),
        "deviceInfo": info,
        "margin": margin_db,
        "externalPowerSource": external_power_source,
        "batteryLevelUnavailable": battery_level_unavailable,
        "batteryLevel": float32(battery_percent),
    }


def log(
    *,
    time_ns: int,
    info: Document,
    level: str,
    code: str,
    description: str,
    context: Mapping[str, str],
) -> Document:
    """Return the document of a ``log`` event."""
    return {
        "time": timestamp_text(time_ns),
        "deviceInfo": info,
        "level": level,
        "code": code,
        "description": description,
        "context": dict(context),
    }
