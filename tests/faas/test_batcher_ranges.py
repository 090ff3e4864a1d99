"""Where a range ends, and what may leave a stream."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis
from tests.servers import valkey

from city.redis import connect
from city.settings import Reader
from faas.batcher.ranges import Intent, Sized, next_intent
from faas.batcher.trim import trim
from faas.functions import OnBatch

TRIGGER = OnBatch(max_bytes=100, max_events=4, max_age_s=5.0)
STREAM = "{p00}:events"


def entries(*sizes: int) -> list[Sized]:
    return [Sized(f"{1000 + n}-0", size) for n, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("sizes", "now", "count"),
    [
        ([], 9.0, None),
        ([10], 5.9, None),
        ([10], 6.0, 1),
        ([10, 10], 6.0, 2),
        ([60, 40], 1.1, 2),
        ([60, 41], 1.1, 1),
        ([500], 1.1, 1),
        ([500, 1], 1.1, 1),
        ([1, 1, 1, 1], 1.1, 4),
        ([1, 1, 1, 1, 1], 1.1, 4),
    ],
)
def test_a_range_is_full_or_old(
    sizes: list[int], now: float, count: int | None
) -> None:
    wanted = count and Intent(first="1000-0", last=f"{999 + count}-0", count=count)

    assert wanted == next_intent(entries(*sizes), TRIGGER, now)


@given(st.lists(st.integers(0, 200), max_size=12))
def test_ranges_cover_everything_once_and_in_order(sizes: list[int]) -> None:
    waiting, covered = entries(*sizes), []
    while (intent := next_intent(waiting, TRIGGER, 1e9)) is not None:
        taken, waiting = waiting[: intent.count], waiting[intent.count :]
        covered += taken
        total = sum(entry.bytes for entry in taken)

        assert (taken[0].entry, taken[-1].entry) == (intent.first, intent.last)
        assert len(taken) <= TRIGGER.max_events
        assert total <= TRIGGER.max_bytes or 1 == len(taken)

    assert entries(*sizes) == covered


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    with valkey(password="pw") as stored:
        yield connect(Reader({"GARONNE_REDIS": stored.url}).redis())


@pytest.fixture
def redis(server: Redis) -> Redis:
    server.flushall()
    for number in range(1, 11):
        server.xadd(STREAM, {"n": number}, id=f"{number}-0")
    return server


@pytest.mark.parametrize(
    ("position", "budget", "left"),
    [("10-0", 4, 4), ("3-0", 4, 7), ("3-0", 20, 10), ("0-0", 0, 10), ("10-0", 0, 0)],
)
def test_whichever_keeps_more_is_kept(
    redis: Redis, position: str, budget: int, left: int
) -> None:
    trim(redis, STREAM, position, budget)

    assert left == redis.xlen(STREAM)


def test_what_a_group_has_not_read_is_kept(redis: Redis) -> None:
    redis.xgroup_create(STREAM, "pool:a", "4-0")
    trim(redis, STREAM, "10-0", 0)

    assert 6 == redis.xlen(STREAM)


def test_what_a_group_has_read_and_not_acknowledged_is_kept(redis: Redis) -> None:
    redis.xgroup_create(STREAM, "pool:a", "0")
    redis.xreadgroup("pool:a", "one", {STREAM: ">"})
    redis.xack(STREAM, "pool:a", "1-0", "2-0", "4-0")
    trim(redis, STREAM, "10-0", 0)

    assert 8 == redis.xlen(STREAM)


def test_what_a_function_shall_see_again_is_kept(redis: Redis) -> None:
    for entry in ("6-0", "4-0", "9-0"):
        redis.xadd("{p00}:retry:f", {"entry": entry})
    trim(redis, STREAM, "10-0", 0, ["{p00}:retry:f", "{p00}:retry:g"])

    assert 7 == redis.xlen(STREAM)
