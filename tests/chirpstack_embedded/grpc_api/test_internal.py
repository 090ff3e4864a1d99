"""InternalService: who may call, regions, and the streams of events."""

from typing import Any

import jwt
import pytest
from chirpstack_api import api
from google.protobuf.empty_pb2 import Empty
from tests.chirpstack_embedded.conftest import configuration
from tests.chirpstack_embedded.grpc_api.site import (
    EUI,
    NOBODY,
    Client,
    Code,
    Site,
    refused,
)

from chirpstack_embedded.store.schema import ADMIN_USER_ID, DEFAULT_TENANT_ID

SECRET = configuration().api_secret


def test_the_first_tenant_and_user_have_the_ids_of_chirpstacks_sqlite_build(
    site: Site,
) -> None:
    tenants = site.admin.Tenant.List(api.ListTenantsRequest(limit=10))
    profile = site.user.Internal.Profile(Empty())

    assert [(DEFAULT_TENANT_ID, "ChirpStack")] == [
        (tenant.id, tenant.name) for tenant in tenants.result
    ]
    assert (ADMIN_USER_ID, "admin", True) == (
        profile.user.id,
        profile.user.email,
        profile.user.is_admin,
    )


def test_a_wrong_login_is_unauthenticated(site: Site) -> None:
    request = api.LoginRequest(email="admin", password="nope")

    assert (Code.UNAUTHENTICATED, "Invalid username or password") == refused(
        site.admin.Internal.Login, request
    )


def token_of(**claims: Any) -> str:
    known = {"aud": "chirpstack", "iss": "chirpstack", "sub": NOBODY, "typ": "key"}
    return jwt.encode({**known, **claims}, SECRET, algorithm="HS256")


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        (None, "no authorization provided"),
        ("Basic x", "authorization metadata must be in format 'Bearer <TOKEN>"),
        ("Bearer x", "InvalidToken"),
        ("Bearer " + jwt.encode({"aud": "chirpstack"}, "x" * 32), "InvalidSignature"),
        ("Bearer " + token_of(exp=1), "ExpiredSignature"),
        ("Bearer " + token_of(aud="other"), "InvalidAudience"),
        ("Bearer " + token_of(typ="robot"), "InvalidToken"),
        ("Bearer " + token_of(), ""),
        ("Bearer " + token_of(typ="user"), ""),
    ],
)
def test_a_bad_token_is_unauthenticated_with_its_reason(
    site: Site, authorization: str | None, message: str
) -> None:
    metadata = [("authorization", authorization)] if authorization else []

    assert (Code.UNAUTHENTICATED, message) == refused(
        site.admin.Tenant.List, api.ListTenantsRequest(), metadata=metadata
    )


def test_the_issuer_is_not_checked(site: Site) -> None:
    token = jwt.decode(site.admin.token or "", options={"verify_signature": False})
    foreign = jwt.encode({**token, "iss": "somebody"}, SECRET, algorithm="HS256")

    Client(site.channel, foreign).Tenant.List(api.ListTenantsRequest())


def test_a_deleted_key_is_void_at_once(site: Site) -> None:
    key = site.key(is_admin=True)
    client = Client(site.channel, key.token)
    client.Tenant.List(api.ListTenantsRequest())

    site.user.Internal.DeleteApiKey(api.DeleteApiKeyRequest(id=key.id))

    assert (
        Code.UNAUTHENTICATED == refused(client.Tenant.List, api.ListTenantsRequest())[0]
    )


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("CreateApiKey", api.CreateApiKeyRequest(api_key=api.ApiKey(is_admin=True))),
        ("DeleteApiKey", api.DeleteApiKeyRequest(id=NOBODY)),
        ("ListApiKeys", api.ListApiKeysRequest(is_admin=True)),
        ("Profile", Empty()),
        ("ListRegions", Empty()),
        ("GetRegion", api.GetRegionRequest(id="eu868")),
        ("GetVersion", Empty()),
    ],
)
def test_api_keys_cannot_call_what_is_for_people(
    site: Site, method: str, request_: Any
) -> None:
    assert (Code.UNAUTHENTICATED, "") == refused(
        getattr(site.admin.Internal, method), request_
    )


@pytest.mark.parametrize("settings", [{}, {"is_admin": True, "tenant_id": NOBODY}])
def test_a_key_is_of_the_server_or_of_one_tenant(
    site: Site, settings: dict[str, Any]
) -> None:
    request = api.CreateApiKeyRequest(api_key=api.ApiKey(name="k", **settings))

    code, _ = refused(site.user.Internal.CreateApiKey, request)
    assert Code.INVALID_ARGUMENT == code


def test_keys_are_listed_by_kind(site: Site) -> None:
    site.key(tenant_id=DEFAULT_TENANT_ID)

    admin = site.user.Internal.ListApiKeys(
        api.ListApiKeysRequest(limit=10, is_admin=True)
    )
    tenant = site.user.Internal.ListApiKeys(
        api.ListApiKeysRequest(limit=10, tenant_id=DEFAULT_TENANT_ID)
    )
    assert (1, 1) == (admin.total_count, tenant.total_count)
    assert "" == getattr(admin.result[0], "token", "")


def test_a_read_only_key_reads_and_does_not_write(site: Site) -> None:
    site.device()
    client = Client(site.channel, site.key(is_admin=True, is_read_only=True).token)

    assert "d" == client.Device.Get(api.GetDeviceRequest(dev_eui=EUI)).device.name
    assert (Code.UNAUTHENTICATED, "") == refused(
        client.Device.Delete, api.DeleteDeviceRequest(dev_eui=EUI)
    )


def test_a_tenant_key_sees_its_own_devices_only(site: Site) -> None:
    other = site.tenant()
    site.device()
    client = Client(site.channel, site.key(tenant_id=other).token)

    foreign = refused(client.Device.Get, api.GetDeviceRequest(dev_eui=EUI))
    unknown = refused(client.Device.Get, api.GetDeviceRequest(dev_eui="00" * 8))

    assert (Code.UNAUTHENTICATED, "") == foreign == unknown


def test_a_tenant_key_works_in_its_tenant(site: Site) -> None:
    tenant_id = site.tenant(can_have_gateways=True)
    site.device(tenant_id)
    client = Client(site.channel, site.key(tenant_id=tenant_id).token)

    client.Device.CreateKeys(
        api.CreateDeviceKeysRequest(
            device_keys=api.DeviceKeys(dev_eui=EUI, nwk_key="00" * 16)
        )
    )
    client.Gateway.Create(
        api.CreateGatewayRequest(
            gateway=api.Gateway(gateway_id=EUI, name="g", tenant_id=tenant_id)
        )
    )
    listed = client.Gateway.List(api.ListGatewaysRequest(limit=5, tenant_id=tenant_id))

    assert 1 == listed.total_count
    assert (Code.UNAUTHENTICATED, "") == refused(
        client.Gateway.List, api.ListGatewaysRequest(limit=5)
    )
    assert (Code.UNAUTHENTICATED, "") == refused(
        client.Tenant.List, api.ListTenantsRequest(limit=5)
    )


def test_a_stream_shows_the_history_and_then_what_comes(site: Site) -> None:
    site.device()

    def add(kind: str) -> None:
        site.streams.add(
            "device-event",
            EUI,
            time_ns=1_500_000_000,
            description=kind,
            body="{}",
            properties={"DR": "3"},
        )

    for number in range(12):
        add(f"old-{number}")
    call = site.admin.Internal.StreamDeviceEvents(
        api.StreamDeviceEventsRequest(dev_eui=EUI)
    )
    first = [next(call) for _ in range(10)]
    add("new")

    assert ["old-2", "old-11"] == [first[0].description, first[-1].description]
    item = next(call)
    assert ("new", "{}", {"DR": "3"}, 1) == (
        item.description,
        item.body,
        dict(item.properties),
        item.time.seconds,
    )
    call.cancel()


def test_a_stream_of_an_unknown_device_is_refused(site: Site) -> None:
    call = site.admin.Internal.StreamDeviceEvents(
        api.StreamDeviceEventsRequest(dev_eui=EUI)
    )

    assert Code.NOT_FOUND == refused(lambda _request: next(call), None)[0]


def test_regions_are_those_of_the_configuration(site: Site) -> None:
    listed = site.user.Internal.ListRegions(Empty())
    region = site.user.Internal.GetRegion(api.GetRegionRequest(id="eu868"))

    assert ["eu868"] == [item.id for item in listed.regions]
    assert (1, 3, 869_525_000) == (
        region.rx1_delay,
        region.rx2_dr,
        region.rx2_frequency,
    )
