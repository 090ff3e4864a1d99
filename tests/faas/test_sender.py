"""The sender between real Redis, a real broker and ChirpStack's double."""

from collections.abc import Iterator

import pytest
from tests.faas.lamps import LAMP, City, a_city

from city import keys
from city.mqtt import Publisher
from city.types import read_catalogue
from faas.sender.desk import Desk


class Clock:
    """A clock a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with a_city(tmp_path_factory.mktemp("home")) as city:
        yield city


@pytest.fixture
def city(shared: City) -> City:
    shared.redis.flushall()
    double = shared.double
    double.queues.clear()
    double.f_cnt_down.clear()
    double.received.clear()
    double.sent.clear()
    return shared


@pytest.fixture
def desk(city: City) -> Iterator[Desk]:
    with a_desk(city) as desk:
        yield desk


def a_desk(city: City) -> "Working":
    return Working(city)


class Working:
    """A desk with the connections it needs, and their ends."""

    def __init__(self, city: City) -> None:
        self._network = city.network()
        self._publisher = Publisher(city.mqtt, "desk")
        self._desk = Desk(
            redis=city.redis,
            partition=keys.partition_of(LAMP, 4),
            partitions=4,
            network=self._network,
            publisher=self._publisher,
            catalogue=read_catalogue(city.home),
        )

    def __enter__(self) -> Desk:
        return self._desk

    def __exit__(self, *_: object) -> None:
        self._publisher.close()
        self._network.close()


def turns(desk: Desk, count: int = 4) -> None:
    for _ in range(count):
        desk.turn(0.01)


def test_a_command_is_confirmed_by_the_lamps_own_report(city: City, desk: Desk) -> None:
    commands = city.commands()
    wish = commands.request(
        city.lamp(), {"level": 60}, why="test", requested_by="ada", expires_s=60
    )
    turns(desk)
    status = commands.status(LAMP, wish)

    assert status is not None
    assert "queued" == status.state

    city.double.await_received(1)
    city.double.transmit(LAMP)
    turns(desk)
    city.double.report(LAMP, 60)
    turns(desk)
    status = commands.status(LAMP, wish)

    assert status is not None
    assert "confirmed" == status.state
    assert bytes([1, 60]) == city.double.sent[0].data
    assert (1, 1, 0) == (
        commands.tally().requested,
        commands.tally().confirmed,
        commands.tally().open,
    )
