"""DeviceService: devices, their keys and their sessions."""

from typing import Any

import pytest
from chirpstack_api import api, common
from tests.chirpstack_embedded.grpc_api.site import EUI, Code, Site, activation, refused


def test_a_device_may_be_created_without_name_and_not_updated_so(site: Site) -> None:
    device = site.device(name="")

    assert (Code.INVALID_ARGUMENT, "Validation error: name is not set") == refused(
        site.admin.Device.Update, api.UpdateDeviceRequest(device=device)
    )


def test_lists_with_limit_0_only_count(site: Site) -> None:
    device = site.device()

    listed = site.admin.Device.List(
        api.ListDevicesRequest(application_id=device.application_id)
    )

    assert (1, 0) == (listed.total_count, len(listed.result))


def test_an_order_that_nobody_knows_is_the_order_by_name(site: Site) -> None:
    device = site.device()

    listed = site.admin.Device.List(
        api.ListDevicesRequest(
            limit=5, application_id=device.application_id, order_by=3781
        )
    )

    assert 1 == len(listed.result)


def test_devices_are_found_by_tag_and_text(site: Site) -> None:
    device = site.device(tags={"street": "Alsace"})

    def count(**wanted: Any) -> int:
        request = api.ListDevicesRequest(
            limit=5, application_id=device.application_id, **wanted
        )
        total: int = site.admin.Device.List(request).total_count
        return total

    assert [1, 0, 1, 0] == [
        count(tags={"street": "Alsace"}),
        count(tags={"street": "Metz"}),
        count(search="D"),
        count(search="nothing"),
    ]


def test_keys_are_kept_and_updated(site: Site) -> None:
    site.device()
    keys = api.DeviceKeys(dev_eui=EUI, nwk_key="01" * 16)
    site.admin.Device.CreateKeys(api.CreateDeviceKeysRequest(device_keys=keys))
    keys.nwk_key = "02" * 16
    site.admin.Device.UpdateKeys(api.UpdateDeviceKeysRequest(device_keys=keys))

    got = site.admin.Device.GetKeys(api.GetDeviceKeysRequest(dev_eui=EUI))
    assert ("02" * 16, "00" * 16) == (got.device_keys.nwk_key, got.device_keys.app_key)
    site.admin.Device.DeleteKeys(api.DeleteDeviceKeysRequest(dev_eui=EUI))
    assert (
        Code.NOT_FOUND
        == refused(site.admin.Device.GetKeys, api.GetDeviceKeysRequest(dev_eui=EUI))[0]
    )


def test_a_device_is_activated_and_deactivated(site: Site) -> None:
    site.device()
    get = api.GetDeviceActivationRequest(dev_eui=EUI)
    before = site.admin.Device.GetActivation(get)

    site.admin.Device.Activate(activation(f_cnt_up=65_536, n_f_cnt_down=3))
    during = site.admin.Device.GetActivation(get).device_activation
    site.admin.Device.Deactivate(api.DeactivateDeviceRequest(dev_eui=EUI))

    assert not before.HasField("device_activation")
    assert ("01a7c3e5", "0a" * 16, "0b" * 16, 65_536, 3) == (
        during.dev_addr,
        during.app_s_key,
        during.nwk_s_enc_key,
        during.f_cnt_up,
        during.n_f_cnt_down,
    )
    assert not site.admin.Device.GetActivation(get).HasField("device_activation")


@pytest.mark.proves("grpc:DeviceService/Activate", "grpc:DeviceService/GetActivation")
def test_a_1_1_activation_keeps_four_keys_and_two_counters(site: Site) -> None:
    version = common.MacVersion.LORAWAN_1_1_0
    site.device(device_profile_id=site.profile(mac_version=version))
    keys = {
        "f_nwk_s_int_key": "01" * 16,
        "s_nwk_s_int_key": "02" * 16,
        "nwk_s_enc_key": "03" * 16,
        "app_s_key": "04" * 16,
    }

    site.admin.Device.Activate(activation(**keys, n_f_cnt_down=3, a_f_cnt_down=7))

    got = site.admin.Device.GetActivation(api.GetDeviceActivationRequest(dev_eui=EUI))
    shown = got.device_activation
    assert keys == {name: getattr(shown, name) for name in keys}
    assert (3, 7) == (shown.n_f_cnt_down, shown.a_f_cnt_down)
    ask = api.GetDeviceNextFCntDownRequest(dev_eui=EUI)
    assert 7 == site.admin.Device.GetNextFCntDown(ask).f_cnt_down


def test_random_dev_addrs_have_the_prefix_of_network_or_tenant(site: Site) -> None:
    site.device()
    tenant_id = site.tenant(dev_addr_prefixes=["fc001000/20"])

    own = site.admin.Device.GetRandomDevAddr(
        api.GetRandomDevAddrRequest(dev_eui=EUI)
    ).dev_addr
    prefixed = site.admin.Device.GetRandomDevAddr(
        api.GetRandomDevAddrRequest(tenant_id=tenant_id)
    ).dev_addr

    assert own[:2] in {"00", "01"}
    assert "fc001" == prefixed[:5]
