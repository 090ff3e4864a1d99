"""A ChirpStack in a dictionary: what provisioning needs, with the server's refusals."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from city.errors import AlreadyThere, Invalid, NotThere
from city.objects import Device, Gateway, Group, ListedDevice, ListedGateway, Named


class FakeRegistry:
    """Keeps what it is given; `writes` counts, `refuse_keys_of` fails like a server."""

    def __init__(self) -> None:
        self.tenants_by_id: dict[str, str] = {}
        self.applications_by_id: dict[str, tuple[str, str]] = {}
        self.profiles: dict[str, dict[str, Any]] = {}
        self.gateways_by_id: dict[str, Gateway] = {}
        self.devices_by_eui: dict[str, Device] = {}
        self.keys: dict[str, str] = {}
        self.writes: list[str] = []
        self.refuse_keys_of: set[str] = set()
        self.with_two_roots: set[str] = set()
        self.refuse_deletion = False
        self.groups = FakeGroups()

    def _write(self, what: str) -> str:
        self.writes.append(what)
        return f"id-{len(self.writes)}"

    def tenants(self) -> list[Named]:
        return [Named(id=i, name=n) for i, n in self.tenants_by_id.items()]

    def create_tenant(self, name: str) -> str:
        made = self._write(f"tenant {name}")
        self.tenants_by_id[made] = name
        return made

    def applications(self, tenant_id: str) -> list[Named]:
        found = self.applications_by_id.items()
        return [Named(id=i, name=n) for i, (owner, n) in found if owner == tenant_id]

    def create_application(
        self, tenant_id: str, name: str, *, tags: Mapping[str, str] | None = None
    ) -> str:
        del tags
        made = self._write(f"application {name}")
        self.applications_by_id[made] = (tenant_id, name)
        return made

    def device_profiles(self, tenant_id: str) -> list[Named]:
        return [
            Named(id=i, name=p["name"])
            for i, p in self.profiles.items()
            if p["tenant_id"] == tenant_id
        ]

    def device_profile(self, profile_id: str) -> dict[str, Any]:
        return {"id": profile_id, **self.profiles[profile_id]}

    def create_device_profile(self, profile: Mapping[str, Any]) -> str:
        made = self._write(f"profile {profile['name']}")
        self.profiles[made] = dict(profile)
        return made

    def update_device_profile(self, profile: Mapping[str, Any]) -> None:
        self._write(f"update profile {profile['name']}")
        self.profiles[profile["id"]] = {k: v for k, v in profile.items() if k != "id"}

    def gateways(self, tenant_id: str) -> list[ListedGateway]:
        return [
            ListedGateway(
                gateway_id=g.gateway_id,
                name=g.name,
                tenant_id=g.tenant_id,
                latitude=g.latitude,
                longitude=g.longitude,
                altitude_m=g.altitude_m,
                last_seen_at=None,
                state="NEVER_SEEN",
            )
            for g in self.gateways_by_id.values()
            if g.tenant_id == tenant_id
        ]

    def gateway(self, gateway_id: str) -> Gateway:
        return self.gateways_by_id[gateway_id]

    def create_gateway(self, gateway: Gateway) -> None:
        if gateway.gateway_id in self.gateways_by_id:
            raise AlreadyThere("create gateway: it exists already")
        self._write(f"gateway {gateway.name}")
        self.gateways_by_id[gateway.gateway_id] = gateway

    def update_gateway(self, gateway: Gateway) -> None:
        self._write(f"update gateway {gateway.name}")
        self.gateways_by_id[gateway.gateway_id] = gateway

    def delete_gateway(self, gateway_id: str) -> None:
        self._write(f"delete gateway {gateway_id}")
        del self.gateways_by_id[gateway_id]

    def devices(self, application_id: str) -> list[ListedDevice]:
        return [
            ListedDevice(
                dev_eui=d.dev_eui,
                name=d.name,
                description=d.description,
                device_profile_id=d.device_profile_id,
                device_profile_name=self.profiles[d.device_profile_id]["name"],
                last_seen_at=None,
                tags=d.tags,
            )
            for d in self.devices_by_eui.values()
            if d.application_id == application_id
        ]

    def device(self, dev_eui: str) -> Device:
        if dev_eui not in self.devices_by_eui:
            raise NotThere(f"get device {dev_eui}: there is no such object")
        return self.devices_by_eui[dev_eui]

    def create_device(self, device: Device) -> None:
        if device.dev_eui in self.devices_by_eui:
            raise AlreadyThere("create device: it exists already")
        self._write(f"device {device.name}")
        self.devices_by_eui[device.dev_eui] = device

    def update_device(self, device: Device) -> None:
        self._write(f"update device {device.name}")
        self.devices_by_eui[device.dev_eui] = device

    def delete_device(self, dev_eui: str) -> None:
        if self.refuse_deletion:
            raise Invalid("delete device: no")
        self._write(f"delete device {dev_eui}")
        del self.devices_by_eui[dev_eui]
        self.keys.pop(dev_eui, None)

    def app_key(self, dev_eui: str) -> str | None:
        return self.keys.get(dev_eui)

    def set_app_key(self, dev_eui: str, app_key: str, *, both: bool = False) -> None:
        if both:
            self.with_two_roots.add(dev_eui)
        if dev_eui in self.refuse_keys_of:
            raise Invalid(f"create keys of {dev_eui}: no")
        self._write(f"key {dev_eui}")
        self.keys[dev_eui] = app_key


class FakeGroups:
    """The multicast groups of a ChirpStack in a dictionary."""

    def __init__(self) -> None:
        self.by_id: dict[str, Group] = {}
        self.members_of: dict[str, list[str]] = {}
        self.gateways_of: dict[str, list[str]] = {}

    def listed(self, application_id: str = "") -> list[Named]:
        return [
            Named(id=one.id, name=one.name)
            for one in self.by_id.values()
            if application_id in {"", one.application_id}
        ]

    def get(self, group_id: str) -> Group:
        return self.by_id[group_id]

    def create(self, group: Group) -> str:
        group_id = f"group-{len(self.by_id) + 1}"
        self.by_id[group_id] = replace(group, id=group_id)
        self.members_of[group_id], self.gateways_of[group_id] = [], []
        return group_id

    def update(self, group: Group) -> None:
        self.by_id[group.id] = group

    def members(self, group: Group) -> list[str]:
        return list(self.members_of[group.id])

    def gateways(self, group: Group) -> list[str]:
        return list(self.gateways_of[group.id])

    def add_device(self, group_id: str, dev_eui: str) -> None:
        self.members_of[group_id].append(dev_eui)

    def remove_device(self, group_id: str, dev_eui: str) -> None:
        self.members_of[group_id].remove(dev_eui)

    def add_gateway(self, group_id: str, gateway_id: str) -> None:
        self.gateways_of[group_id].append(gateway_id)

    def remove_gateway(self, group_id: str, gateway_id: str) -> None:
        self.gateways_of[group_id].remove(gateway_id)
