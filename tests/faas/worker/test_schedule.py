"""Scheduled functions against a real Redis and a real handler process."""

from typing import Any

import orjson
import pytest
from redis import Redis

from city import keys
from city.lease import Lease
from faas.streams import ticks
from faas.worker.executor import Executors
from faas.worker.meters import Meters
from faas.worker.schedule import Schedule

NOON = 1_789_387_200.0
MINUTE = 60.0


class Clock:
    """A clock that goes only when told to."""

    def __init__(self) -> None:
        self.now_s = NOON + 1

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def schedule(
    redis: Redis, executors: Executors, clock: Clock, name: str = "dusk"
) -> Schedule:
    (planned,) = (p for p in executors.planned if p.name == name)
    return Schedule(
        redis=redis,
        function=planned,
        executors=executors,
        meters=Meters(),
        partitions=4,
        timeout_s=20,
        lease=Lease(redis=redis, key=f"{ticks(name)}:lease", lease_s=60),
        now=clock,
    )


def told(redis: Redis, stream: str, name: bytes) -> list[Any]:
    found: Any = redis.xrange(stream)
    return [orjson.loads(fields[name]) for _, fields in found]


def orders(redis: Redis) -> list[Any]:
    return [o for n in range(4) for o in told(redis, keys.outbox(n), b"command")]


def notices(redis: Redis) -> list[str]:
    return [notice["text"] for notice in told(redis, keys.notices(0), b"notice")]


def test_a_new_function_waits_for_its_next_instant(
    either_redis: Redis, executors: Executors, clock: Clock
) -> None:
    dusk = schedule(either_redis, executors, clock)
    assert not dusk.turn()
    clock.now_s += MINUTE

    assert [True, False] == [dusk.turn(), dusk.turn()]
    assert ["it is dusk"] == notices(either_redis)
    assert [(f"{n:016x}", {"level": 30}, "12:01", "dusk") for n in range(4)] == sorted(
        (o["dev_eui"], o["object"], o["why"], o["requested_by"])
        for o in orders(either_redis)
    )


def test_each_order_waits_in_the_partition_of_its_device(
    redis: Redis, executors: Executors, clock: Clock
) -> None:
    dusk = schedule(redis, executors, clock)
    dusk.turn()
    clock.now_s += MINUTE
    dusk.turn()

    assert {
        (keys.partition_of(o["dev_eui"], 4), o["dev_eui"]) for o in orders(redis)
    } == {
        (n, o["dev_eui"])
        for n in range(4)
        for o in told(redis, keys.outbox(n), b"command")
    }


def test_a_tick_that_is_run_again_writes_nothing_new(
    redis: Redis, executors: Executors, clock: Clock
) -> None:
    dusk = schedule(redis, executors, clock)
    dusk.turn()
    clock.now_s += MINUTE
    dusk.lease.hold()
    dusk._plan()
    entry = dusk._next()
    assert entry is not None
    # Its acknowledgement is refused, as if it had been killed before.
    token, dusk.lease.token = dusk.lease.token, "0"
    dusk._run(entry)
    dusk.lease.token = token
    assert (4, entry) == (len(orders(redis)), dusk._next())
    dusk._run(entry)

    assert (4, 1, None) == (len(orders(redis)), len(notices(redis)), dusk._next())


def test_copies_race_harmlessly(
    redis: Redis, executors: Executors, clock: Clock
) -> None:
    dusk, copy = (schedule(redis, executors, clock) for _ in range(2))
    dusk.turn()
    copy._plan()
    clock.now_s += MINUTE
    copy._plan()

    assert [True, False, False] == [dusk.turn(), dusk.turn(), copy.turn()]
    assert 4 == len(orders(redis))


def test_ticks_missed_while_nobody_ran_are_made_up_by_the_latest(
    redis: Redis, executors: Executors, clock: Clock
) -> None:
    schedule(redis, executors, clock).turn()
    redis.delete(f"{ticks('dusk')}:lease")
    clock.now_s += 5 * MINUTE
    dusk = schedule(redis, executors, clock)

    assert [True, False] == [dusk.turn(), dusk.turn()]
    assert {"12:05"} == {order["why"] for order in orders(redis)}


def test_a_tick_that_fails_is_tried_again_and_then_told(
    redis: Redis, executors: Executors, clock: Clock
) -> None:
    broken = schedule(redis, executors, clock, "broken")
    broken.turn()
    clock.now_s += MINUTE
    assert [True, False] == [broken.turn(), broken.turn()]
    clock.now_s += 6
    assert [True, False] == [broken.turn(), broken.turn()]
    (text,) = notices(redis)

    assert text.startswith(
        "broken gave up its tick of 2026-09-14 12:01:00+00:00: ValueError: broken clock"
    )
