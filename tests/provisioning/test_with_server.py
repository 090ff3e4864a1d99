"""Provisioning against the embedded server's own API, over gRPC."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chirpstack_embedded.codec import Codec
from chirpstack_embedded.config import Configuration, Integration, Network, Scheduler
from chirpstack_embedded.core.payloads import Payloads
from chirpstack_embedded.grpc_api import ApiServer
from chirpstack_embedded.grpc_api.call import Services
from chirpstack_embedded.store import Store
from chirpstack_embedded.streams import Streams
from city import network as city_network
from city.errors import NotAllowed
from city.types import read_catalogue
from provisioning.add import device_add, from_label, label_of
from provisioning.apply import apply, plan, undo
from provisioning.entry import api_key, enter, programs_token, read_city
from provisioning.keys import ensure_keys
from provisioning.watch import watch_join

HOME = Path(__file__).parents[2]
CITY = read_city(HOME, "first-light")
TYPES = read_catalogue(HOME)
BOXED = next(device for device in CITY.devices if device.box)


class Api:
    """The API of an embedded server on a free loopback port, and its streams."""

    def __init__(self) -> None:
        self.streams = Streams()
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
            streams=self.streams,
            clock=time.time,
            rng=random.Random(1),
        )
        self.server = ApiServer(services, "127.0.0.1:0")
        self.server.start()
        self.target = f"127.0.0.1:{self.server.port}"


@pytest.fixture
def server() -> Iterator[Api]:
    found = Api()
    yield found
    found.server.stop(0)


@pytest.fixture
def network(server: Api) -> Iterator[city_network.Network]:
    with enter(server.target, user="admin", password="admin") as found:
        yield found


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, str]:
    return ensure_keys(tmp_path / "keys.csv", CITY)


def test_the_city_is_brought_about_once(
    network: city_network.Network, keys: dict[str, str]
) -> None:
    planned = plan(CITY, TYPES, keys, network)
    first = apply(CITY, TYPES, keys, network)
    second = apply(CITY, TYPES, keys, network)

    assert [(o.name, o.verdict) for o in planned] == [
        (o.name, o.verdict) for o in first
    ]
    assert {"created"} == {one.verdict for one in first}
    assert [] == [str(one) for one in second if one.verdict != "unchanged"]
    assert {"unchanged": 20} == {
        verdict: sum(one.verdict == verdict for one in second)
        for verdict in {one.verdict for one in second}
    }


def test_a_device_has_its_key_where_the_server_looks_for_it(
    network: city_network.Network, keys: dict[str, str]
) -> None:
    apply(CITY, TYPES, keys, network)

    for device in CITY.provisioned:
        assert keys[str(device.dev_eui)] == network.app_key(str(device.dev_eui))


def test_it_can_be_undone(network: city_network.Network, keys: dict[str, str]) -> None:
    removed = undo(apply(CITY, TYPES, keys, network), network)

    assert {"removed"} == {one.verdict for one in removed}
    again = apply(CITY, TYPES, keys, network)
    assert 16 == sum(one.verdict == "created" for one in again)


def test_a_technician_adds_the_lamp_in_the_box_and_hears_of_it(
    server: Api, network: city_network.Network, keys: dict[str, str]
) -> None:
    apply(CITY, TYPES, keys, network)
    dev_eui = str(BOXED.dev_eui)

    added = device_add(
        from_label(label_of(BOXED, TYPES), TYPES), CITY, TYPES, keys, network
    )
    for kind, body in [
        ("join", {"devAddr": "01a7c3e5"}),
        ("up", {"fPort": 23, "object": {"message": "status", "level": 40.0}}),
    ]:
        server.streams.add(
            "device-event",
            dev_eui,
            time_ns=time.time_ns(),
            description=kind,
            body=json.dumps(body),
        )

    news = list(watch_join(network, dev_eui, timeout_s=20))
    assert "created" == added.verdict
    assert ["joined", "values"] == [one.kind for one in news]


def test_the_programs_get_a_key_that_is_kept_while_it_works(
    server: Api, network: city_network.Network, tmp_path: Path
) -> None:
    file = tmp_path / "token"

    made = api_key(network, file)

    assert made == programs_token(server.target, network, file)
    file.write_text("not a token")
    assert "not a token" != programs_token(server.target, network, file)


def test_a_wrong_password_is_one_sentence(server: Api) -> None:
    with pytest.raises(NotAllowed, match="log in"):
        enter(server.target, user="admin", password="wrong")


def run(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "provisioning"],
        env={"GARONNE_HOME": str(HOME), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_program_tells_every_row_and_ends_well(server: Api, tmp_path: Path) -> None:
    environment = {
        "GARONNE_CHIRPSTACK_GRPC": server.target,
        "GARONNE_CHIRPSTACK_PASSWORD": "admin",
        "GARONNE_CHIRPSTACK_TOKEN_FILE": str(tmp_path / "token"),
        "GARONNE_STATE": str(tmp_path),
        "GARONNE_CITY": "first-light",
    }

    first, second = run(environment), run(environment)

    assert (0, 0) == (first.returncode, second.returncode), first.stderr
    assert "provisioning.city.done created=20" in first.stderr
    assert "provisioning.city.done unchanged=20" in second.stderr
    key = (tmp_path / "keys.csv").read_text().splitlines()[1].split(",")[1]
    assert key not in first.stderr


def test_wrong_settings_are_told_all_at_once() -> None:
    done = run({"GARONNE_LOG": "loud"})

    assert 2 == done.returncode
    assert 3 == len(done.stderr.strip().splitlines())
    assert "Traceback" not in done.stderr


def test_a_server_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    done = run(
        {
            "GARONNE_CHIRPSTACK_GRPC": "127.0.0.1:1",
            "GARONNE_CHIRPSTACK_TOKEN": "x",
            "GARONNE_STATE": str(tmp_path),
        }
    )

    assert 1 == done.returncode
    assert "ChirpStack's API does not answer" in done.stderr
    assert "Traceback" not in done.stderr
