"""The API that the tests of one folder call."""

import random
import time
from collections.abc import Iterator

import grpc
import pytest
from tests.chirpstack_embedded.conftest import configuration
from tests.chirpstack_embedded.grpc_api.site import Site

from chirpstack_embedded.codec import Codec
from chirpstack_embedded.core.payloads import Payloads
from chirpstack_embedded.grpc_api import ApiServer
from chirpstack_embedded.grpc_api.call import Services
from chirpstack_embedded.store import Store
from chirpstack_embedded.streams import Streams


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
