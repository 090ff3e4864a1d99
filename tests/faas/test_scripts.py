import contextlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis
from redis.exceptions import ResponseError

from faas import scripts
from faas.events import is_newer, mark_of
from faas.ingest.packets import Publish
from faas.ingest.store import store_commands
from faas.scripts import COMMIT
from faas.testing import uplink
from faas.twin import guard_of

STREAM, LEASE, TWIN = "{p00}:events", "{p00}:lease:pool", "{p00}:twin:aa"
GROUP, TOKEN = "pool:default", "7"


def entry(redis: Redis) -> str:
    """Store one event and let the group read it."""
    redis.set(LEASE, TOKEN)
    (place,) = scripts.send(redis, [["XADD", STREAM, "*", "topic", "t"]])
    with contextlib.suppress(ResponseError):
        scripts.send(redis, [["XGROUP", "CREATE", STREAM, GROUP, "0"]])
    scripts.send(redis, [["XREADGROUP", "GROUP", GROUP, "w", "STREAMS", STREAM, ">"]])
    return bytes(place).decode()


def commit(redis: Redis, *events: tuple[Any, ...], token: str = TOKEN) -> Any:
    """Commit events: each is its entry, then its effects."""
    written = [
        x
        for place, *effects in events
        for x in (place, len(effects), *(y for effect in effects for y in effect))
    ]
    names = [STREAM, LEASE, TWIN]
    return scripts.run(redis, COMMIT, names, [token, GROUP, *written])


def test_effects_are_applied_once(either_redis: Redis) -> None:
    place = entry(either_redis)
    effect = ("ADD", 3, 2, "n", 1)

    assert [[1, []], [0, []]] == [
        commit(either_redis, (place, effect)) for _ in range(2)
    ]
    assert b"1" == either_redis.hget(TWIN, "n")


def test_in_one_commit_every_event_is_fenced_by_itself(either_redis: Redis) -> None:
    first, second, third = (entry(either_redis) for _ in range(3))
    either_redis.xack(STREAM, GROUP, second)
    events = [
        (place, ("ADD", 3, 4, "n", amount, "m", 1), ("SET", 3, name, name))
        for place, amount, name in ((first, 1, "a"), (second, 10, "b"), (third, 5, "c"))
    ]

    assert [2, []] == commit(either_redis, *events)
    assert {b"n": b"6", b"m": b"2", b"a": b"a", b"c": b"c"} == either_redis.hgetall(
        TWIN
    )


def test_of_what_many_events_write_the_last_stays(redis: Redis) -> None:
    places = [entry(redis) for _ in range(3)]

    assert [3, []] == commit(redis, *((p, ("SET", 3, "a", p)) for p in places))
    assert places[-1].encode() == redis.hget(TWIN, "a")


def test_an_effect_that_is_refused_is_told_and_takes_no_other_with_it(
    redis: Redis,
) -> None:
    places = [entry(redis), entry(redis)]
    redis.hset(TWIN, "text", "a")
    wrong = ("DO", 3, 3, "XADD", "*", "field")

    (applied, refusals) = commit(
        redis,
        (places[0], wrong, ("ADD", 3, 2, "text", 1), ("SET", 3, "b", "b")),
        (places[1], ("ADD", 3, 2, "n", 1)),
    )
    assert (2, 2) == (applied, len(refusals))
    assert [b"a", b"b", b"1"] == redis.hmget(TWIN, ["text", "b", "n"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.integers(-(2**53), 2**53), min_size=1, max_size=6))
def test_sums_are_exact(redis: Redis, amounts: list[int]) -> None:
    redis.delete(TWIN)
    commit(redis, *((entry(redis), ("ADD", 3, 2, "n", n)) for n in amounts))

    assert str(sum(amounts)).encode() == redis.hget(TWIN, "n")


def test_an_entry_somebody_else_acknowledged_applies_nothing(redis: Redis) -> None:
    place = entry(redis)
    redis.xack(STREAM, GROUP, place)

    assert [0, []] == commit(redis, (place, ("DO", 3, 3, "HSET", "n", 1)))
    assert not redis.exists(TWIN)


def test_without_the_lease_nothing_is_applied_and_nothing_acknowledged(
    redis: Redis,
) -> None:
    place = entry(redis)

    assert -1 == commit(redis, (place, ("SET", 3, "n", 1)), token="6")
    assert not redis.exists(TWIN)
    assert [1, []] == commit(redis, (place,))


def test_a_reference_is_taken_out_with_its_effects_once(redis: Redis) -> None:
    place = entry(redis)
    names = [STREAM, LEASE, TWIN]
    arguments: list[Any] = [TOKEN, "", place, 1, "ADD", 3, 2, "n", 1]

    assert [[1, []], [0, []]] == [
        scripts.run(redis, COMMIT, names, arguments) for _ in range(2)
    ]
    assert (b"1", 0) == (redis.hget(TWIN, "n"), redis.xlen(STREAM))


MARKS = st.tuples(
    st.sampled_from(["01a7c3e5", "01ffffff"]),
    st.integers(0, 12) | st.sampled_from([2**32 - 1]),
    st.integers(0, 200).map(lambda s: s * 10**9 + 123),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(MARKS, min_size=1, max_size=8))
def test_redis_orders_a_devices_life_as_python_does(
    redis: Redis, marks: list[tuple[str, int, int]]
) -> None:
    redis.delete(TWIN)
    held = None
    for dev_addr, f_cnt, heard_ns in marks:
        event = uplink(dev_addr=dev_addr, f_cnt=f_cnt, heard_ns=heard_ns)
        guard = guard_of(event)
        assert guard is not None
        mark = mark_of(dev_addr, f_cnt, heard_ns)
        assert event.mark == mark
        effect = ("TWIN", 3, 6, *guard, "order:slot", 2, "mark", mark)
        commit(redis, (entry(redis), effect))
        held = mark if is_newer(mark, held) else held

    assert str(held).encode() == redis.hget(TWIN, "mark")


def test_each_slot_is_written_by_its_own_latest_event(redis: Redis) -> None:
    for f_cnt, slots in ((1, "ab"), (3, "a"), (2, "abc")):
        guard = guard_of(uplink(f_cnt=f_cnt))
        assert guard is not None
        told = [x for s in slots for x in (f"order:{s}", 2, s, f_cnt)]
        effect = ("TWIN", 3, 2 + len(told), *guard, *told)
        commit(redis, (entry(redis), effect))

    assert [b"3", b"2", b"2"] == redis.hmget(TWIN, ["a", "b", "c"])


def test_scripts_the_server_forgot_are_loaded_and_the_order_kept(redis: Redis) -> None:
    redis.script_flush()
    places = [entry(redis), entry(redis)]
    commands = [
        scripts.call(
            COMMIT, [STREAM, LEASE, TWIN], [TOKEN, GROUP, p, 1, "SET", 3, "n", i]
        )
        for i, p in enumerate(places)
    ]

    assert [[1, []], [1, []]] == scripts.send(redis, commands)
    assert b"1" == redis.hget(TWIN, "n")


def test_a_refused_command_is_raised_after_all_answers_are_in(redis: Redis) -> None:
    redis.set("text", "a")

    with pytest.raises(ResponseError, match="WRONGTYPE"):
        scripts.send(redis, [["HGET", "text", "a"], ["SET", "b", "1"]])
    assert [b"1"] == scripts.send(redis, [["GET", "b"]])


def stored(redis: Redis) -> list[int]:
    return [redis.xlen(f"{{p{n:02d}}}:events") for n in range(4)]


def test_a_message_is_stored_once_however_often_it_comes(either_redis: Redis) -> None:
    message = Publish(1, b"application/a/device/00000000000000aa/event/up", b"{}")
    other = Publish(2, message.topic, b"[]")
    answers = scripts.send(
        either_redis, store_commands([message, other, message], 4)
    ) + scripts.send(either_redis, store_commands([other], 4))

    assert [2, 0] == answers
    assert 2 == sum(stored(either_redis))


def test_the_memory_of_what_was_seen_is_bounded_by_count(redis: Redis) -> None:
    messages = [Publish(1, b"t", str(n).encode()) for n in range(10)]
    scripts.send(redis, store_commands(messages, 4, kept=4))

    (name,) = redis.keys("*:seen")
    assert (10, 4) == (sum(stored(redis)), redis.zcard(name))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(topic=st.binary(max_size=40), payload=st.binary(max_size=40))
def test_any_bytes_are_stored_exactly(
    redis: Redis, topic: bytes, payload: bytes
) -> None:
    redis.flushall()
    scripts.send(redis, store_commands([Publish(0, topic, payload)], 4))
    (name,) = redis.keys("*:events")
    found: Any = redis.xrange(name)
    ((_, fields),) = found

    assert {b"topic": topic, b"payload": payload} == fields
