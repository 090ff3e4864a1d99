"""The sender between real Redis, a real broker and ChirpStack's double."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import orjson
import pytest
from tests.faas.chirpstack_double import APPLICATION
from tests.faas.lamps import LAMP, City, a_city

from city import keys
from city.command import Command
from city.errors import BadCommand
from city.mqtt import Publisher
from city.types import read_catalogue
from faas.sender.desk import Desk


class Clock:
    """A clock a test moves."""

    def __init__(self) -> None:
        self.now = time.time()

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
    double.types.clear()
    double.away = False
    double.f_cnt_down.clear()
    double.received.clear()
    double.sent.clear()
    return shared


@pytest.fixture
def desk(city: City) -> Iterator[Desk]:
    with a_desk(city) as desk:
        yield desk


def a_desk(city: City, clock: Callable[[], float] = time.time) -> "Working":
    return Working(city, clock)


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Working:
    """A desk with the connections it needs, and their ends."""

    def __init__(
        self, city: City, clock: Callable[[], float], partition: int | None = None
    ) -> None:
        self._network = city.network()
        self._publisher = Publisher(city.mqtt, "desk")
        self._desk = Desk(
            redis=city.redis,
            partition=keys.partition_of(LAMP, 4) if partition is None else partition,
            partitions=4,
            network=self._network,
            publisher=self._publisher,
            catalogue=read_catalogue(city.home),
            clock=clock,
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


def state(city: City, wish: str, dev_eui: str = LAMP) -> str:
    status = city.commands().status(dev_eui, wish)
    return status.state if status is not None else "not taken"


def ask(city: City, level: int = 60, *, dev_eui: str = LAMP, **more: Any) -> str:
    return city.commands().request(
        city.lamp(dev_eui), {"level": level}, why="test", requested_by="ada", **more
    )


def test_a_wish_the_codec_refuses_never_reaches_the_outbox(city: City) -> None:
    with pytest.raises(BadCommand, match="level must be 0 to 100"):
        ask(city, 101)


def test_what_comes_down_has_an_id_our_bytes_and_an_expiry(
    city: City, desk: Desk
) -> None:
    wish = ask(city, 42)
    turns(desk)
    city.double.await_received(1)
    (command,) = city.double.received

    assert wish == command["id"]
    assert "ASo=" == command["data"]
    assert (60, False) == (command["fPort"], command["confirmed"])
    assert command["expiresAt"] > "2026"


def test_newer_wishes_supersede_those_that_wait(city: City, desk: Desk) -> None:
    wishes = [ask(city, level) for level in (10, 20, 30)]
    turns(desk)

    # The first ones had not left before the last was read: one read, one survivor.
    assert ["superseded", "superseded", "queued"] == [state(city, w) for w in wishes]

    newer = [ask(city, level) for level in (40, 50)]
    turns(desk)

    assert ["queued", "superseded", "planned"] == [
        state(city, w) for w in (wishes[2], *newer)
    ]

    city.double.await_received(1)

    assert [wishes[2]] == [command["id"] for command in city.double.received]


def test_a_wish_that_waits_expires(city: City, clock: Clock) -> None:
    with a_desk(city, clock) as desk:
        first = ask(city, 10)
        turns(desk)
        second = ask(city, 20, expires_s=5)
        turns(desk)
        clock.now += 6
        turns(desk)

    assert ["queued", "expired"] == [state(city, first), state(city, second)]


def test_a_queued_wish_expires_when_chirpstack_still_has_it(
    city: City, clock: Clock
) -> None:
    with a_desk(city, clock) as desk:
        wish = ask(city, expires_s=5)
        turns(desk)
        city.double.await_received(1)
        clock.now += 13
        turns(desk)

    assert "expired" == state(city, wish)


def test_a_wish_is_cancelled_in_chirpstacks_queue_too(city: City, desk: Desk) -> None:
    commands = city.commands()
    wish = ask(city)
    turns(desk)
    city.double.await_received(1)
    commands.cancel(LAMP, wish, by="ada")
    turns(desk)
    status = commands.status(LAMP, wish)

    assert [] == city.double.queues[LAMP]
    assert status is not None
    assert "cancelled by ada; it may already be on the air" == status.reason


def test_a_lamp_that_does_not_report_is_asked_once(city: City, clock: Clock) -> None:
    with a_desk(city, clock) as desk:
        wish = ask(city)
        turns(desk)
        city.double.await_received(1)
        city.double.transmit(LAMP)
        turns(desk)
        clock.now += 15
        turns(desk)
        city.double.await_received(2)
        city.double.transmit(LAMP)
        turns(desk)
        city.double.report(LAMP, 60)
        turns(desk)
        clock.now += 100
        turns(desk)

    assert "confirmed" == state(city, wish)
    assert [b"\x01\x3c", b"\x00"] == [sent.data for sent in city.double.sent]
    assert 2 == len(city.double.received)


def order(dev_eui: str, **about: Any) -> Command:
    """Return what a function wants of a device that it was not woken by."""
    return Command(
        id=str(uuid4()),
        dev_eui=dev_eui,
        object={"level": 1},
        requested_at=time.time(),
        **about,
    )


def post(city: City, command: Command) -> str:
    outbox = keys.outbox(keys.partition_of(LAMP, 4))
    city.redis.xadd(outbox, {"command": bytes(command)})
    return command.id


def reason(city: City, wish: str, dev_eui: str = LAMP) -> str:
    status = city.commands().status(dev_eui, wish)
    return f"{status.state}: {status.reason}" if status else "nothing"


def test_a_wish_for_a_device_of_another_partition_is_passed_on(
    city: City, desk: Desk
) -> None:
    away = next(
        eui
        for eui in (f"a81758fffe03{n:04x}" for n in range(64))
        if keys.partition_of(eui, 4) != keys.partition_of(LAMP, 4)
    )
    post(city, order(away))
    turns(desk)

    assert 0 == city.redis.xlen(keys.outbox(keys.partition_of(LAMP, 4)))
    assert 1 == city.redis.xlen(keys.outbox(keys.partition_of(away, 4)))


def test_a_device_is_known_by_its_twin(city: City, desk: Desk) -> None:
    twin = {"device_type": "lamp", "application_id": APPLICATION}
    name = keys.twin(keys.partition_of(LAMP, 4), LAMP)
    city.redis.hset(name, "device", orjson.dumps(twin))
    wish = post(city, order(LAMP, application_id="the other device's"))
    turns(desk)
    status = city.commands().status(LAMP, wish)

    assert status is not None
    assert ("queued", "lamp") == (status.state, status.device_type)
    city.double.await_received(1)


def test_a_device_that_never_spoke_is_known_by_chirpstack(
    city: City, desk: Desk
) -> None:
    city.double.types[LAMP] = "lamp"
    wish = post(city, order(LAMP))
    turns(desk)

    assert "queued" == state(city, wish)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        (None, f"failed: ChirpStack knows no device {LAMP}"),
        (
            "",
            (
                f"failed: the device profile of {LAMP} has no tag device_type, "
                "so nobody knows how to encode a command"
            ),
        ),
        ("kettle", "failed: a kettle takes no commands"),
    ],
)
def test_a_device_that_takes_no_command_is_told_in_a_sentence(
    city: City, desk: Desk, tag: str | None, expected: str
) -> None:
    if tag is not None:
        city.double.types[LAMP] = tag
    wish = post(city, order(LAMP))
    turns(desk)

    assert expected == reason(city, wish)
    assert 0 == city.redis.xlen(keys.outbox(keys.partition_of(LAMP, 4)))


def test_while_chirpstack_is_away_a_wish_waits_and_holds_nobody_up(
    city: City, clock: Clock
) -> None:
    city.double.away, city.double.types[LAMP] = True, "lamp"
    with a_desk(city, clock) as desk:
        wish = post(city, order(LAMP))
        turns(desk)
        other = ask(city)
        turns(desk)

        assert "nothing" == reason(city, wish)
        assert "queued" == state(city, other)

        city.double.away = False
        clock.now += 1.1
        turns(desk)

    assert "planned" == state(city, wish)
    assert 0 == city.redis.xlen(keys.outbox(keys.partition_of(LAMP, 4)))


def test_what_a_dead_sender_left_waiting_for_chirpstack_is_taken_up(
    city: City, clock: Clock
) -> None:
    city.double.away, city.double.types[LAMP] = True, "lamp"
    with a_desk(city, clock) as desk:
        wish = post(city, order(LAMP))
        turns(desk)
        desk.leave()
    city.double.away = False
    with a_desk(city, clock) as desk:
        turns(desk, 6)

    assert "queued" == state(city, wish)


def test_a_wish_is_cancelled_while_chirpstack_is_away(city: City, clock: Clock) -> None:
    city.double.away, city.double.types[LAMP] = True, "lamp"
    with a_desk(city, clock) as desk:
        wish = post(city, order(LAMP))
        turns(desk)
        city.commands().cancel(LAMP, wish, by="ada")
        turns(desk)
        city.double.away = False
        clock.now += 1.1
        turns(desk)

    assert "failed: cancelled by ada before it was sent" == reason(city, wish)


def test_a_wish_fails_when_chirpstack_stays_away_until_it_expires(
    city: City, clock: Clock
) -> None:
    city.double.away = True
    with a_desk(city, clock) as desk:
        wish = post(city, order(LAMP, expires_at=clock.now + 5))
        turns(desk)
        clock.now += 6
        turns(desk)

    assert reason(city, wish).endswith("ChirpStack's API does not answer")


def test_a_wish_that_comes_twice_is_one_command(city: City, desk: Desk) -> None:
    command = Command(
        id=str(uuid4()),
        dev_eui=LAMP,
        device_type="lamp",
        application_id=APPLICATION,
        object={"level": 1},
        requested_at=time.time(),
    )
    outbox = keys.outbox(keys.partition_of(LAMP, 4))
    for _ in range(2):
        city.redis.xadd(outbox, {"command": bytes(command)})
    turns(desk)
    city.redis.xadd(outbox, {"command": bytes(command)})
    turns(desk)

    assert 1 == city.commands().tally().requested


@pytest.mark.parametrize(
    "entry",
    [
        {"command": b"{"},
        {"command": b'{"id": 5}'},
        {"cancel": b"[]"},
        {"strange": b""},
    ],
)
def test_an_order_that_cannot_be_read_holds_nobody_up(
    city: City, desk: Desk, entry: dict[Any, Any]
) -> None:
    city.redis.xadd(keys.outbox(keys.partition_of(LAMP, 4)), entry)
    wish = ask(city)
    turns(desk)

    assert "queued" == state(city, wish)


def test_events_that_cannot_be_read_hold_nobody_up(city: City, desk: Desk) -> None:
    wish = ask(city)
    turns(desk)
    stream = keys.events(keys.partition_of(LAMP, 4))
    for payload in (b"", b"[]", b"{}", b'{"time": 5}', b'{"rxInfo": 5}', b"\xff"):
        for kind in ("up", "txack", "log", "ack", "join"):
            topic = f"application/{APPLICATION}/device/{LAMP}/event/{kind}"
            city.redis.xadd(stream, {"topic": topic, "payload": payload})
    city.double.await_received(1)
    turns(desk)
    city.double.transmit(LAMP)
    turns(desk)

    assert "transmitted" == state(city, wish)


def test_a_desk_that_lost_its_lease_writes_nothing(city: City, desk: Desk) -> None:
    wish = ask(city)
    turns(desk)
    city.redis.set(keys.lease(keys.partition_of(LAMP, 4), keys.SENDER_GROUP), "99")
    city.double.await_received(1)
    city.double.transmit(LAMP)
    turns(desk)

    assert "queued" == state(city, wish)
    assert not desk.held
