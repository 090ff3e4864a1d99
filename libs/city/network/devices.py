"""The devices of an application, and their sessions."""

from collections.abc import Mapping

from chirpstack_api import api

from city.network import messages
from city.network.calls import Calls
from city.objects import Activation, Device, ListedDevice


class Devices(Calls):
    """Calls of DeviceService about devices."""

    def devices(self, application_id: str) -> list[ListedDevice]:
        """Return all devices of an application."""
        found = self._pages(
            "list devices",
            self._device.List,
            api.ListDevicesRequest,
            application_id=application_id,
        )
        return list(map(messages.listed_device, found))

    def tagged_devices(
        self, application_id: str, tags: Mapping[str, str]
    ) -> list[ListedDevice]:
        """Return the devices of an application that have all these tags."""
        found = self._pages(
            "list devices by tags",
            self._device.List,
            api.ListDevicesRequest,
            application_id=application_id,
            tags=tags,
        )
        return list(map(messages.listed_device, found))

    def device(self, dev_eui: str) -> Device:
        """Return a device; NotThere if there is none."""
        request = api.GetDeviceRequest(dev_eui=dev_eui)
        answer = self._call(f"get device {dev_eui}", self._device.Get, request)
        return messages.device(answer.device)

    def last_seen_at(self, dev_eui: str) -> float | None:
        """Return when a device was last heard (Unix seconds), None: never."""
        request = api.GetDeviceRequest(dev_eui=dev_eui)
        answer = self._call(f"get device {dev_eui}", self._device.Get, request)
        return messages.instant(answer, "last_seen_at")

    def create_device(self, device: Device) -> None:
        """Create a device."""
        request = api.CreateDeviceRequest(device=messages.device_message(device))
        self._call(f"create device {device.dev_eui}", self._device.Create, request)

    def update_device(self, device: Device) -> None:
        """Replace a device."""
        request = api.UpdateDeviceRequest(device=messages.device_message(device))
        self._call(f"update device {device.dev_eui}", self._device.Update, request)

    def delete_device(self, dev_eui: str) -> None:
        """Delete a device with its keys and session."""
        request = api.DeleteDeviceRequest(dev_eui=dev_eui)
        self._call(f"delete device {dev_eui}", self._device.Delete, request)

    def activation(self, dev_eui: str) -> Activation | None:
        """Return a device's session, None if it never joined."""
        request = api.GetDeviceActivationRequest(dev_eui=dev_eui)
        asked = f"get activation of {dev_eui}"
        answer = self._call(asked, self._device.GetActivation, request)
        return (
            messages.activation(answer)
            if answer.HasField("device_activation")
            else None
        )
