"""
One device added by a technician, from its QR code or from typed values.

What cannot be right is refused in a sentence before ChirpStack is asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from city.errors import AlreadyThere, NetworkError, NotThere
from city.objects import Device
from city.types import DeviceType
from provisioning.apply import add_with_key
from provisioning.keys import parse_key
from provisioning.network import Registry
from provisioning.outcome import Outcome, Verdict
from provisioning.wanted import profile_of
from wire.declared import DeclaredCity, DeclaredDevice
from wire.errors import Malformed
from wire.eui64 import EUI64
from wire.tr005 import DeviceLabel


class Refused(Exception):
    """The device cannot be added; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDevice:
    """
    A device to be added. What is empty is looked up in the declared city.

    `app_key` is hex, in any of the usual spellings.
    """

    dev_eui: str
    join_eui: str = ""
    device_type: str = ""
    app_key: str = ""
    name: str = ""
    tags: Mapping[str, str] | None = None


def from_label(text: str, types: Mapping[str, DeviceType]) -> NewDevice:
    """Return what a QR code (TR005) says; its ProfileID names the device type."""
    try:
        label = DeviceLabel.parse(text)
    except Malformed as fault:
        raise Refused(
            f"this is not the QR code of a LoRaWAN device: {fault}"
        ) from fault
    profile_id = f"{label.vendor_id:04X}{label.vendor_profile_id:04X}"
    found = [t.name for t in types.values() if profile_id == _profile_id(t)]
    if not found:
        known = ", ".join(f"{_profile_id(t)} {t.name}" for t in types.values())
        raise Refused(
            f"no device type has the ProfileID {profile_id} of this QR code;"
            f" known are {known}: add a device type, or give one with --type"
        )
    return NewDevice(
        dev_eui=str(label.dev_eui),
        join_eui=str(label.join_eui),
        device_type=found[0],
    )


def label_of(device: DeclaredDevice, types: Mapping[str, DeviceType]) -> str:
    """Return the text of the QR code that is printed on a declared device."""
    kind = types[device.device_type]
    return DeviceLabel(
        join_eui=device.join_eui,
        dev_eui=device.dev_eui,
        vendor_id=int(kind.vendor_id, 16),
        vendor_profile_id=int(kind.vendor_profile_id, 16),
    ).text()


def device_add(
    new: NewDevice,
    city: DeclaredCity,
    types: Mapping[str, DeviceType],
    keys: Mapping[str, str],
    network: Registry,
) -> Outcome:
    """
    Add one device with its key, or neither; raises `Refused` with the reason.

    The key is the one given, else the one of the key file. A device that is there
    with the same key is `unchanged`; with another key it gets the new one.
    """
    new = _complete(new, city)
    device_type = _type(new, types)
    app_key = _key(new, keys)
    tenant_id, application_id = _application(city, network)
    device = Device(
        dev_eui=new.dev_eui,
        name=new.name or f"{new.device_type} {new.dev_eui[-4:]}",
        application_id=application_id,
        device_profile_id=_profile(device_type, tenant_id, city.region, network),
        join_eui=new.join_eui,
        tags=dict(new.tags or {}),
    )
    try:
        return _put(device, app_key, network, both=device_type.has_two_root_keys)
    except NetworkError as error:
        raise Refused(str(error)) from error


def _complete(new: NewDevice, city: DeclaredCity) -> NewDevice:
    """Check the EUIs, and take from the declared city what was not given."""
    dev_eui = _eui("DevEUI", new.dev_eui)
    declared = next((d for d in city.devices if str(d.dev_eui) == dev_eui), None)
    if declared is None:
        return replace(
            new, dev_eui=dev_eui, join_eui=_eui("JoinEUI", new.join_eui or "0" * 16)
        )
    return replace(
        new,
        dev_eui=dev_eui,
        join_eui=_eui("JoinEUI", new.join_eui or str(declared.join_eui)),
        device_type=new.device_type or declared.device_type,
        name=new.name or declared.name,
        tags={**_place(declared), **(new.tags or {})},
    )


def _place(declared: DeclaredDevice) -> dict[str, str]:
    place = {"street": declared.street, "district": declared.district}
    where = {
        "latitude": f"{declared.latitude:.6f}",
        "longitude": f"{declared.longitude:.6f}",
    }
    return {name: text for name, text in (place | where).items() if text}


def _eui(what: str, text: str) -> str:
    try:
        return str(EUI64.parse(text))
    except Malformed as fault:
        raise Refused(f"the {what} is wrong: {fault}") from fault


def _type(new: NewDevice, types: Mapping[str, DeviceType]) -> DeviceType:
    known = ", ".join(types)
    if not new.device_type:
        raise Refused(
            f"nobody says what type {new.dev_eui} is; give one of {known} with --type"
        )
    if new.device_type not in types:
        raise Refused(f"there is no device type {new.device_type!r}; known are {known}")
    return types[new.device_type]


def _key(new: NewDevice, keys: Mapping[str, str]) -> str:
    if new.app_key:
        key = parse_key(new.app_key)
        if key is None:
            raise Refused("the AppKey is not 32 hexadecimal digits")
        return key
    if new.dev_eui not in keys:
        raise Refused(
            f"the key file has no key for {new.dev_eui}; give it with --app-key"
        )
    return keys[new.dev_eui]


def _application(city: DeclaredCity, network: Registry) -> tuple[str, str]:
    try:
        tenants = {one.name: one.id for one in network.tenants()}
        tenant_id = tenants.get(city.tenant, "")
        found = network.applications(tenant_id) if tenant_id else []
    except NetworkError as error:
        raise Refused(str(error)) from error
    for one in found:
        if one.name == city.application:
            return tenant_id, one.id
    raise Refused(
        f"ChirpStack has no application {city.application!r} in a tenant"
        f" {city.tenant!r}: provision the city first"
    )


def _profile(
    device_type: DeviceType, tenant_id: str, region: str, network: Registry
) -> str:
    try:
        for one in network.device_profiles(tenant_id):
            if one.name == device_type.title:
                return one.id
        return network.create_device_profile(profile_of(device_type, tenant_id, region))
    except NetworkError as error:
        raise Refused(str(error)) from error


def _put(device: Device, app_key: str, network: Registry, *, both: bool) -> Outcome:
    try:
        add_with_key(network, device, app_key, both=both)
    except AlreadyThere:
        return _put_key(device, app_key, network, both=both)
    return _told(device, "created")


def _put_key(device: Device, app_key: str, network: Registry, *, both: bool) -> Outcome:
    """Deal with a device that is there already."""
    try:
        found = network.device(device.dev_eui)
    except NotThere:
        found = None
    if found is None or found.application_id != device.application_id:
        raise Refused(f"{device.dev_eui} is in another application already")
    if network.app_key(device.dev_eui) == app_key:
        return _told(device, "unchanged")
    network.set_app_key(device.dev_eui, app_key, both=both)
    return _told(device, "updated", "key")


def _told(device: Device, verdict: Verdict, why: str = "") -> Outcome:
    return Outcome(
        kind="device", name=device.name, id=device.dev_eui, verdict=verdict, why=why
    )


def _profile_id(device_type: DeviceType) -> str:
    return f"{device_type.vendor_id}{device_type.vendor_profile_id}".upper()
