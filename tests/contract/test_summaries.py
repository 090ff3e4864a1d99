"""What the web interface asks: summaries, lists of names, a search over everything."""

from typing import Any

import pytest
from chirpstack_api import api, gw
from tests.contract.world import World


def as_user(world: World, method: str, request: Any) -> Any:
    return world.when_asked(method, request, token=world.stage.user_token())


@pytest.mark.proves("grpc:InternalService/GetDevicesSummary")
def test_the_devices_of_a_tenant_are_summed_up(world: World) -> None:
    world.given_joined()
    second = "0" * 2 + world.cast.dev_eui[2:]
    world.names.add(second, "second")
    device = api.Device(
        dev_eui=second,
        name="b",
        application_id=world.cast.application_id,
        device_profile_id=world.cast.profile.id,
    )
    world.when_asked("DeviceService/Create", api.CreateDeviceRequest(device=device))
    world.when_uplink(dr=5)
    world.then_event("up")
    world.stage.settle()

    answer = world.when_asked(
        "InternalService/GetDevicesSummary",
        api.GetDevicesSummaryRequest(tenant_id=world.cast.tenant_id),
    )

    assert (1, 1, {5: 1}) == (
        answer.active_count,
        answer.never_seen_count,
        dict(answer.dr_count),
    )


@pytest.mark.proves("grpc:InternalService/GetGatewaysSummary")
def test_the_gateways_of_a_tenant_are_summed_up(world: World) -> None:
    world.given_device()
    world.given_gateway()
    stats = gw.GatewayStats(gateway_id=world.cast.gateways[0])
    stats.time.GetCurrentTime()
    world.when_gateway_says("stats", stats.SerializeToString())
    world.stage.settle()

    answer = world.when_asked(
        "InternalService/GetGatewaysSummary",
        api.GetGatewaysSummaryRequest(tenant_id=world.cast.tenant_id),
    )

    assert (1, 0, 1) == (
        answer.online_count,
        answer.offline_count,
        answer.never_seen_count,
    )


@pytest.mark.parametrize("kind", ["Devices", "Gateways"])
def test_a_summary_of_everything_is_for_administrators(world: World, kind: str) -> None:
    world.given_device()
    user = world.stage.user_token()
    wanted = api.ApiKey(name="tenant", tenant_id=world.cast.tenant_id)
    key = world.when_asked(
        "InternalService/CreateApiKey",
        api.CreateApiKeyRequest(api_key=wanted),
        token=user,
    )
    request = getattr(api, f"Get{kind}SummaryRequest")()

    answer = world.when_asked(
        f"InternalService/Get{kind}Summary", request, token=key.token
    )

    assert "UNAUTHENTICATED" == answer.code


@pytest.mark.proves("grpc:ApplicationService/ListDeviceProfiles")
def test_the_profiles_an_application_uses_are_listed(world: World) -> None:
    world.given_device()
    world.stage.new_profile(world.cast.tenant_id, name="unused")

    answer = world.when_asked(
        "ApplicationService/ListDeviceProfiles",
        api.ListApplicationDeviceProfilesRequest(
            application_id=world.cast.application_id
        ),
    )

    assert ["lamp-node-eu868"] == [item.name for item in answer.result]


@pytest.mark.proves("grpc:ApplicationService/ListDeviceTags")
def test_the_tags_an_applications_devices_have_are_listed(world: World) -> None:
    world.given_device()

    answer = world.when_asked(
        "ApplicationService/ListDeviceTags",
        api.ListApplicationDeviceTagsRequest(application_id=world.cast.application_id),
    )

    assert {"district": ["nord"], "who": ["device"]} == {
        item.key: list(item.values) for item in answer.result
    }


@pytest.mark.proves("grpc:ApplicationService/ListIntegrations")
def test_the_one_integration_is_mqtt(world: World) -> None:
    world.given_device()

    world.when_asked(
        "ApplicationService/ListIntegrations",
        api.ListIntegrationsRequest(application_id=world.cast.application_id),
    )


@pytest.mark.proves("grpc:InternalService/GlobalSearch")
def test_a_search_finds_devices_gateways_and_applications(world: World) -> None:
    world.given_device()
    for wanted in (world.cast.dev_eui, world.cast.gateways[0]):
        request = api.GlobalSearchRequest(search=wanted, limit=10)
        as_user(world, "InternalService/GlobalSearch", request)
