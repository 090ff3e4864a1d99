"""
Bring a ChirpStack to the declared state, or say what that would change.

Safe to repeat: what is there and as wanted is left alone. ChirpStack reports duplicates
as INTERNAL, so everything is looked up first. One device's failure is its own outcome
and stops nobody else's.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from city.errors import AlreadyThere, NetworkError, NotThere
from city.objects import Device, Named
from city.types import DeviceType
from provisioning.groups import group_of, nearest_gateways, settle_group
from provisioning.network import Registry
from provisioning.outcome import Kind, Outcome, Tell, Verdict, tell_nobody
from provisioning.wanted import (
    changed_device,
    changed_gateway,
    changed_profile,
    device_of,
    gateway_of,
    merged_device,
    profile_of,
)
from wire.declared import DeclaredCity, DeclaredDevice, DeclaredGateway
from wire.groups import DeclaredGroup

WORKERS = 4
NOT_YET = ""  # the id of what a plan would create


def apply(
    city: DeclaredCity,
    types: Mapping[str, DeviceType],
    keys: Mapping[str, str],
    network: Registry,
    tell: Tell = tell_nobody,
) -> list[Outcome]:
    """
    Create and update what the city declares; return every row's outcome, in order.

    `keys` is DevEUI → AppKey (hex). `tell` hears each outcome as soon as it is there.
    Devices in the box are left for a technician. Raises `NetworkError` only when the
    tenant or the application cannot be had, without which there is nothing to do.
    """
    return _Run(city, types, keys, network, tell, write=True).all()


def plan(
    city: DeclaredCity,
    types: Mapping[str, DeviceType],
    keys: Mapping[str, str],
    network: Registry,
) -> list[Outcome]:
    """Return the outcomes `apply` would have now, and change nothing."""
    return _Run(city, types, keys, network, tell_nobody, write=False).all()


def undo(
    outcomes: Iterable[Outcome], network: Registry, tell: Tell = tell_nobody
) -> list[Outcome]:
    """Remove the devices and gateways that were created, the last first."""
    created = [one for one in outcomes if one.verdict == "created"]
    removed = []
    for one in reversed(created):
        if one.kind in {"device", "gateway"}:
            removed.append(_removed(one, network))
            tell(removed[-1])
    return removed


def _removed(one: Outcome, network: Registry) -> Outcome:
    delete = network.delete_device if one.kind == "device" else network.delete_gateway
    try:
        delete(one.id)
    except NotThere:
        pass
    except NetworkError as error:
        return Outcome(
            kind=one.kind, name=one.name, id=one.id, verdict="failed", why=str(error)
        )
    return Outcome(kind=one.kind, name=one.name, id=one.id, verdict="removed")


def find_or_create(
    found: Iterable[Named], name: str, create: Callable[[str], str]
) -> tuple[str, Verdict]:
    """Return the id of the object called `name`, and whether it had to be made."""
    for one in found:
        if one.name == name:
            return one.id, "unchanged"
    return create(name), "created"


def add_with_key(
    network: Registry, device: Device, app_key: str, *, both: bool = False
) -> None:
    """
    Create a device and its key, or neither.

    Raises `NetworkError`; its sentence says so if the half-made device could not be
    taken away again.
    """
    network.create_device(device)
    try:
        network.set_app_key(device.dev_eui, app_key, both=both)
    except NetworkError as error:
        _take_back(network, device.dev_eui, error)
        raise


def _take_back(network: Registry, dev_eui: str, error: NetworkError) -> None:
    try:
        network.delete_device(dev_eui)
    except NetworkError as again:
        raise NetworkError(
            f"{error}; the device without a key could not be removed either ({again}):"
            " remove it by hand"
        ) from error


class _Run:
    """One pass over a declared city."""

    def __init__(
        self,
        city: DeclaredCity,
        types: Mapping[str, DeviceType],
        keys: Mapping[str, str],
        network: Registry,
        tell: Tell,
        *,
        write: bool,
    ) -> None:
        self._city, self._types, self._keys = city, types, keys
        self._network, self._tell, self._write = network, tell, write
        self._outcomes: list[Outcome] = []
        self._profiles: dict[str, str] = {}
        self._tenant_id = self._application_id = NOT_YET

    def all(self) -> list[Outcome]:
        """Do everything, in the order in which one thing needs another."""
        self._tenant()
        self._application()
        for device_type in self._needed_types():
            self._each(self._profile, device_type, "device profile", device_type.title)
        for gateway in self._city.gateways:
            self._each(
                self._gateway, gateway, "gateway", gateway.name, str(gateway.gateway_id)
            )
        self._devices()
        for group in self._city.groups:
            self._each(self._group, group, "multicast group", group.name)
        return self._outcomes

    def _say(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)
        self._tell(outcome)

    def _each(
        self,
        do: Callable[[Any], Outcome],
        row: Any,
        kind: Kind,
        name: str,
        id: str = "",  # noqa: A002 - the outcome's own word
    ) -> None:
        try:
            self._say(do(row))
        except NetworkError as error:
            self._say(
                Outcome(kind=kind, name=name, id=id, verdict="failed", why=str(error))
            )

    # Tenant and application

    def _tenant(self) -> None:
        name = self._city.tenant
        create = self._network.create_tenant if self._write else _only_planned
        self._tenant_id, verdict = find_or_create(self._network.tenants(), name, create)
        self._say(
            Outcome(kind="tenant", name=name, id=self._tenant_id, verdict=verdict)
        )

    def _application(self) -> None:
        name, tenant_id = self._city.application, self._tenant_id
        found = self._network.applications(tenant_id) if tenant_id else []

        def create(wanted: str) -> str:
            return self._network.create_application(tenant_id, wanted)

        self._application_id, verdict = find_or_create(
            found, name, create if self._write else _only_planned
        )
        self._say(
            Outcome(
                kind="application", name=name, id=self._application_id, verdict=verdict
            )
        )

    # Device profiles

    def _needed_types(self) -> list[DeviceType]:
        """Return the types of the city's devices, in the box too, that exist."""
        names = dict.fromkeys(device.device_type for device in self._city.devices)
        return [self._types[name] for name in names if name in self._types]

    def _profile(self, device_type: DeviceType) -> Outcome:
        wanted = profile_of(device_type, self._tenant_id, self._city.region)
        profile_id = self._profile_id(device_type.title)
        if profile_id is None:
            create = self._network.create_device_profile
            made = create(wanted) if self._write else NOT_YET
            self._profiles[device_type.name] = made
            return _outcome("device profile", device_type.title, made, "created")
        self._profiles[device_type.name] = profile_id
        found = self._network.device_profile(profile_id)
        changed = changed_profile(found, wanted)
        if changed and self._write:
            self._network.update_device_profile({**found, **wanted})
        return _compared("device profile", device_type.title, profile_id, changed)

    def _profile_id(self, name: str) -> str | None:
        found = (
            self._network.device_profiles(self._tenant_id) if self._tenant_id else []
        )
        return next((one.id for one in found if one.name == name), None)

    # Gateways

    def _gateway(self, declared: DeclaredGateway) -> Outcome:
        wanted = gateway_of(declared, self._tenant_id)
        listed = self._network.gateways(self._tenant_id) if self._tenant_id else []
        if wanted.gateway_id not in {one.gateway_id for one in listed}:
            if self._write:
                self._network.create_gateway(wanted)
            return _outcome("gateway", wanted.name, wanted.gateway_id, "created")
        changed = changed_gateway(self._network.gateway(wanted.gateway_id), wanted)
        if changed and self._write:
            self._network.update_gateway(wanted)
        return _compared("gateway", wanted.name, wanted.gateway_id, changed)

    # Devices

    def _devices(self) -> None:
        application_id = self._application_id
        listed = self._network.devices(application_id) if application_id else []
        there = {one.dev_eui for one in listed}

        def outcome(declared: DeclaredDevice) -> Outcome:
            dev_eui = str(declared.dev_eui)
            try:
                return self._device(declared, exists=dev_eui in there)
            except NetworkError as error:
                return _outcome("device", declared.name, dev_eui, "failed", str(error))

        with ThreadPoolExecutor(WORKERS) as pool:
            for one in pool.map(outcome, self._city.provisioned):
                self._say(one)

    def _device(self, declared: DeclaredDevice, *, exists: bool) -> Outcome:
        dev_eui, name = str(declared.dev_eui), declared.name
        refusal = self._refusal(declared)
        if refusal:
            return _outcome("device", name, dev_eui, "failed", refusal)
        profile_id = self._profiles[declared.device_type]
        wanted = device_of(declared, self._application_id, profile_id)
        if not exists:
            both = self._types[declared.device_type].has_two_root_keys
            return self._new_device(wanted, both=both)
        found = self._network.device(dev_eui)
        changed = changed_device(found, wanted)
        if changed and self._write:
            self._network.update_device(merged_device(found, wanted))
        if self._network.app_key(dev_eui) != self._keys[dev_eui]:
            changed.append("key")
            if self._write:
                both = self._types[declared.device_type].has_two_root_keys
                self._network.set_app_key(dev_eui, self._keys[dev_eui], both=both)
        return _compared("device", name, dev_eui, changed)

    def _new_device(self, wanted: Device, *, both: bool) -> Outcome:
        if self._write:
            try:
                key = self._keys[wanted.dev_eui]
                add_with_key(self._network, wanted, key, both=both)
            except AlreadyThere:
                why = f"{wanted.dev_eui} exists already, in another application"
                return _outcome("device", wanted.name, wanted.dev_eui, "failed", why)
        return _outcome("device", wanted.name, wanted.dev_eui, "created")

    def _refusal(self, declared: DeclaredDevice) -> str:
        if declared.device_type not in self._types:
            known = ", ".join(self._types) or "none"
            return f"the device type {declared.device_type!r} is not known ({known})"
        if declared.device_type not in self._profiles:
            return "its device profile could not be made"
        if str(declared.dev_eui) not in self._keys:
            return "it has no key in the key file"
        return ""

    # Multicast groups

    def _group(self, declared: DeclaredGroup) -> Outcome:
        wanted = group_of(declared, self._application_id, self._city.region)
        senders = nearest_gateways(self._city.gateways, declared.members)
        if not self._application_id:
            return _outcome("multicast group", declared.name, NOT_YET, "created")
        return settle_group(
            self._network.groups, declared, wanted, senders, write=self._write
        )


def _only_planned(_: str) -> str:
    return NOT_YET


def _outcome(
    kind: Kind, name: str, id_: str, verdict: Verdict, why: str = ""
) -> Outcome:
    return Outcome(kind=kind, name=name, id=id_, verdict=verdict, why=why)


def _compared(kind: Kind, name: str, id_: str, changed: list[str]) -> Outcome:
    verdict: Verdict = "updated" if changed else "unchanged"
    return _outcome(kind, name, id_, verdict, ", ".join(changed))
