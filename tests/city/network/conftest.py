"""A ChirpStack with a city in it: the embedded server's own API."""

import random
import time
from collections.abc import Iterator

import pytest

from chirpstack_embedded.codec import Codec
from chirpstack_embedded.config import Configuration, Integration, Scheduler
from chirpstack_embedded.config import Network as NetworkConfig
from chirpstack_embedded.core.payloads import Payloads
from chirpstack_embedded.grpc_api import ApiServer
from chirpstack_embedded.grpc_api.call import Services
from chirpstack_embedded.store import Store
from chirpstack_embedded.streams import Streams
from city.network import Network
from city.objects import Device

EUI = "a81758fffe0301c4"
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
        network=NetworkConfig(scheduler=Scheduler(interval_s=0.25)),
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
def network(target: str) -> Iterator[Network]:
    with Network(target) as stranger:
        user = stranger.login("admin", "admin")
    with Network(target, user) as admin:
        token = admin.create_api_key("tests")
    with Network(target, token) as found:
        yield found


@pytest.fixture(scope="module")
def tenant_id(network: Network) -> str:
    return network.create_tenant("Toulouse")


@pytest.fixture(scope="module")
def device(network: Network, tenant_id: str) -> Device:
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
