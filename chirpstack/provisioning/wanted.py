"""What a ChirpStack should hold for a declared city. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from city.objects import Device, DeviceProfile, Gateway
from city.types import DeviceType
from wire.declared import DeclaredDevice, DeclaredGateway
from wire.lorawan.region.catalogue import find_region

NEAR_DEG, NEAR_M = 1e-5, 1.0  # a gateway's statistics may carry a rounded position


def profile_of(
    device_type: DeviceType, tenant_id: str, region: str = ""
) -> dict[str, Any]:
    """
    Return the device profile of a type, by the field names of ChirpStack's API.

    In a city of another `region` than the type's own, the profile is of that one:
    makers sell a device in a variant per region.
    """
    settings = dict(device_type.profile)
    if region:
        settings["region"] = find_region(region).common_name
    version = str(settings.pop("mac_version")).replace(".", "_")
    return {
        "name": device_type.title,
        "tenant_id": tenant_id,
        "mac_version": f"LORAWAN_{version}",
        "payload_codec_runtime": "JS",
        "payload_codec_script": device_type.codec,
        "tags": {"device_type": device_type.name},
        **settings,
    }


def gateway_of(declared: DeclaredGateway, tenant_id: str) -> Gateway:
    """Return a gateway as it should be."""
    return Gateway(
        gateway_id=str(declared.gateway_id),
        name=declared.name,
        tenant_id=tenant_id,
        latitude=declared.latitude,
        longitude=declared.longitude,
        altitude_m=declared.altitude_m,
    )


def device_of(
    declared: DeclaredDevice, application_id: str, device_profile_id: str
) -> Device:
    """Return a device as it should be; its place is in its tags."""
    tags = {
        "street": declared.street,
        "district": declared.district,
        "latitude": f"{declared.latitude:.6f}",
        "longitude": f"{declared.longitude:.6f}",
    }
    return Device(
        dev_eui=str(declared.dev_eui),
        name=declared.name,
        application_id=application_id,
        device_profile_id=device_profile_id,
        join_eui=str(declared.join_eui),
        tags={name: text for name, text in tags.items() if text},
    )


def changed_profile(found: DeviceProfile, wanted: Mapping[str, Any]) -> list[str]:
    """Return which of the wanted fields a profile has otherwise."""
    return [name for name in wanted if found.get(name) != wanted[name]]


def changed_gateway(found: Gateway, wanted: Gateway) -> list[str]:
    """Return which fields a gateway has otherwise."""
    changed = [] if found.name == wanted.name else ["name"]
    moved = (
        abs(found.latitude - wanted.latitude) > NEAR_DEG
        or abs(found.longitude - wanted.longitude) > NEAR_DEG
        or abs(found.altitude_m - wanted.altitude_m) > NEAR_M
    )
    return [*changed, *(["position"] if moved else [])]


def changed_device(found: Device, wanted: Device) -> list[str]:
    """Return which fields a device has otherwise; other people's tags are theirs."""
    fields = ("name", "device_profile_id", "join_eui")
    changed = [f for f in fields if getattr(found, f) != getattr(wanted, f)]
    tags = [f"tag {t}" for t in wanted.tags if found.tags.get(t) != wanted.tags[t]]
    return [*changed, *tags]


def merged_device(found: Device, wanted: Device) -> Device:
    """Return the wanted device with what only the found one has."""
    return replace(
        wanted,
        description=found.description,
        disabled=found.disabled,
        variables=found.variables,
        tags={**found.tags, **wanted.tags},
    )
