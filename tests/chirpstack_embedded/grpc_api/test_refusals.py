"""What the services refuse, with ChirpStack's codes and words."""

from typing import Any

import pytest
from chirpstack_api import api
from tests.chirpstack_embedded.grpc_api.site import EUI, NOBODY, Code, Site, refused

from chirpstack_embedded.store.schema import DEFAULT_TENANT_ID


def test_unknown_ids_are_not_found_for_administrators(site: Site) -> None:
    assert (Code.NOT_FOUND, f"Object does not exist (id: {EUI})") == refused(
        site.admin.Device.Get, api.GetDeviceRequest(dev_eui=EUI)
    )
    assert (Code.NOT_FOUND, f"Object does not exist (id: {NOBODY})") == refused(
        site.admin.Application.Get, api.GetApplicationRequest(id=NOBODY)
    )


def test_duplicates_are_internal_with_the_databases_words(site: Site) -> None:
    device = site.device()
    keys = api.CreateDeviceKeysRequest(device_keys=api.DeviceKeys(dev_eui=EUI))
    gateway = api.CreateGatewayRequest(
        gateway=api.Gateway(gateway_id=EUI, name="g", tenant_id=DEFAULT_TENANT_ID)
    )
    site.admin.Device.CreateKeys(keys)
    site.admin.Gateway.Create(gateway)

    assert [
        (Code.INTERNAL, "UNIQUE constraint failed: device.dev_eui"),
        (Code.INTERNAL, "UNIQUE constraint failed: device_keys.dev_eui"),
        (Code.INTERNAL, "UNIQUE constraint failed: gateway.gateway_id"),
    ] == [
        refused(site.admin.Device.Create, api.CreateDeviceRequest(device=device)),
        refused(site.admin.Device.CreateKeys, keys),
        refused(site.admin.Gateway.Create, gateway),
    ]


def test_malformed_hex_is_internal_and_an_empty_text_is_zeros(site: Site) -> None:
    get = site.admin.Device.Get

    assert (Code.INTERNAL, "Odd number of digits") == refused(
        get, api.GetDeviceRequest(dev_eui="abc")
    )
    assert (Code.INTERNAL, "Invalid string length") == refused(
        get, api.GetDeviceRequest(dev_eui="abcd")
    )
    assert (Code.INTERNAL, "Invalid character 'x' at position 0") == refused(
        get, api.GetDeviceRequest(dev_eui="x" * 16)
    )
    assert (Code.NOT_FOUND, f"Object does not exist (id: {'00' * 8})") == refused(
        get, api.GetDeviceRequest(dev_eui="")
    )


def test_a_malformed_uuid_is_an_invalid_argument(site: Site) -> None:
    code, _ = refused(site.admin.Application.Get, api.GetApplicationRequest(id="x"))

    assert Code.INVALID_ARGUMENT == code


def test_uuids_without_dashes_and_upper_case_euis_are_taken(site: Site) -> None:
    site.device(dev_eui=EUI.upper())

    found = site.admin.Tenant.Get(
        api.GetTenantRequest(id=DEFAULT_TENANT_ID.replace("-", ""))
    )
    assert "ChirpStack" == found.tenant.name
    assert (
        EUI == site.admin.Device.Get(api.GetDeviceRequest(dev_eui=EUI)).device.dev_eui
    )


@pytest.mark.parametrize(
    ("service", "method", "request_", "message"),
    [
        ("Device", "Create", api.CreateDeviceRequest(), "device is missing"),
        (
            "Device",
            "Enqueue",
            api.EnqueueDeviceQueueItemRequest(),
            "queue_item is missing",
        ),
        ("Gateway", "Create", api.CreateGatewayRequest(), "gateway is missing"),
        ("Tenant", "Create", api.CreateTenantRequest(), "tenant is missing"),
        (
            "Device",
            "CreateKeys",
            api.CreateDeviceKeysRequest(),
            "device_keys is missing",
        ),
        (
            "Device",
            "Activate",
            api.ActivateDeviceRequest(),
            "device_activation is missing",
        ),
    ],
)
def test_a_missing_part_is_named(
    site: Site, service: str, method: str, request_: Any, message: str
) -> None:
    call = getattr(getattr(site.admin, service), method)

    assert (Code.INVALID_ARGUMENT, message) == refused(call, request_)


def test_a_device_in_an_unknown_application_is_record_not_found(site: Site) -> None:
    device = api.Device(
        dev_eui=EUI, application_id=NOBODY, device_profile_id=site.profile()
    )

    assert (Code.INTERNAL, "Record not found") == refused(
        site.admin.Device.Create, api.CreateDeviceRequest(device=device)
    )
