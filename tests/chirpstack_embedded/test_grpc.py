"""The API through the real stubs and a real socket (contract §5)."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import grpc
import jwt
import pytest
from chirpstack_api import api, common
from google.protobuf import descriptor_pool
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.chirpstack_embedded.conftest import configuration

from chirpstack_embedded.codec import Codec
from chirpstack_embedded.core.payloads import Payloads
from chirpstack_embedded.grpc_api import ApiServer
from chirpstack_embedded.grpc_api.call import Services
from chirpstack_embedded.grpc_api.server import SERVICES
from chirpstack_embedded.grpc_api.servicer import method_names
from chirpstack_embedded.store import Store
from chirpstack_embedded.store.schema import ADMIN_USER_ID, DEFAULT_TENANT_ID
from chirpstack_embedded.streams import Streams

EUI = "a81758fffe0301c4"
NOBODY = "00000000-0000-4000-8000-000000000000"
SECRET = configuration().api_secret
Code = grpc.StatusCode


class Client:
    """Stubs with a token."""

    def __init__(self, channel: grpc.Channel, token: str | None) -> None:
        self._channel = channel
        self.token = token

    def __getattr__(self, service: str) -> Any:
        stub = getattr(api, f"{service}ServiceStub")(self._channel)
        return Bound(stub, self.token)


class Bound:
    def __init__(self, stub: Any, token: str | None) -> None:
        self._stub = stub
        self._metadata = [("authorization", f"Bearer {token}")] if token else []

    def __getattr__(self, method: str) -> Callable[[Any], Any]:
        function = getattr(self._stub, method)
        return lambda request, **more: function(
            request, metadata=more.get("metadata", self._metadata), timeout=10
        )


class Site:
    """A served API and its administrator."""

    def __init__(self, store: Store, channel: grpc.Channel, streams: Streams) -> None:
        self.store, self.channel, self.streams = store, channel, streams
        login = Client(channel, None).Internal.Login(
            api.LoginRequest(email="admin", password="admin")
        )
        self.user = Client(channel, login.jwt)
        self.admin = Client(channel, self.key(is_admin=True).token)

    def key(self, **settings: Any) -> Any:
        return self.user.Internal.CreateApiKey(
            api.CreateApiKeyRequest(api_key=api.ApiKey(name="key", **settings))
        )

    def tenant(self, **settings: Any) -> str:
        request = api.CreateTenantRequest(tenant=api.Tenant(name="t", **settings))
        tenant_id: str = self.admin.Tenant.Create(request).id
        return tenant_id

    def application(self, tenant_id: str = DEFAULT_TENANT_ID) -> str:
        application = api.Application(name="a", tenant_id=tenant_id)
        request = api.CreateApplicationRequest(application=application)
        application_id: str = self.admin.Application.Create(request).id
        return application_id

    def profile(self, tenant_id: str = DEFAULT_TENANT_ID, **settings: Any) -> str:
        profile = api.DeviceProfile(name="p", tenant_id=tenant_id, **settings)
        request = api.CreateDeviceProfileRequest(device_profile=profile)
        profile_id: str = self.admin.DeviceProfile.Create(request).id
        return profile_id

    def device(self, tenant_id: str = DEFAULT_TENANT_ID, **settings: Any) -> api.Device:
        device = api.Device(
            **{
                "dev_eui": EUI,
                "name": "d",
                "application_id": self.application(tenant_id),
                "device_profile_id": self.profile(tenant_id),
                **settings,
            }
        )
        self.admin.Device.Create(api.CreateDeviceRequest(device=device))
        return device


@pytest.fixture
def site() -> Iterator[Site]:
    store, streams = Store(":memory:", time.time()), Streams()
    services = Services(
        configuration=configuration(),
        store=store,
        payloads=Payloads(Codec()),
        streams=streams,
        clock=time.time,
        rng=random.Random(1),
    )
    server = ApiServer(services, "127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield Site(store, channel, streams)
    server.stop(0)
    store.close()


def refused(call: Callable[[Any], Any], request: Any, **more: Any) -> tuple[Any, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call(request, **more)
    return caught.value.code(), caught.value.details() or ""


# -- who may call


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


# -- status codes


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


def test_a_deleted_profile_takes_its_devices_with_it(site: Site) -> None:
    device = site.device()
    site.admin.DeviceProfile.Delete(
        api.DeleteDeviceProfileRequest(id=device.device_profile_id)
    )

    assert site.store.devices.get(EUI) is None


def test_a_device_may_be_created_without_name_and_not_updated_so(site: Site) -> None:
    device = site.device(name="")

    assert (Code.INVALID_ARGUMENT, "Validation error: name is not set") == refused(
        site.admin.Device.Update, api.UpdateDeviceRequest(device=device)
    )


def test_tenants_have_quotas(site: Site) -> None:
    poor = site.tenant(max_device_count=1)
    site.device(poor)
    second = api.Device(
        dev_eui="01" * 8,
        application_id=site.application(poor),
        device_profile_id=site.profile(poor),
    )
    gateway = api.Gateway(gateway_id=EUI, name="g", tenant_id=poor)

    assert (
        Code.INVALID_ARGUMENT,
        "Not allowed (Max number of devices exceeded for tenant)",
    ) == refused(site.admin.Device.Create, api.CreateDeviceRequest(device=second))
    assert (
        Code.INVALID_ARGUMENT,
        "Not allowed (Tenant can not have gateways)",
    ) == refused(site.admin.Gateway.Create, api.CreateGatewayRequest(gateway=gateway))


# -- what is not emulated


def not_served() -> list[tuple[str, str]]:
    served: dict[str, set[str]] = {
        "InternalService": {
            "Login",
            "Settings",
            "StreamDeviceEvents",
            "StreamDeviceFrames",
            "StreamGatewayFrames",
        }
    }
    return [
        (service, method)
        for service, methods in SERVICES.items()
        for method in method_names(service)
        if method not in methods and method not in served.get(service, set())
    ]


def test_whatever_is_not_emulated_says_so_by_name(site: Site) -> None:
    pool = descriptor_pool.Default()
    answers = {}
    for service, method in not_served():
        descriptor = pool.FindServiceByName(f"api.{service}").methods_by_name[method]
        call = getattr(getattr(site.admin, service.removesuffix("Service")), method)
        answers[service, method] = refused(
            call, GetMessageClass(descriptor.input_type)()
        )

    assert len(answers) > 80
    for (service, method), answer in answers.items():
        sentence = (
            f"api.{service}/{method} is not emulated by Garonne's embedded server"
        )
        assert (Code.UNIMPLEMENTED, sentence) == answer


def test_every_service_of_the_package_is_in_the_table() -> None:
    declared = {
        name.removesuffix("Servicer") for name in dir(api) if name.endswith("Servicer")
    }

    assert declared - {"DeviceProfileTemplateService"} == set(SERVICES)


# -- resources


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


def test_a_gateway_is_online_within_two_intervals_of_its_stats(site: Site) -> None:
    now = time.time()
    seen = {"never": None, "now": now, "long": now - 100}
    for number, instant in enumerate(seen.values()):
        gateway_id = f"{number:016x}"
        site.admin.Gateway.Create(
            api.CreateGatewayRequest(
                gateway=api.Gateway(
                    gateway_id=gateway_id,
                    name=str(number),
                    tenant_id=DEFAULT_TENANT_ID,
                    stats_interval=30,
                )
            )
        )
        if instant is not None:
            with site.store.transaction():
                site.store.gateways.note_stats(
                    gateway_id, {"k": "v"}, common.Location(), instant
                )

    listed = site.admin.Gateway.List(api.ListGatewaysRequest(limit=5))
    assert [
        api.GatewayState.NEVER_SEEN,
        api.GatewayState.ONLINE,
        api.GatewayState.OFFLINE,
    ] == [item.state for item in listed.result]
    assert {"k": "v"} == dict(listed.result[1].properties)


def test_a_gateway_has_priority_10_unless_told_and_never_0(site: Site) -> None:
    gateway = api.Gateway(gateway_id=EUI, name="g", tenant_id=DEFAULT_TENANT_ID)
    site.admin.Gateway.Create(api.CreateGatewayRequest(gateway=gateway))

    got = site.admin.Gateway.Get(api.GetGatewayRequest(gateway_id=EUI))
    assert (10, True) == (
        got.gateway.downlink_priority,
        got.gateway.HasField("location"),
    )
    assert (
        Code.INVALID_ARGUMENT,
        "Validation error: downlink_priority must be > 0",
    ) == refused(site.admin.Gateway.Update, api.UpdateGatewayRequest(gateway=gateway))


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


def activation(**settings: Any) -> Any:
    keys = ("nwk_s_enc_key", "s_nwk_s_int_key", "f_nwk_s_int_key")
    given = {
        "dev_eui": EUI,
        "dev_addr": "01a7c3e5",
        "app_s_key": "0a" * 16,
        **dict.fromkeys(keys, "0b" * 16),
        **settings,
    }
    return api.ActivateDeviceRequest(device_activation=api.DeviceActivation(**given))


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


def enqueue(**item: Any) -> Any:
    given = {"dev_eui": EUI, "f_port": 10, "data": b"\x01", **item}
    return api.EnqueueDeviceQueueItemRequest(queue_item=api.DeviceQueueItem(**given))


def test_the_queue_is_first_in_first_out_and_ignores_client_ids(site: Site) -> None:
    site.device()
    ids = [
        site.admin.Device.Enqueue(enqueue(data=bytes((n,)), id=NOBODY)).id
        for n in range(3)
    ]

    queue = site.admin.Device.GetQueue(api.GetDeviceQueueItemsRequest(dev_eui=EUI))
    assert (ids, [b"\x00", b"\x01", b"\x02"]) == (
        [item.id for item in queue.result],
        [item.data for item in queue.result],
    )
    assert NOBODY not in ids
    site.admin.Device.FlushQueue(api.FlushDeviceQueueRequest(dev_eui=EUI))
    empty = site.admin.Device.GetQueue(api.GetDeviceQueueItemsRequest(dev_eui=EUI))
    assert 0 == empty.total_count


def test_a_flush_happens_before_the_item_is_found_wrong(site: Site) -> None:
    site.device()
    site.admin.Device.Enqueue(enqueue())
    request = enqueue(f_port=256)
    request.flush_queue = True

    assert (
        Code.INVALID_ARGUMENT,
        "Validation error: FPort must be between 1 - 255",
    ) == refused(site.admin.Device.Enqueue, request)
    queue = site.admin.Device.GetQueue(api.GetDeviceQueueItemsRequest(dev_eui=EUI))
    assert 0 == queue.total_count


def test_the_next_counter_of_a_fresh_session_is_1(site: Site) -> None:
    site.device()
    site.admin.Device.Activate(activation())

    got = site.admin.Device.GetNextFCntDown(
        api.GetDeviceNextFCntDownRequest(dev_eui=EUI)
    )
    assert 1 == got.f_cnt_down


def test_an_object_is_encoded_or_the_codec_is_quoted(site: Site) -> None:
    script = "function encodeDownlink(i) { return {bytes: [i.data.level]}; }"
    profile_id = site.profile(
        payload_codec_runtime=api.CodecRuntime.JS, payload_codec_script=script
    )
    site.device(device_profile_id=profile_id)
    request = enqueue()
    request.queue_item.object.update({"level": 60})

    site.admin.Device.Enqueue(request)
    queue = site.admin.Device.GetQueue(api.GetDeviceQueueItemsRequest(dev_eui=EUI))
    assert [b"\x3c"] == [item.data for item in queue.result]

    broken = api.DeviceProfile(
        id=profile_id,
        name="p",
        payload_codec_runtime=api.CodecRuntime.JS,
        payload_codec_script="function encodeDownlink() { throw new Error('no'); }",
    )
    site.admin.DeviceProfile.Update(
        api.UpdateDeviceProfileRequest(device_profile=broken)
    )
    code, message = refused(site.admin.Device.Enqueue, request)
    assert Code.INTERNAL == code
    assert message.startswith("JS error: Error: no")


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


def test_a_deleted_tenant_takes_everything_along(site: Site) -> None:
    tenant_id = site.tenant()
    site.device(tenant_id)

    site.admin.Tenant.Delete(api.DeleteTenantRequest(id=tenant_id))

    code, _ = refused(site.admin.Device.Get, api.GetDeviceRequest(dev_eui=EUI))
    assert Code.NOT_FOUND == code


def test_regions_are_those_of_the_configuration(site: Site) -> None:
    listed = site.user.Internal.ListRegions(Empty())
    region = site.user.Internal.GetRegion(api.GetRegionRequest(id="eu868"))

    assert ["eu868"] == [item.id for item in listed.regions]
    assert (1, 3, 869_525_000) == (
        region.rx1_delay,
        region.rx2_dr,
        region.rx2_frequency,
    )


TEXTS = st.sampled_from(
    ["", EUI, "x", NOBODY, DEFAULT_TENANT_ID, "00" * 16, "é", "01000000/8", "admin"]
)


def filled(data: st.DataObject, message: Any, depth: int = 3) -> Any:
    """Fill a message with plausible and implausible values."""
    for field in message.DESCRIPTOR.fields:
        if field.is_repeated or data.draw(st.booleans()):
            continue
        if field.message_type is not None:
            if depth:
                getattr(message, field.name).SetInParent()
                filled(data, getattr(message, field.name), depth - 1)
        elif field.type == field.TYPE_STRING:
            setattr(message, field.name, data.draw(TEXTS))
        elif field.type == field.TYPE_BYTES:
            setattr(message, field.name, data.draw(st.binary(max_size=4)))
        elif field.type == field.TYPE_BOOL:
            setattr(message, field.name, True)
        elif field.type in {field.TYPE_UINT32, field.TYPE_ENUM, field.TYPE_INT32}:
            setattr(message, field.name, data.draw(st.integers(0, 2**31 - 1)))
    return message


@settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_any_request_is_answered_or_refused_with_a_reason(
    site: Site, caplog: pytest.LogCaptureFixture, data: st.DataObject
) -> None:
    service, method = data.draw(
        st.sampled_from(
            [(name, m) for name, methods in SERVICES.items() for m in methods]
        )
    )
    pool = descriptor_pool.Default()
    descriptor = pool.FindServiceByName(f"api.{service}").methods_by_name[method]
    request = filled(data, GetMessageClass(descriptor.input_type)())
    client = site.user if service == "InternalService" else site.admin

    with suppress(grpc.RpcError):
        getattr(getattr(client, service.removesuffix("Service")), method)(request)

    assert "api.call.fail" not in caplog.text


def test_a_prefix_that_is_none_is_refused(site: Site) -> None:
    request = api.CreateTenantRequest(
        tenant=api.Tenant(name="t", dev_addr_prefixes=["01000000/99"])
    )

    assert (
        Code.INVALID_ARGUMENT,
        (
            "Invalid DevAddr prefix: 01000000/99, error: DevAddrPrefix must be in the"
            " form 00000000/0"
        ),
    ) == refused(site.admin.Tenant.Create, request)
