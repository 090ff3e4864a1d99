"""API keys and what they may: of the server, of a tenant, for reading only."""

from typing import Any

import pytest
from chirpstack_api import api
from tests.contract.caller import Refusal, bearer
from tests.contract.world import World


def key(world: World, name: str, **settings: Any) -> str:
    """Create an API key as a person; returns its token."""
    request = api.CreateApiKeyRequest(api_key=api.ApiKey(name=name, **settings))
    answer = world.when_asked(
        "InternalService/CreateApiKey", request, token=world.stage.user_token()
    )
    world.names.add(answer.id, f"{name} key")
    token: str = answer.token
    return token


def reads_and_writes(world: World) -> list[tuple[str, Any]]:
    """Calls of every service on what belongs to the world's tenant."""
    cast = world.cast
    return [
        ("DeviceService/Get", api.GetDeviceRequest(dev_eui=cast.dev_eui)),
        ("DeviceService/GetKeys", api.GetDeviceKeysRequest(dev_eui=cast.dev_eui)),
        (
            "DeviceService/List",
            api.ListDevicesRequest(application_id=cast.application_id, limit=1),
        ),
        ("GatewayService/Get", api.GetGatewayRequest(gateway_id=cast.gateways[0])),
        ("ApplicationService/Get", api.GetApplicationRequest(id=cast.application_id)),
        (
            "ApplicationService/List",
            api.ListApplicationsRequest(tenant_id=cast.tenant_id, limit=1),
        ),
        ("DeviceProfileService/Get", api.GetDeviceProfileRequest(id=cast.profile.id)),
        (
            "DeviceProfileService/List",
            api.ListDeviceProfilesRequest(tenant_id=cast.tenant_id, limit=1),
        ),
        ("TenantService/Get", api.GetTenantRequest(id=cast.tenant_id)),
        (
            "DeviceService/FlushQueue",
            api.FlushDeviceQueueRequest(dev_eui=cast.dev_eui),
        ),
        (
            "DeviceService/Enqueue",
            api.EnqueueDeviceQueueItemRequest(
                queue_item=api.DeviceQueueItem(
                    dev_eui=cast.dev_eui, f_port=1, data=b"\x01"
                )
            ),
        ),
        ("DeviceService/Delete", api.DeleteDeviceRequest(dev_eui=cast.dev_eui)),
        (
            "GatewayService/Delete",
            api.DeleteGatewayRequest(gateway_id=cast.gateways[0]),
        ),
        (
            "ApplicationService/Delete",
            api.DeleteApplicationRequest(id=cast.application_id),
        ),
        (
            "DeviceProfileService/Delete",
            api.DeleteDeviceProfileRequest(id=cast.profile.id),
        ),
        ("TenantService/Delete", api.DeleteTenantRequest(id=cast.tenant_id)),
    ]


def codes(world: World, calls: list[tuple[str, Any]], token: str) -> list[str]:
    answers = [world.when_asked(*call, token=token) for call in calls]
    return [a.code if isinstance(a, Refusal) else "OK" for a in answers]


@pytest.mark.proves("feature:api-keys", "grpc:InternalService/CreateApiKey")
def test_a_tenants_key_may_all_within_the_tenant_but_not_end_it(world: World) -> None:
    world.given_device()
    token = key(world, "tenant", tenant_id=world.cast.tenant_id)

    assert ["OK"] * 15 + ["UNAUTHENTICATED"] == codes(
        world, reads_and_writes(world), token
    )


@pytest.mark.proves("check:15", "feature:api-keys", "trap:16")
def test_a_tenants_key_may_nothing_outside_of_the_tenant(world: World) -> None:
    world.given_device()
    other = world.beside("other")
    other.given_device()
    token = key(world, "tenant", tenant_id=world.cast.tenant_id)

    found = codes(world, reads_and_writes(other), token)

    assert ["UNAUTHENTICATED"] * 16 == found


@pytest.mark.proves("feature:api-keys")
def test_a_reading_key_may_not_write(world: World) -> None:
    world.given_device()
    token = key(world, "reading", tenant_id=world.cast.tenant_id, is_read_only=True)

    assert ["OK"] * 9 + ["UNAUTHENTICATED"] * 7 == codes(
        world, reads_and_writes(world), token
    )


@pytest.mark.proves("feature:api-keys")
def test_an_administrators_reading_key_may_not_write(world: World) -> None:
    world.given_device()
    token = key(world, "admin reading", is_admin=True, is_read_only=True)

    assert ["OK"] * 9 + ["UNAUTHENTICATED"] * 7 == codes(
        world, reads_and_writes(world), token
    )


@pytest.mark.proves("trap:16")
def test_an_unknown_device_under_a_tenants_key_is_unauthenticated(
    world: World,
) -> None:
    world.given_device()
    token = key(world, "tenant", tenant_id=world.cast.tenant_id)
    request = api.GetDeviceRequest(dev_eui="0102030405060708")

    answer = world.when_asked("DeviceService/Get", request, token=token)

    assert Refusal(code="UNAUTHENTICATED", message="") == answer


@pytest.mark.proves("feature:api-keys")
def test_keys_may_not_do_what_is_for_persons(world: World) -> None:
    world.given_device()
    token = key(world, "admin", is_admin=True)
    calls = [
        ("InternalService/Profile", api.GetVersionResponse()),
        (
            "InternalService/ListApiKeys",
            api.ListApiKeysRequest(is_admin=True, limit=1),
        ),
        ("InternalService/ListRegions", api.GetVersionResponse()),
        ("InternalService/GetRegion", api.GetRegionRequest(id="eu868")),
        ("InternalService/GetVersion", api.GetVersionResponse()),
        (
            "InternalService/CreateApiKey",
            api.CreateApiKeyRequest(api_key=api.ApiKey(name="x", is_admin=True)),
        ),
        (
            "InternalService/DeleteApiKey",
            api.DeleteApiKeyRequest(id=world.cast.tenant_id),
        ),
    ]

    assert ["UNAUTHENTICATED"] * 7 == codes(world, calls, token)


@pytest.mark.proves("grpc:InternalService/DeleteApiKey")
def test_a_deleted_key_is_void_at_once(world: World) -> None:
    world.given_device()
    user = world.stage.user_token()
    request = api.CreateApiKeyRequest(api_key=api.ApiKey(name="brief", is_admin=True))
    made = world.when_asked("InternalService/CreateApiKey", request, token=user)
    read = api.GetDeviceRequest(dev_eui=world.cast.dev_eui)
    before = world.when_asked("DeviceService/Get", read, token=made.token)
    world.when_asked(
        "InternalService/DeleteApiKey", api.DeleteApiKeyRequest(id=made.id), token=user
    )

    after = world.when_asked("DeviceService/Get", read, token=made.token)

    assert not isinstance(before, Refusal)
    assert Refusal(code="UNAUTHENTICATED", message="") == after


@pytest.mark.proves("grpc:InternalService/CreateApiKey")
@pytest.mark.parametrize("wrong", ["neither", "both", "no key"])
def test_a_key_is_of_the_server_or_of_one_tenant(world: World, wrong: str) -> None:
    world.given_device()
    keys = {
        "neither": api.ApiKey(name="x"),
        "both": api.ApiKey(name="x", is_admin=True, tenant_id=world.cast.tenant_id),
    }
    request = api.CreateApiKeyRequest(api_key=keys.get(wrong))

    answer = world.when_asked(
        "InternalService/CreateApiKey", request, token=world.stage.user_token()
    )

    assert "INVALID_ARGUMENT" == answer.code


@pytest.mark.proves("grpc:InternalService/ListApiKeys")
def test_a_tenants_keys_are_listed(world: World) -> None:
    world.given_device()
    key(world, "first", tenant_id=world.cast.tenant_id)
    key(world, "second", tenant_id=world.cast.tenant_id, is_read_only=True)
    request = api.ListApiKeysRequest(tenant_id=world.cast.tenant_id, limit=10)

    answer = world.when_asked(
        "InternalService/ListApiKeys", request, token=world.stage.user_token()
    )

    assert ["first", "second"] == [found.name for found in answer.result]


@pytest.mark.proves(
    "grpc:InternalService/Profile",
    "grpc:InternalService/ListRegions",
    "grpc:InternalService/GetRegion",
)
def test_a_person_sees_the_regions(world: World) -> None:
    token = world.stage.user_token()
    profile = world.stage.caller.ask(
        "InternalService/Profile", api.GetVersionResponse(), metadata=bearer(token)
    )
    regions = world.when_asked(
        "InternalService/ListRegions", api.GetVersionResponse(), token=token
    )
    world.when_asked(
        "InternalService/GetRegion", api.GetRegionRequest(id="eu868"), token=token
    )

    assert profile.user.is_admin
    assert ["eu868"] == [region.id for region in regions.regions]
