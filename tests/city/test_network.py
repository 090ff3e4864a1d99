"""The client against the embedded server's own API, and what errors mean."""

import random
import time
from collections.abc import Iterator

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from tests.servers import free_port

from chirpstack_embedded.codec import Codec
from chirpstack_embedded.config import Configuration, Integration, Network, Scheduler
from chirpstack_embedded.core.payloads import Payloads
from chirpstack_embedded.grpc_api import ApiServer
from chirpstack_embedded.grpc_api.call import Services
from chirpstack_embedded.store import Store
from chirpstack_embedded.streams import Streams
from city import network as city_network
from city.errors import (
    AlreadyThere,
    Busy,
    Invalid,
    NetworkError,
    NotAllowed,
    NotThere,
    Unreachable,
    Unsupported,
)
from city.identity import Directory
from city.network import explain
from city.objects import Device, Gateway, QueueItem

EUI = "a81758fffe0301c4"
KEY = "000102030405060708090a0b0c0d0e0f"
PROFILE = {
    "name": "street-light",
    "region": "EU868",
    "mac_version": "LORAWAN_1_0_3",
    "reg_params_revision": "A",
    "supports_otaa": True,
    "supports_class_c": True,
    "tags": {"device_type": "street-light"},
}


@pytest.fixture(scope="module")
def target() -> Iterator[str]:
    configuration = Configuration(
        api_secret="a secret of tests only, long enough",
        api_bind="127.0.0.1:0",
        network=Network(scheduler=Scheduler(interval_s=0.25)),
        integration=Integration(enabled=True),
        regions=(),
    )
    services = Services(
        configuration=configuration,
        store=Store(":memory:", time.time()),
        payloads=Payloads(Codec()),
        streams=Streams(),
        clock=time.time,
        rng=random.Random(1),
    )
    server = ApiServer(services, "127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{server.port}"
    server.stop(0)


@pytest.fixture(scope="module")
def network(target: str) -> Iterator[city_network.Network]:
    with city_network.Network(target) as stranger:
        user = stranger.login("admin", "admin")
    with city_network.Network(target, user) as admin:
        token = admin.create_api_key("tests")
    with city_network.Network(target, token) as found:
        yield found


@pytest.fixture(scope="module")
def tenant_id(network: city_network.Network) -> str:
    return network.create_tenant("Toulouse")


@pytest.fixture(scope="module")
def device(network: city_network.Network, tenant_id: str) -> Device:
    profile = network.create_device_profile(PROFILE | {"tenant_id": tenant_id})
    application = network.create_application(tenant_id, "city")
    device = Device(
        dev_eui=EUI,
        name="Lamp 1",
        application_id=application,
        device_profile_id=profile,
        join_eui="0102030405060708",
        tags={"street": "Rue du Taur"},
    )
    network.create_device(device)
    return device


def test_what_was_created_is_found_again(
    network: city_network.Network, tenant_id: str, device: Device
) -> None:
    assert device == network.device(EUI)
    assert "Toulouse" in [tenant.name for tenant in network.tenants()]
    assert ["city"] == [found.name for found in network.applications(tenant_id)]
    assert ["street-light"] == [p.name for p in network.device_profiles(tenant_id)]
    (listed,) = network.devices(device.application_id)
    assert (EUI, "Lamp 1", None) == (listed.dev_eui, listed.name, listed.last_seen_at)
    profile = network.device_profile(device.device_profile_id)
    assert PROFILE.items() <= profile.items()


def test_a_profile_can_be_replaced(
    network: city_network.Network, device: Device
) -> None:
    profile = dict(network.device_profile(device.device_profile_id))
    network.update_device_profile(profile | {"uplink_interval": 900})

    found = network.device_profile(device.device_profile_id)
    assert 900 == found["uplink_interval"]


def test_a_key_can_be_given_and_changed(
    network: city_network.Network, device: Device
) -> None:
    assert network.app_key(device.dev_eui) is None

    network.set_app_key(EUI, KEY)

    assert KEY == network.app_key(EUI)

    network.set_app_key(EUI, KEY[::-1])

    assert KEY[::-1] == network.app_key(EUI)


def test_a_device_that_never_joined_has_no_session(
    network: city_network.Network, device: Device
) -> None:
    assert network.activation(device.dev_eui) is None


def test_the_queue_is_filled_read_and_flushed(
    network: city_network.Network, device: Device
) -> None:
    item = QueueItem(id="", f_port=60, data=b"\x01\x3c", expires_at=2e9)
    item_id = network.enqueue(device.dev_eui, item)
    (found,) = network.queue(EUI)

    assert (item_id, 60, b"\x01\x3c", 2e9) == (
        found.id,
        found.f_port,
        found.data,
        found.expires_at,
    )

    network.flush_queue(EUI)

    assert [] == network.queue(EUI)


def test_a_gateway_can_be_made_changed_and_taken_away(
    network: city_network.Network, tenant_id: str
) -> None:
    gateway = Gateway(
        gateway_id="0016c001f1500a2b",
        name="Capitole",
        tenant_id=tenant_id,
        latitude=43.6045,
        longitude=1.444,
        altitude_m=152.0,
        tags={"roof": "flat"},
    )
    network.create_gateway(gateway)

    assert gateway == network.gateway(gateway.gateway_id)
    (listed,) = network.gateways(tenant_id)
    assert ("Capitole", "NEVER_SEEN") == (listed.name, listed.state)

    network.delete_gateway(gateway.gateway_id)

    with pytest.raises(NotThere):
        network.gateway(gateway.gateway_id)


def test_a_second_device_of_one_eui_is_already_there(
    network: city_network.Network, device: Device
) -> None:
    with pytest.raises(AlreadyThere, match=f"create device {EUI}: it exists already"):
        network.create_device(device)


def test_a_wrong_field_is_invalid_before_it_is_sent(
    network: city_network.Network, tenant_id: str
) -> None:
    with pytest.raises(Invalid, match="colour"):
        network.create_device_profile({"tenant_id": tenant_id, "colour": "red"})


def test_a_wrong_token_is_not_allowed(target: str) -> None:
    with (
        city_network.Network(target, "wrong") as stranger,
        pytest.raises(NotAllowed, match="the token is wrong"),
    ):
        stranger.tenants()


def test_nobody_at_the_address_is_unreachable() -> None:
    with (
        city_network.Network(f"127.0.0.1:{free_port()}", "t", timeout_s=2) as nobody,
        pytest.raises(Unreachable, match="does not answer"),
    ):
        nobody.tenants()


def test_the_token_never_shows(target: str) -> None:
    with city_network.Network(target, "hush") as network:
        assert "hush" not in repr(network)


def test_the_directory_names_the_city(
    network: city_network.Network, device: Device
) -> None:
    directory = Directory(network, tenant="Toulouse", application="city")
    lamp = directory.one("lamp 1")

    assert (device.dev_eui, "street-light") == (lamp.dev_eui, lamp.device_type)
    assert [lamp] == directory.find("rue du taur")
    with pytest.raises(NotThere, match=r"no device is called .*did you mean lamp 1\?"):
        directory.one("lampe 1")


@pytest.mark.parametrize(
    ("tenant", "application", "said"),
    [("Nowhere", "city", "no tenant"), ("Toulouse", "town", "no application 'town'")],
)
def test_the_directory_says_what_lacks(
    network: city_network.Network,
    device: Device,
    tenant: str,
    application: str,
    said: str,
) -> None:
    del device  # it is there
    with pytest.raises(NotThere, match=said):
        Directory(network, tenant=tenant, application=application).all()


class Failed(grpc.RpcError):  # type: ignore[misc]  # grpc has no types
    """A call that failed with this code and text."""

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        super().__init__()
        self._code, self._text = code, text

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._text


CODE = grpc.StatusCode


@pytest.mark.parametrize(
    ("code", "text", "meant"),
    [
        (CODE.INTERNAL, "UNIQUE constraint failed: device.dev_eui", AlreadyThere),
        (
            CODE.INTERNAL,
            'duplicate key value violates unique constraint "device_pkey"',
            AlreadyThere,
        ),
        (CODE.ALREADY_EXISTS, "", AlreadyThere),
        (CODE.NOT_FOUND, "Object does not exist (id: x)", NotThere),
        (CODE.INTERNAL, "Record not found", NotThere),
        (CODE.UNAUTHENTICATED, "", NotAllowed),
        (CODE.UNAUTHENTICATED, "InvalidToken", NotAllowed),
        (CODE.PERMISSION_DENIED, "", NotAllowed),
        (CODE.INVALID_ARGUMENT, "device is missing", Invalid),
        (CODE.UNIMPLEMENTED, "api.RelayService/List", Unsupported),
        (CODE.UNAVAILABLE, "failed to connect", Unreachable),
        (CODE.DEADLINE_EXCEEDED, "", Unreachable),
        (CODE.INTERNAL, "FOREIGN KEY constraint failed", NetworkError),
    ],
)
def test_every_odd_answer_has_a_meaning_and_a_sentence(
    code: grpc.StatusCode, text: str, meant: type[NetworkError]
) -> None:
    error = explain(Failed(code, text), "do it")

    assert meant is type(error)
    assert str(error).startswith("do it: ")


class Locked(grpc.RpcError):  # type: ignore[misc] # grpc has no types
    """What the SQLite build answers while another writer is at work."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.INTERNAL

    def details(self) -> str:
        return "database is locked"


@pytest.mark.parametrize(("refusals", "expected"), [(0, []), (1, [0.2]), (2, [0.2, 1])])
def test_a_locked_database_is_asked_again_twice(
    target: str, refusals: int, expected: list[float]
) -> None:
    paused: list[float] = []
    answers = iter([Locked()] * refusals)

    def call(_request: object, **_how: object) -> str:
        for refusal in answers:
            raise refusal
        return "done"

    with city_network.Network(target, pause=paused.append) as network:
        assert "done" == network._call("do it", call, Empty())
    assert expected == paused


def test_a_database_that_stays_locked_is_a_sentence(target: str) -> None:
    def call(_request: object, **_how: object) -> str:
        raise Locked

    with (
        city_network.Network(target, pause=lambda _s: None) as network,
        pytest.raises(Busy) as caught,
    ):
        network._call("create device 01", call, Empty())
    assert "create device 01: ChirpStack's database is locked by another writer" == (
        str(caught.value)
    )
