"""Making, reading, changing, listing and removing what the API keeps."""

from typing import Any

import pytest
from chirpstack_api import api, common
from tests.contract.caller import Refusal
from tests.contract.world import World


def ok(world: World, method: str, request: Any, **how: Any) -> Any:
    answer = world.when_asked(method, request, **how)
    assert not isinstance(answer, Refusal), f"{method}: {answer}"
    return answer


@pytest.mark.proves(
    "grpc:TenantService/Create",
    "grpc:TenantService/Get",
    "grpc:TenantService/Update",
    "grpc:TenantService/Delete",
)
def test_a_tenants_life(world: World) -> None:
    tenant = api.Tenant(
        name="Toulouse",
        description="the city",
        can_have_gateways=True,
        max_gateway_count=3,
        max_device_count=4,
        private_gateways_up=True,
        private_gateways_down=True,
        dev_addr_prefixes=["01000000/8"],
        tags={"country": "fr"},
    )
    tenant.id = ok(
        world, "TenantService/Create", api.CreateTenantRequest(tenant=tenant)
    ).id
    world.names.add(tenant.id, "tenant")
    get = api.GetTenantRequest(id=tenant.id)
    made = ok(world, "TenantService/Get", get).tenant
    tenant.name = "Toulouse métropole"
    ok(world, "TenantService/Update", api.UpdateTenantRequest(tenant=tenant))
    changed = ok(world, "TenantService/Get", get).tenant
    ok(world, "TenantService/Delete", api.DeleteTenantRequest(id=tenant.id))

    assert ["Toulouse", "Toulouse métropole"] == [made.name, changed.name]
    assert "NOT_FOUND" == world.when_asked("TenantService/Get", get).code


@pytest.mark.proves("grpc:TenantService/List")
def test_tenants_are_searched_by_name(world: World) -> None:
    world.given_device()
    name = f"city-{world.cast.tenant_id[:13]}"
    world.names.add(name, "name")
    world.names.add(name.upper(), "NAME")
    for suffix in ("b", "a"):
        world.names.add(world.stage.new_tenant(name=f"{name}-{suffix}"), suffix)

    full = api.ListTenantsRequest(search=name, limit=10)
    page = api.ListTenantsRequest(search=name.upper(), limit=1, offset=1)
    none = api.ListTenantsRequest(search=name, limit=0)

    assert [f"{name}-a", f"{name}-b"] == [
        item.name for item in ok(world, "TenantService/List", full).result
    ]
    assert [f"{name}-b"] == [
        item.name for item in ok(world, "TenantService/List", page).result
    ]
    counted = ok(world, "TenantService/List", none)
    assert (2, 0) == (counted.total_count, len(counted.result))


@pytest.mark.proves(
    "grpc:ApplicationService/Create",
    "grpc:ApplicationService/Get",
    "grpc:ApplicationService/Update",
    "grpc:ApplicationService/Delete",
)
def test_an_applications_life(world: World) -> None:
    world.given_device()
    application = api.Application(
        name="parking",
        description="bays",
        tenant_id=world.cast.tenant_id,
        tags={"who": "application"},
    )
    application.id = ok(
        world,
        "ApplicationService/Create",
        api.CreateApplicationRequest(application=application),
    ).id
    get = api.GetApplicationRequest(id=application.id)
    ok(world, "ApplicationService/Get", get)
    application.name = "parking 2"
    ok(
        world,
        "ApplicationService/Update",
        api.UpdateApplicationRequest(application=application),
    )

    assert "parking 2" == ok(world, "ApplicationService/Get", get).application.name
    delete = api.DeleteApplicationRequest(id=application.id)
    ok(world, "ApplicationService/Delete", delete)
    assert "NOT_FOUND" == world.when_asked("ApplicationService/Get", get).code


@pytest.mark.proves("grpc:ApplicationService/Delete")
def test_an_application_takes_its_devices_with_it(world: World) -> None:
    world.given_device()
    delete = api.DeleteApplicationRequest(id=world.cast.application_id)
    ok(world, "ApplicationService/Delete", delete)
    get = api.GetDeviceRequest(dev_eui=world.cast.dev_eui)

    assert "NOT_FOUND" == world.when_asked("DeviceService/Get", get).code


@pytest.mark.proves("grpc:ApplicationService/List")
def test_applications_are_listed_by_name(world: World) -> None:
    world.given_device()
    for name in ("weather", "parking"):
        application = api.Application(name=name, tenant_id=world.cast.tenant_id)
        request = api.CreateApplicationRequest(application=application)
        ok(world, "ApplicationService/Create", request)
    tenant_id = world.cast.tenant_id
    every = api.ListApplicationsRequest(tenant_id=tenant_id, limit=10)
    some = api.ListApplicationsRequest(tenant_id=tenant_id, limit=10, search="PARK")

    assert ["parking", "street-lighting", "weather"] == [
        item.name for item in ok(world, "ApplicationService/List", every).result
    ]
    assert 1 == ok(world, "ApplicationService/List", some).total_count


@pytest.mark.proves(
    "grpc:DeviceProfileService/Create",
    "grpc:DeviceProfileService/Get",
    "grpc:DeviceProfileService/Update",
    "grpc:DeviceProfileService/Delete",
)
def test_a_profiles_life(world: World) -> None:
    world.given_device()
    profile = api.DeviceProfile(
        name="valve",
        description="waters trees",
        tenant_id=world.cast.tenant_id,
        region=common.Region.EU868,
        mac_version=common.MacVersion.LORAWAN_1_0_4,
        reg_params_revision=common.RegParamsRevision.RP002_1_0_3,
        adr_algorithm_id="default",
        supports_class_c=True,
        class_c_timeout=7,
        abp_rx1_delay=1,
        abp_rx2_freq=869_525_000,
        class_b_timeout=9,
        relay_enabled=True,
        uplink_interval=60,
        device_status_req_interval=2,
        auto_detect_measurements=True,
        rx1_delay=3,
        tags={"device_type": "valve"},
        supported_uplink_data_rates=[0, 1, 2, 3],
        measurements={
            "level": api.Measurement(name="Level", kind=api.MeasurementKind.GAUGE)
        },
    )
    made = api.CreateDeviceProfileRequest(device_profile=profile)
    profile.id = ok(world, "DeviceProfileService/Create", made).id
    get = api.GetDeviceProfileRequest(id=profile.id)
    ok(world, "DeviceProfileService/Get", get)
    profile.supports_otaa, profile.supports_class_c = True, False
    ok(
        world,
        "DeviceProfileService/Update",
        api.UpdateDeviceProfileRequest(device_profile=profile),
    )

    kept = ok(world, "DeviceProfileService/Get", get).device_profile

    assert (0, 0, 0) == (
        kept.class_c_timeout,
        kept.abp_rx2_freq,
        kept.app_layer_params.ts003_f_port,
    )
    delete = api.DeleteDeviceProfileRequest(id=profile.id)
    ok(world, "DeviceProfileService/Delete", delete)


@pytest.mark.proves("grpc:DeviceProfileService/List")
def test_profiles_are_listed_by_name(world: World) -> None:
    world.given_device()
    for name in ("valve", "counter"):
        world.stage.new_profile(world.cast.tenant_id, name=name)
    request = api.ListDeviceProfilesRequest(tenant_id=world.cast.tenant_id, limit=10)
    some = api.ListDeviceProfilesRequest(
        tenant_id=world.cast.tenant_id, limit=10, search="VAL"
    )

    assert ["counter", "lamp-node-eu868", "valve"] == [
        item.name for item in ok(world, "DeviceProfileService/List", request).result
    ]
    assert 1 == ok(world, "DeviceProfileService/List", some).total_count


@pytest.mark.proves("grpc:DeviceProfileService/ListAdrAlgorithms")
def test_the_default_adr_algorithm_is_listed(world: World) -> None:
    answer = world.stage.caller.do(
        "DeviceProfileService/ListAdrAlgorithms", api.GetVersionResponse()
    )

    names = {item.id: item.name for item in answer.result}
    assert "Default ADR algorithm (LoRa only)" == names["default"]


@pytest.mark.proves(
    "grpc:DeviceService/Create",
    "grpc:DeviceService/Get",
    "grpc:DeviceService/Update",
    "grpc:DeviceService/Delete",
)
def test_a_devices_life(world: World) -> None:
    world.given_device()
    cast = world.cast
    get = api.GetDeviceRequest(dev_eui=cast.dev_eui)
    ok(world, "DeviceService/Get", get)
    device = api.Device(
        dev_eui=cast.dev_eui,
        name="lamp 2",
        description="corner",
        application_id=cast.application_id,
        device_profile_id=cast.profile.id,
        is_disabled=True,
        skip_fcnt_check=True,
        join_eui="0102030405060708",
        tags={"a": "b"},
        variables={"secret": "x"},
    )
    ok(world, "DeviceService/Update", api.UpdateDeviceRequest(device=device))

    assert "lamp 2" == ok(world, "DeviceService/Get", get).device.name
    delete = api.DeleteDeviceRequest(dev_eui=cast.dev_eui)
    ok(world, "DeviceService/Delete", delete)
    assert "NOT_FOUND" == world.when_asked("DeviceService/Get", get).code


@pytest.mark.proves("grpc:DeviceService/GetKeys", "grpc:DeviceService/UpdateKeys")
def test_keys_are_kept_and_changed(world: World) -> None:
    world.given_device()
    get = api.GetDeviceKeysRequest(dev_eui=world.cast.dev_eui)
    ok(world, "DeviceService/GetKeys", get)
    keys = api.DeviceKeys(
        dev_eui=world.cast.dev_eui,
        nwk_key="01" * 16,
        app_key="02" * 16,
        gen_app_key="AB" * 16,
    )
    update = api.UpdateDeviceKeysRequest(device_keys=keys)
    ok(world, "DeviceService/UpdateKeys", update)

    found = ok(world, "DeviceService/GetKeys", get).device_keys

    assert ("01" * 16, "ab" * 16) == (found.nwk_key, found.gen_app_key)


@pytest.mark.proves("grpc:DeviceService/List")
def test_devices_are_listed_in_an_order_and_filtered(world: World) -> None:
    world.given_device()
    cast = world.cast
    prefix = cast.dev_eui[:14]
    for number, name in enumerate(("b", "a", "C")):
        dev_eui = f"{prefix}{number:02x}"
        if dev_eui == cast.dev_eui:
            continue
        world.names.add(dev_eui, f"device {number}")
        device = api.Device(
            dev_eui=dev_eui,
            name=name,
            application_id=cast.application_id,
            device_profile_id=cast.profile.id,
            tags={"number": str(number)},
        )
        ok(world, "DeviceService/Create", api.CreateDeviceRequest(device=device))
    app = cast.application_id
    order = api.ListDevicesRequest
    for request in (
        order(application_id=app, limit=10),
        order(application_id=app, limit=10, search="A"),
        order(application_id=app, limit=10, order_by_desc=True),
        order(application_id=app, limit=2, offset=1),
        order(application_id=app, limit=0),
        order(application_id=app, limit=10, tags={"number": "1"}),
        order(application_id=app, limit=10, device_profile_id=cast.profile.id),
        order(application_id=app, limit=10, search=prefix),
    ):
        names = [
            item.name
            for item in world.stage.caller.do("DeviceService/List", request).result
        ]
        world.steps.append({"listed": world.names.normal(names)})
    assert world.steps


@pytest.mark.proves("grpc:DeviceService/List")
def test_devices_are_listed_for_an_application_only(world: World) -> None:
    world.given_device()

    answer = world.when_asked("DeviceService/List", api.ListDevicesRequest(limit=1))

    assert isinstance(answer, Refusal)


@pytest.mark.proves("grpc:DeviceService/GetRandomDevAddr")
def test_a_random_dev_addr_is_of_the_network(world: World) -> None:
    world.given_device()
    request = api.GetRandomDevAddrRequest(dev_eui=world.cast.dev_eui)

    answer = world.stage.caller.do("DeviceService/GetRandomDevAddr", request)

    assert answer.dev_addr[:2] in {"00", "01"}


@pytest.mark.proves(
    "grpc:GatewayService/Create",
    "grpc:GatewayService/Get",
    "grpc:GatewayService/Update",
    "grpc:GatewayService/Delete",
)
def test_a_gateways_life(world: World) -> None:
    world.given_device()
    gateway_id = world.cast.gateways[0]
    get = api.GetGatewayRequest(gateway_id=gateway_id)
    ok(world, "GatewayService/Get", get)
    gateway = api.Gateway(
        gateway_id=gateway_id,
        name="tower",
        description="north",
        tenant_id=world.cast.tenant_id,
        stats_interval=60,
        tags={"a": "b"},
        metadata={"not": "kept"},
        downlink_priority=3,
    )
    ok(world, "GatewayService/Update", api.UpdateGatewayRequest(gateway=gateway))

    assert "tower" == ok(world, "GatewayService/Get", get).gateway.name
    delete = api.DeleteGatewayRequest(gateway_id=gateway_id)
    ok(world, "GatewayService/Delete", delete)
    assert "NOT_FOUND" == world.when_asked("GatewayService/Get", get).code


@pytest.mark.proves("grpc:GatewayService/List")
def test_gateways_are_listed_with_their_state(world: World) -> None:
    world.given_device()
    world.given_gateway(name="tower")
    request = api.ListGatewaysRequest(tenant_id=world.cast.tenant_id, limit=10)
    some = api.ListGatewaysRequest(
        tenant_id=world.cast.tenant_id, limit=10, search="TOW"
    )
    turned = api.ListGatewaysRequest(
        tenant_id=world.cast.tenant_id, limit=10, order_by_desc=True
    )
    assert ["tower", "roof"] == [
        item.name for item in ok(world, "GatewayService/List", turned).result
    ]

    assert ["roof", "tower"] == [
        item.name for item in ok(world, "GatewayService/List", request).result
    ]
    assert 1 == ok(world, "GatewayService/List", some).total_count


@pytest.mark.proves("grpc:InternalService/Login", "grpc:InternalService/GetVersion")
def test_a_person_logs_in_and_reads_the_version(world: World) -> None:
    token = world.stage.user_token()

    answer = world.stage.caller.ask(
        "InternalService/GetVersion",
        api.GetVersionResponse(),
        metadata=[("authorization", f"Bearer {token}")],
    )

    assert answer.version.startswith("4.")


@pytest.mark.proves("grpc:InternalService/Settings")
def test_the_settings_are_public(world: World) -> None:
    answer = world.stage.caller.ask(
        "InternalService/Settings", api.GetVersionResponse(), metadata=[]
    )

    assert not isinstance(answer, Refusal)
