"""What provisioning needs of a ChirpStack: a part of `city.network.Network`."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from city.objects import (
    Device,
    DeviceEvent,
    DeviceProfile,
    Gateway,
    Group,
    ListedDevice,
    ListedGateway,
    Named,
)


class Registry(Protocol):
    """Objects of a ChirpStack; every refusal is a `city.errors.NetworkError`."""

    @property
    def groups(self) -> "Groups":
        """Its multicast groups."""
        ...

    def tenants(self) -> list[Named]:
        """Return all tenants."""
        ...

    def create_tenant(self, name: str) -> str:
        """Create a tenant; return its id."""
        ...

    def applications(self, tenant_id: str) -> list[Named]:
        """Return all applications of a tenant."""
        ...

    def create_application(
        self, tenant_id: str, name: str, *, tags: Mapping[str, str] | None = None
    ) -> str:
        """Create an application; return its id."""
        ...

    def device_profiles(self, tenant_id: str) -> list[Named]:
        """Return all device profiles of a tenant."""
        ...

    def device_profile(self, profile_id: str) -> DeviceProfile:
        """Return a device profile."""
        ...

    def create_device_profile(self, profile: DeviceProfile) -> str:
        """Create a device profile; return its id."""
        ...

    def update_device_profile(self, profile: DeviceProfile) -> None:
        """Replace a device profile."""
        ...

    def gateways(self, tenant_id: str) -> list[ListedGateway]:
        """Return all gateways of a tenant."""
        ...

    def gateway(self, gateway_id: str) -> Gateway:
        """Return a gateway."""
        ...

    def create_gateway(self, gateway: Gateway) -> None:
        """Create a gateway."""
        ...

    def update_gateway(self, gateway: Gateway) -> None:
        """Replace a gateway."""
        ...

    def delete_gateway(self, gateway_id: str) -> None:
        """Delete a gateway."""
        ...

    def devices(self, application_id: str) -> list[ListedDevice]:
        """Return all devices of an application."""
        ...

    def device(self, dev_eui: str) -> Device:
        """Return a device."""
        ...

    def create_device(self, device: Device) -> None:
        """Create a device."""
        ...

    def update_device(self, device: Device) -> None:
        """Replace a device."""
        ...

    def delete_device(self, dev_eui: str) -> None:
        """Delete a device."""
        ...

    def app_key(self, dev_eui: str) -> str | None:
        """Return a device's AppKey, nothing if it has none."""
        ...

    def set_app_key(self, dev_eui: str, app_key: str, *, both: bool = False) -> None:
        """Give a device its AppKey; `both`: in 1.1 it is the NwkKey too."""
        ...


class Groups(Protocol):
    """Multicast groups of a ChirpStack: a part of `Network.groups`."""

    def listed(self, application_id: str = "") -> list[Named]:
        """Return the groups of an application."""
        ...

    def get(self, group_id: str) -> Group:
        """Return a group."""
        ...

    def create(self, group: Group) -> str:
        """Create a group; return its id."""
        ...

    def update(self, group: Group) -> None:
        """Replace a group."""
        ...

    def members(self, group: Group) -> list[str]:
        """Return the members."""
        ...

    def gateways(self, group: Group) -> list[str]:
        """Return the gateways that send for it."""
        ...

    def add_device(self, group_id: str, dev_eui: str) -> None:
        """Make a device a member."""
        ...

    def remove_device(self, group_id: str, dev_eui: str) -> None:
        """Take a member out."""
        ...

    def add_gateway(self, group_id: str, gateway_id: str) -> None:
        """Have a gateway send for it."""
        ...

    def remove_gateway(self, group_id: str, gateway_id: str) -> None:
        """Take a gateway out."""
        ...


class Events(Protocol):
    """Where a device's events can be followed."""

    def device_events(
        self, dev_eui: str
    ) -> AbstractContextManager[Iterator[DeviceEvent]]:
        """Open the stream of a device's events: some old ones, then the new."""
        ...
