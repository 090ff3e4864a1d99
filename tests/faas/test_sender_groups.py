"""An order to a group: one frame, then each lamp's own report, then repair."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from tests.faas.chirpstack_double import APPLICATION, DoubleGroup
from tests.faas.lamps import City
from tests.faas.test_sender import Clock, Working, city, clock, shared  # noqa: F401 -- fixtures

from city import keys
from city.commands import Where
from city.group_order import GroupOrder, member_id
from garonne.demo.outbox import Outbox

LAMPS = [f"a81758fffe03010{number}" for number in range(4)]
WHERE = Where(device_type="lamp", by="street", value="Rue Vestrepain")
GROUP_ID = "8d4d7f5e-9a3c-4a53-9f0a-2f6b6a2d7c31"


class Desks:
    """All four partitions, worked at one after the other."""

    def __init__(self, site: City, now: Clock, stack: ExitStack) -> None:
        self._site, self._now, self._stack = site, now, stack
        self.all: list[Any] = []
        self.open()

    def open(self) -> None:
        self.all = [
            self._stack.enter_context(Working(self._site, self._now, partition))
            for partition in range(4)
        ]

    def kill(self) -> None:
        """Die without a word; whoever comes next takes over."""
        for desk in self.all:
            desk.leave()
        self.open()

    def work(self, turns: int = 6) -> None:
        for _ in range(turns):
            for desk in self.all:
                desk.turn(0.01)
            self._now.now += 0.6


@pytest.fixture
def desks(city: City, clock: Clock) -> Iterator[Desks]:  # noqa: F811
    city.double.groups.clear()
    with ExitStack() as stack:
        yield Desks(city, clock, stack)


def given_group(site: City, **other: Any) -> DoubleGroup:
    group = DoubleGroup(
        **{
            "id": GROUP_ID,
            "name": "lamp street Rue Vestrepain",
            "members": list(LAMPS),
            "gateways": ["0016c001f1500a2b"],
            **other,
        }
    )
    site.double.groups[GROUP_ID] = group
    site.double.types.update(dict.fromkeys(LAMPS, "lamp"))
    return group


def ask(site: City, level: int = 60) -> str:
    return site.commands().request_group(
        WHERE, {"level": level}, targets=LAMPS, why="test", requested_by="ada"
    )


def states(site: City, order_id: str) -> list[str]:
    commands = site.commands()
    found = [commands.status(eui, member_id(order_id, eui)) for eui in LAMPS]
    return [one.state if one else "not taken" for one in found]


def test_one_frame_goes_to_all_and_each_lamp_confirms_for_itself(
    city: City,  # noqa: F811
    desks: Desks,
) -> None:
    group = given_group(city)
    order = ask(city)
    desks.work()
    assert [(0, 60, bytes([1, 60]))] == group.frames
    assert ["queued"] * 4 == states(city, order)

    group.queue.clear()
    desks.work()
    assert ["transmitted"] * 4 == states(city, order)
    for eui in LAMPS[:3]:
        city.double.report(eui, 60)
    desks.work()

    assert ["confirmed"] * 3 + ["transmitted"] == states(city, order)
    assert [] == city.double.received


def test_the_lamp_that_missed_it_is_repaired_alone(
    city: City,  # noqa: F811
    desks: Desks,
    clock: Clock,  # noqa: F811
) -> None:
    group = given_group(city)
    order = ask(city)
    desks.work()
    group.queue.clear()
    desks.work()
    for eui in LAMPS[:3]:
        city.double.report(eui, 60)
    city.double.report(LAMPS[3], 0, "light-1")

    clock.now += 15
    desks.work()
    city.double.await_received(1)
    city.double.transmit(LAMPS[3])
    desks.work()
    city.double.report(LAMPS[3], 0, "light-1")
    desks.work()
    clock.now += 15
    desks.work()
    city.double.await_received(2)
    city.double.transmit(LAMPS[3])
    desks.work()
    city.double.report(LAMPS[3], 60)
    desks.work()

    assert ["confirmed"] * 4 == states(city, order)
    assert [LAMPS[3]] * 2 == [one.dev_eui for one in city.double.sent]
    assert 1 == len(group.frames)


@pytest.mark.parametrize(
    "other",
    [
        {"gateways": ["1", "2", "3", "4"]},
        {"members": LAMPS[:1]},
        {"name": "somebody else's"},
    ],
)
def test_where_one_frame_does_not_pay_each_lamp_has_its_own(
    city: City,  # noqa: F811
    desks: Desks,
    other: Any,
) -> None:
    group = given_group(city, **other)

    order = ask(city)
    desks.work()

    assert [] == group.frames
    assert ["queued"] * 4 == states(city, order)
    city.double.await_received(4)


def test_the_choice_and_its_air_time_are_told(city: City, desks: Desks) -> None:  # noqa: F811
    given_group(city)

    order = ask(city)
    desks.work()
    told = city.commands().group_status(WHERE, order)

    assert told is not None
    assert (4, 4, 1) == (told.devices, told.grouped, told.gateways)
    assert pytest.approx(told.instead_s) == 4 * told.airtime_s


def test_a_sender_that_dies_sends_the_frame_once(city: City, desks: Desks) -> None:  # noqa: F811
    group = given_group(city)
    order = ask(city)
    desks.work()

    # What the mark of the frame's being in the queue would say is lost.
    home = keys.partition_of("lamp street Rue Vestrepain", 4)
    name = keys.groups(home)
    sent: Any = city.redis.hget(name, order)
    city.redis.hset(name, order, sent.replace(b'"queued"', b'"sending"'))
    desks.kill()
    desks.work()

    assert 1 == len(group.frames)
    assert ["queued"] * 4 == states(city, order)


def test_while_chirpstack_is_away_the_order_waits(city: City, desks: Desks) -> None:  # noqa: F811
    group = given_group(city)
    city.double.away = True
    order = ask(city)
    desks.work()
    assert ["not taken"] * 4 == states(city, order)

    city.double.away = False
    desks.work()

    assert 1 == len(group.frames)


def test_an_order_that_comes_twice_is_one(city: City, desks: Desks) -> None:  # noqa: F811
    group = given_group(city)
    order = ask(city)
    home = keys.partition_of("lamp street Rue Vestrepain", 4)
    found: Any = city.redis.xrange(keys.outbox(home))
    fields = found[0][1]
    city.redis.xadd(keys.outbox(home), fields)
    city.redis.xadd(keys.outbox((home + 1) % 4), fields)

    desks.work()

    assert 1 == len(group.frames)
    assert ["queued"] * 4 == states(city, order)


def test_members_are_found_by_their_tag_when_nobody_names_them(
    city: City,  # noqa: F811
    desks: Desks,
) -> None:
    given_group(city)
    order = city.commands().request_group(
        WHERE, {"level": 60}, targets=(), why="test", requested_by="ada"
    )

    desks.work()

    assert ["queued"] * 4 == states(city, order)


def test_a_district_without_a_group_is_told_lamp_by_lamp(
    city: City,  # noqa: F811
    desks: Desks,
) -> None:
    given_group(city, name="somebody else's")
    order = GroupOrder(
        id="5c85b6ee-d5b5-5e5b-b4f7-77d7169c48f5",
        device_type="lamp",
        by="street",
        value="Rue Vestrepain",
        object={"level": 60},
        requested_at=0.0,
        expires_at=2e9,
        application_id=APPLICATION,
    )
    home = keys.partition_of(order.name, 4)
    city.redis.xadd(keys.outbox(home), {"group": bytes(order)})

    desks.work()

    assert ["queued"] * 4 == states(city, order.id)
    city.double.await_received(4)


def test_an_order_that_cannot_be_read_holds_nobody_up(
    city: City,  # noqa: F811
    desks: Desks,
) -> None:
    given_group(city)
    home = keys.partition_of("lamp street Rue Vestrepain", 4)
    city.redis.xadd(keys.outbox(home), {"group": b'{"id": 7}'})
    order = ask(city)

    desks.work()

    assert ["queued"] * 4 == states(city, order)


def test_an_order_to_four_lamps_counts_as_four_commands_in_the_demos_books(
    city: City,  # noqa: F811
    desks: Desks,
) -> None:
    group = given_group(city)
    books = Outbox(city.redis_server.url, since=0)
    ask(city)
    desks.work()
    group.queue.clear()
    desks.work()
    city.commands().cancel(LAMPS[0], "no such command", by="ada")
    desks.work()

    assert (4, 4) == (books.asked(), city.commands().tally().requested)
    books.close()
