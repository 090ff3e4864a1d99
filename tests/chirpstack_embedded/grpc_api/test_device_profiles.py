"""DeviceProfileService."""

from chirpstack_api import api, common
from google.protobuf.empty_pb2 import Empty
from tests.chirpstack_embedded.grpc_api.site import EUI, Site

from chirpstack_embedded.store.schema import DEFAULT_TENANT_ID


def test_a_deleted_profile_takes_its_devices_with_it(site: Site) -> None:
    device = site.device()
    site.admin.DeviceProfile.Delete(
        api.DeleteDeviceProfileRequest(id=device.device_profile_id)
    )

    assert site.store.devices.get(EUI) is None


def test_profiles_take_protobufs_defaults_literally(site: Site) -> None:
    profile_id = site.profile()

    got = site.admin.DeviceProfile.Get(api.GetDeviceProfileRequest(id=profile_id))
    profile = got.device_profile
    assert (False, "", False, 0, common.MacVersion.LORAWAN_1_0_0) == (
        profile.supports_otaa,
        profile.adr_algorithm_id,
        profile.flush_queue_on_activate,
        profile.class_c_timeout,
        profile.mac_version,
    )


def test_every_field_of_a_profile_is_kept(site: Site) -> None:
    profile = api.DeviceProfile(
        name="p",
        tenant_id=DEFAULT_TENANT_ID,
        tags={"device_type": "street-light"},
        rx1_delay=3,
        supported_uplink_data_rates=[0, 5],
        payload_codec_script="// é",
    )
    created = site.admin.DeviceProfile.Create(
        api.CreateDeviceProfileRequest(device_profile=profile)
    )
    profile.id = created.id

    got = site.admin.DeviceProfile.Get(api.GetDeviceProfileRequest(id=created.id))
    got.device_profile.ClearField("app_layer_params")
    assert profile == got.device_profile


def test_the_adr_algorithms_are_those_we_run(site: Site) -> None:
    listed = site.admin.DeviceProfile.ListAdrAlgorithms(Empty())

    assert [("default", "Default ADR algorithm (LoRa only)")] == [
        (item.id, item.name) for item in listed.result
    ]


def test_a_change_of_profile_reaches_devices_at_once(site: Site) -> None:
    device = site.device()
    assert site.store.devices.get(EUI) is not None
    profile = api.DeviceProfile(
        id=device.device_profile_id, name="p2", tags={"device_type": "parking-bay"}
    )

    site.admin.DeviceProfile.Update(
        api.UpdateDeviceProfileRequest(device_profile=profile)
    )

    found = site.store.devices.get(EUI)
    assert found is not None
    assert "parking-bay" == found.profile.tags["device_type"]
    assert DEFAULT_TENANT_ID == found.profile.tenant_id
