"""The device profiles of a tenant."""

from chirpstack_api import api
from google.protobuf.json_format import MessageToDict

from city.network import messages
from city.network.calls import Calls
from city.objects import DeviceProfile, Named


class Profiles(Calls):
    """Calls of DeviceProfileService."""

    def device_profiles(self, tenant_id: str) -> list[Named]:
        """Return all device profiles of a tenant."""
        found = self._pages(
            "list device profiles",
            self._profile.List,
            api.ListDeviceProfilesRequest,
            tenant_id=tenant_id,
        )
        return list(map(messages.named, found))

    def device_profile(self, profile_id: str) -> DeviceProfile:
        """Return a device profile."""
        request = api.GetDeviceProfileRequest(id=profile_id)
        asked = f"get device profile {profile_id}"
        answer = self._call(asked, self._profile.Get, request)
        return MessageToDict(
            answer.device_profile,
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
        )

    def create_device_profile(self, profile: DeviceProfile) -> str:
        """Create a device profile; return its id."""
        asked = f"create device profile {profile.get('name')}"
        request = api.CreateDeviceProfileRequest(
            device_profile=messages.profile(profile, asked)
        )
        return str(self._call(asked, self._profile.Create, request).id)

    def update_device_profile(self, profile: DeviceProfile) -> None:
        """Replace a device profile (``id`` says which)."""
        asked = f"update device profile {profile.get('name')}"
        request = api.UpdateDeviceProfileRequest(
            device_profile=messages.profile(profile, asked)
        )
        self._call(asked, self._profile.Update, request)
