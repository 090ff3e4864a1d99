"""Every status code of the API that a tool must cope with (contract §5.3)."""

from typing import Any

import pytest
from chirpstack_api import api, common
from tests.contract.caller import Refusal
from tests.contract.world import NOBODY, World

EUI = "0102030405060708"


def refused(world: World, code: str, method: str, request: Any, **how: Any) -> str:
    """Return the message of a call that must be refused with this code."""
    answer = world.when_asked(method, request, **how)
    assert isinstance(answer, Refusal), f"{method} answered {answer}"
    assert code == answer.code
    return answer.message


def device_of(world: World, **settings: Any) -> api.Device:
    wanted = {
        "dev_eui": world.cast.dev_eui,
        "name": "lamp-0147",
        "application_id": world.cast.application_id,
        "device_profile_id": world.cast.profile.id,
        **settings,
    }
    return api.Device(**wanted)


def gateway_of(world: World, **settings: Any) -> api.Gateway:
    wanted = {
        "gateway_id": world.cast.gateways[0],
        "name": "roof",
        "tenant_id": world.cast.tenant_id,
        "stats_interval": 30,
        **settings,
    }
    return api.Gateway(**wanted)


@pytest.mark.proves("trap:16", "feature:api-keys")
@pytest.mark.parametrize(
    "metadata",
    [
        [],
        [("authorization", "Basic YWRtaW46YWRtaW4=")],
        [("authorization", "Bearer nonsense")],
        [("authorization", "Bearer a.b.c")],
    ],
    ids=["none", "basic", "nonsense", "three-parts"],
)
def test_who_does_not_say_who_he_is_is_unauthenticated(
    world: World, metadata: Any
) -> None:
    world.given_device()
    request = api.GetDeviceRequest(dev_eui=world.cast.dev_eui)

    refused(world, "UNAUTHENTICATED", "DeviceService/Get", request, metadata=metadata)


@pytest.mark.proves("trap:16")
@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("DeviceService/Get", api.GetDeviceRequest(dev_eui=EUI)),
        ("DeviceService/GetKeys", api.GetDeviceKeysRequest(dev_eui=EUI)),
        ("DeviceService/Delete", api.DeleteDeviceRequest(dev_eui=EUI)),
        ("DeviceService/GetActivation", api.GetDeviceActivationRequest(dev_eui=EUI)),
        ("DeviceService/Deactivate", api.DeactivateDeviceRequest(dev_eui=EUI)),
        ("DeviceService/FlushDevNonces", api.FlushDevNoncesRequest(dev_eui=EUI)),
        (
            "DeviceService/GetNextFCntDown",
            api.GetDeviceNextFCntDownRequest(dev_eui=EUI),
        ),
        (
            "DeviceService/UpdateKeys",
            api.UpdateDeviceKeysRequest(device_keys=api.DeviceKeys(dev_eui=EUI)),
        ),
        ("DeviceService/DeleteKeys", api.DeleteDeviceKeysRequest(dev_eui=EUI)),
        ("GatewayService/Get", api.GetGatewayRequest(gateway_id=EUI)),
        ("GatewayService/Delete", api.DeleteGatewayRequest(gateway_id=EUI)),
        ("ApplicationService/Get", api.GetApplicationRequest(id=NOBODY)),
        ("ApplicationService/Delete", api.DeleteApplicationRequest(id=NOBODY)),
        ("DeviceProfileService/Get", api.GetDeviceProfileRequest(id=NOBODY)),
        ("DeviceProfileService/Delete", api.DeleteDeviceProfileRequest(id=NOBODY)),
        ("TenantService/Get", api.GetTenantRequest(id=NOBODY)),
        ("TenantService/Delete", api.DeleteTenantRequest(id=NOBODY)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_unknown_id_asked_by_an_administrator_is_not_found(
    world: World, method: str, request_: Any
) -> None:
    world.given_device()

    refused(world, "NOT_FOUND", method, request_)


@pytest.mark.proves("trap:16")
def test_what_an_administrator_does_with_the_queue_of_nobody(world: World) -> None:
    keys = api.CreateDeviceKeysRequest(device_keys=api.DeviceKeys(dev_eui=EUI))
    item = api.DeviceQueueItem(dev_eui=EUI, f_port=1, data=b"\x01")
    enqueue = api.EnqueueDeviceQueueItemRequest(queue_item=item)
    seen = api.GetDeviceQueueItemsRequest(dev_eui=EUI)
    flush = api.FlushDeviceQueueRequest(dev_eui=EUI)

    assert 0 == world.when_asked("DeviceService/GetQueue", seen).total_count
    world.when_asked("DeviceService/FlushQueue", flush)
    refused(world, "INTERNAL", "DeviceService/CreateKeys", keys)
    world.when_asked("DeviceService/Enqueue", enqueue)


@pytest.mark.proves("check:14", "trap:16", "grpc:DeviceService/Create")
def test_a_second_device_of_one_dev_eui_is_internal(world: World) -> None:
    world.given_device()
    request = api.CreateDeviceRequest(device=device_of(world))

    assert "UNIQUE" in refused(world, "INTERNAL", "DeviceService/Create", request)


@pytest.mark.proves("trap:16")
def test_second_keys_and_a_second_gateway_are_internal_too(world: World) -> None:
    world.given_device()
    keys = api.DeviceKeys(dev_eui=world.cast.dev_eui)
    refused(
        world,
        "INTERNAL",
        "DeviceService/CreateKeys",
        api.CreateDeviceKeysRequest(device_keys=keys),
    )

    refused(
        world,
        "INTERNAL",
        "GatewayService/Create",
        api.CreateGatewayRequest(gateway=gateway_of(world)),
    )


@pytest.mark.proves("trap:16")
@pytest.mark.parametrize(
    "text", ["0102", "010203040506070", "zz02030405060708", "1" * 18]
)
def test_a_malformed_eui_is_internal(world: World, text: str) -> None:
    world.given_device()
    refused(world, "INTERNAL", "DeviceService/Get", api.GetDeviceRequest(dev_eui=text))
    refused(
        world, "INTERNAL", "GatewayService/Get", api.GetGatewayRequest(gateway_id=text)
    )


@pytest.mark.proves("trap:16")
@pytest.mark.parametrize("text", ["00", "0", "zz" * 16])
def test_a_malformed_key_or_dev_addr_is_internal(world: World, text: str) -> None:
    world.given_device()
    keys = api.DeviceKeys(dev_eui=world.cast.dev_eui, nwk_key=text)
    refused(
        world,
        "INTERNAL",
        "DeviceService/UpdateKeys",
        api.UpdateDeviceKeysRequest(device_keys=keys),
    )
    activation = api.DeviceActivation(dev_eui=world.cast.dev_eui, dev_addr=text)

    refused(
        world,
        "INTERNAL",
        "DeviceService/Activate",
        api.ActivateDeviceRequest(device_activation=activation),
    )


@pytest.mark.proves("trap:16")
def test_an_empty_eui_is_zeros(world: World) -> None:
    world.given_device()

    message = refused(world, "NOT_FOUND", "DeviceService/Get", api.GetDeviceRequest())

    assert "(id: 0000000000000000)" in message


@pytest.mark.proves("trap:16")
def test_an_empty_key_is_zeros(world: World) -> None:
    world.given_device()
    keys = api.DeviceKeys(dev_eui=world.cast.dev_eui)
    world.when_asked(
        "DeviceService/UpdateKeys", api.UpdateDeviceKeysRequest(device_keys=keys)
    )

    request = api.GetDeviceKeysRequest(dev_eui=world.cast.dev_eui)

    assert (
        "0" * 32
        == world.when_asked("DeviceService/GetKeys", request).device_keys.nwk_key
    )


@pytest.mark.parametrize(
    "text", ["", "12", "nonsense", "zz" * 16, NOBODY[:-1], NOBODY + "0"]
)
def test_a_malformed_uuid_is_an_invalid_argument(world: World, text: str) -> None:
    world.given_device()

    refused(
        world,
        "INVALID_ARGUMENT",
        "ApplicationService/Get",
        api.GetApplicationRequest(id=text),
    )


def test_a_uuid_may_come_without_dashes_and_an_eui_in_capitals(world: World) -> None:
    world.given_device()
    world.names.add(world.cast.application_id.replace("-", ""), "bare application")
    bare = api.GetApplicationRequest(id=world.cast.application_id.replace("-", ""))
    loud = api.GetDeviceRequest(dev_eui=world.cast.dev_eui.upper())

    application = world.when_asked("ApplicationService/Get", bare).application
    device = world.when_asked("DeviceService/Get", loud).device

    assert (world.cast.application_id, world.cast.dev_eui) == (
        application.id,
        device.dev_eui,
    )


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("DeviceService/Create", api.CreateDeviceRequest()),
        ("DeviceService/Update", api.UpdateDeviceRequest()),
        ("DeviceService/CreateKeys", api.CreateDeviceKeysRequest()),
        ("DeviceService/UpdateKeys", api.UpdateDeviceKeysRequest()),
        ("DeviceService/Activate", api.ActivateDeviceRequest()),
        ("DeviceService/Enqueue", api.EnqueueDeviceQueueItemRequest()),
        ("GatewayService/Create", api.CreateGatewayRequest()),
        ("GatewayService/Update", api.UpdateGatewayRequest()),
        ("ApplicationService/Create", api.CreateApplicationRequest()),
        ("ApplicationService/Update", api.UpdateApplicationRequest()),
        ("DeviceProfileService/Create", api.CreateDeviceProfileRequest()),
        ("DeviceProfileService/Update", api.UpdateDeviceProfileRequest()),
        ("TenantService/Create", api.CreateTenantRequest()),
        ("TenantService/Update", api.UpdateTenantRequest()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_missing_message_is_named(world: World, method: str, request_: Any) -> None:
    world.given_device()

    assert "is missing" in refused(world, "INVALID_ARGUMENT", method, request_)


@pytest.mark.proves("grpc:DeviceService/Enqueue")
@pytest.mark.parametrize("f_port", [0, 256])
def test_a_port_beyond_its_bounds_is_an_invalid_argument(
    world: World, f_port: int
) -> None:
    world.given_device()
    item = api.DeviceQueueItem(dev_eui=world.cast.dev_eui, f_port=f_port, data=b"\x01")
    request = api.EnqueueDeviceQueueItemRequest(queue_item=item)

    refused(world, "INVALID_ARGUMENT", "DeviceService/Enqueue", request)


def test_names_must_not_be_empty_where_the_server_looks(world: World) -> None:
    world.given_device()
    tenant_id = world.cast.tenant_id
    for method, request in (
        (
            "DeviceService/Update",
            api.UpdateDeviceRequest(device=device_of(world, name="")),
        ),
        (
            "GatewayService/Update",
            api.UpdateGatewayRequest(
                gateway=gateway_of(world, name="", downlink_priority=1)
            ),
        ),
        (
            "ApplicationService/Create",
            api.CreateApplicationRequest(
                application=api.Application(tenant_id=tenant_id)
            ),
        ),
        (
            "DeviceProfileService/Create",
            api.CreateDeviceProfileRequest(
                device_profile=api.DeviceProfile(tenant_id=tenant_id)
            ),
        ),
        ("TenantService/Create", api.CreateTenantRequest(tenant=api.Tenant())),
    ):
        refused(world, "INVALID_ARGUMENT", method, request)


def test_names_may_be_empty_on_create(world: World) -> None:
    world.given_device()
    other = world.beside("second")
    other.given_device()
    dev_eui = "f" + other.cast.dev_eui[1:-1] + "f"
    world.names.add(dev_eui, "new dev_eui")
    device = device_of(world, dev_eui=dev_eui, name="")
    world.when_asked("DeviceService/Create", api.CreateDeviceRequest(device=device))

    request = api.GetDeviceRequest(dev_eui=dev_eui)

    assert "" == world.when_asked("DeviceService/Get", request).device.name


def test_a_downlink_priority_of_zero_is_refused_on_update_only(world: World) -> None:
    world.given_device()
    request = api.UpdateGatewayRequest(gateway=gateway_of(world, downlink_priority=0))
    refused(world, "INVALID_ARGUMENT", "GatewayService/Update", request)

    get = api.GetGatewayRequest(gateway_id=world.cast.gateways[0])

    assert 10 == world.when_asked("GatewayService/Get", get).gateway.downlink_priority


def test_a_device_of_no_application_is_internal(world: World) -> None:
    world.given_device()
    device = device_of(world, dev_eui=EUI, application_id=NOBODY)
    request = api.CreateDeviceRequest(device=device)

    assert "Record not found" == refused(
        world, "INTERNAL", "DeviceService/Create", request
    )


def test_a_device_of_no_profile_is_internal(world: World) -> None:
    world.given_device()
    device = device_of(world, dev_eui=EUI, device_profile_id=NOBODY)
    request = api.CreateDeviceRequest(device=device)

    refused(world, "INTERNAL", "DeviceService/Create", request)


@pytest.mark.proves("grpc:DeviceProfileService/Delete")
def test_a_deleted_profile_takes_its_devices_with_it(world: World) -> None:
    world.given_device()
    request = api.DeleteDeviceProfileRequest(id=world.cast.profile.id)
    world.when_asked("DeviceProfileService/Delete", request)

    device = api.GetDeviceRequest(dev_eui=world.cast.dev_eui)

    refused(world, "NOT_FOUND", "DeviceService/Get", device)


def test_a_wrong_login_is_unauthenticated(world: World) -> None:
    request = api.LoginRequest(email="nobody", password="wrong")

    refused(world, "UNAUTHENTICATED", "InternalService/Login", request, metadata=[])


def test_an_rx1_delay_beyond_fifteen_seconds_is_refused(world: World) -> None:
    world.given_device()
    profile = api.DeviceProfile(
        name="p", tenant_id=world.cast.tenant_id, rx1_delay=16, region=common.EU868
    )
    request = api.CreateDeviceProfileRequest(device_profile=profile)

    refused(world, "INVALID_ARGUMENT", "DeviceProfileService/Create", request)


@pytest.mark.proves(
    "trap:17", "grpc:DeviceProfileService/Create", "grpc:DeviceProfileService/Get"
)
def test_a_profile_takes_proto_defaults_literally(world: World) -> None:
    world.given_device()
    profile = api.DeviceProfile(name="bare", tenant_id=world.cast.tenant_id)
    made = world.when_asked(
        "DeviceProfileService/Create",
        api.CreateDeviceProfileRequest(device_profile=profile),
    )

    request = api.GetDeviceProfileRequest(id=made.id)
    shown = world.when_asked("DeviceProfileService/Get", request).device_profile

    assert (False, "", False, 0) == (
        shown.supports_otaa,
        shown.adr_algorithm_id,
        shown.flush_queue_on_activate,
        shown.class_c_timeout,
    )


@pytest.mark.proves("feature:quotas")
def test_a_tenants_limits_are_kept(world: World) -> None:
    world.given_device()
    tenant = api.Tenant(
        id=world.cast.tenant_id,
        name="city",
        can_have_gateways=True,
        max_device_count=1,
        max_gateway_count=1,
    )
    world.when_asked("TenantService/Update", api.UpdateTenantRequest(tenant=tenant))
    device = api.CreateDeviceRequest(device=device_of(world, dev_eui=EUI))
    gateway = api.CreateGatewayRequest(gateway=gateway_of(world, gateway_id=EUI))

    refused(world, "INVALID_ARGUMENT", "DeviceService/Create", device)
    refused(world, "INVALID_ARGUMENT", "GatewayService/Create", gateway)


@pytest.mark.proves("feature:quotas")
def test_a_tenant_may_be_without_gateways(world: World) -> None:
    world.given_device()
    tenant = api.Tenant(id=world.cast.tenant_id, name="city")
    world.when_asked("TenantService/Update", api.UpdateTenantRequest(tenant=tenant))
    request = api.CreateGatewayRequest(gateway=gateway_of(world, gateway_id=EUI))

    refused(world, "INVALID_ARGUMENT", "GatewayService/Create", request)


def test_dev_addr_prefixes_are_read_as_the_real_server_reads_them(world: World) -> None:
    world.given_device()
    for prefix in ("01/8", "zz000000/8", "01000000", "01000000/33"):
        tenant = api.Tenant(
            id=world.cast.tenant_id, name="city", dev_addr_prefixes=[prefix]
        )
        world.when_asked("TenantService/Update", api.UpdateTenantRequest(tenant=tenant))
    request = api.GetTenantRequest(id=world.cast.tenant_id)
    world.when_asked("TenantService/Get", request)
