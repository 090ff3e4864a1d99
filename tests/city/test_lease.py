"""One holder at a time, and only the holder's changes happen."""

from collections.abc import Iterator

import pytest
from redis import Redis
from tests.servers import valkey

from city.lease import Changes, Lease
from city.redis import connect
from city.settings import Reader

KEY = "{p00}:lease:test"


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    with valkey(password="pw") as stored:
        yield connect(Reader({"GARONNE_REDIS": stored.url}).redis())


@pytest.fixture
def redis(server: Redis) -> Redis:
    server.flushall()
    return server


def changes(value: str) -> Changes:
    wanted = Changes()
    wanted.add("SET", "{p00}:value", value)
    wanted.add("HSET", "{p00}:hash", "a", 1, "b", b"\xff")
    wanted.add("SET", "{p00}:other", value)
    return wanted


def test_the_first_one_holds_it_and_the_second_does_not(redis: Redis) -> None:
    first, second = Lease(redis=redis, key=KEY), Lease(redis=redis, key=KEY)

    assert (True, False, True) == (first.hold(), second.hold(), first.hold())
    assert (True, False) == (first.sure(), second.sure())


def test_the_holders_changes_happen_together(redis: Redis) -> None:
    lease = Lease(redis=redis, key=KEY)
    lease.hold()

    assert lease.commit(changes("mine"))
    assert [b"mine", b"mine"] == redis.mget("{p00}:value", "{p00}:other")
    assert {b"a": b"1", b"b": b"\xff"} == redis.hgetall("{p00}:hash")


def test_of_one_who_slept_nothing_happens(redis: Redis) -> None:
    sleeper, other = Lease(redis=redis, key=KEY), Lease(redis=redis, key=KEY)
    sleeper.hold()
    redis.delete(KEY)  # its time was up
    other.hold()

    assert not sleeper.commit(changes("late"))
    assert redis.get("{p00}:value") is None
    assert not sleeper.token


def test_nobody_else_came_and_still_the_sleeper_may_not(redis: Redis) -> None:
    lease = Lease(redis=redis, key=KEY)
    lease.hold()
    redis.delete(KEY)

    assert not lease.commit(changes("late"))


def test_tokens_only_grow(redis: Redis) -> None:
    tokens = []
    for _ in range(3):
        lease = Lease(redis=redis, key=KEY)
        lease.hold()
        tokens.append(int(lease.token))
        lease.release()

    assert [1, 2, 3] == tokens


def test_it_is_renewed_when_half_its_time_is_over(redis: Redis) -> None:
    now = [0.0]
    lease = Lease(redis=redis, key=KEY, lease_s=10, clock=lambda: now[0])
    lease.hold()
    redis.pexpire(KEY, 1_000)
    now[0] = 4.0
    lease.hold()

    assert int(redis.pttl(KEY)) <= 1_000

    now[0] = 6.0

    assert lease.keep()
    assert int(redis.pttl(KEY)) > 1_000


def test_only_a_holder_keeps_it(redis: Redis) -> None:
    assert not Lease(redis=redis, key=KEY).keep()
    assert redis.get(KEY) is None
