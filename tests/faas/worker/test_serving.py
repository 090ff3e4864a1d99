"""Who may commit: leases, fences, and what the last holder left."""

from typing import Any

import pytest
from redis import Redis
from tests.faas.worker.pool import (
    NUMBER,
    TWIN,
    Make,
    entries,
    pending,
    publish,
    state,
    up,
)

from city import keys
from faas import scripts
from faas.testing import DEV_EUI
from faas.worker.partition import LeaseLost


def test_a_worker_that_lost_its_lease_applies_nothing(redis: Redis, make: Make) -> None:
    worker = make(redis)
    publish(redis, up("bay", 1))
    redis.set(worker.lease.key, "somebody-else")

    with pytest.raises(LeaseLost):
        worker.step()
    assert ({}, 1) == (state(redis, "tally"), pending(redis))


def test_a_lease_lost_and_won_again_is_another_lease(redis: Redis, make: Make) -> None:
    worker = make(redis)
    publish(redis, up("bay", 1))
    redis.delete(worker.lease.key)
    worker.lease.token = ""
    assert worker.lease.hold()

    with pytest.raises(LeaseLost):
        worker.step()
    assert not worker.held


def test_the_next_worker_finishes_what_the_last_had_read(
    redis: Redis, make: Make
) -> None:
    first = make(redis)
    publish(redis, up("bay", 1), up("bay", 2))
    stream, group = keys.events(NUMBER), first.group
    read = ["XREADGROUP", "GROUP", group, "gone", "COUNT", 9, "STREAMS", stream, ">"]
    scripts.send(redis, [read])
    first.lease.release()
    second = make(redis)

    assert (2, 0) == (second.recover(), second.recover())
    assert {"told": 2} == state(redis, "tally")[f"device:{DEV_EUI}"]


def test_what_a_late_worker_read_after_its_lease_is_finished(
    redis: Redis, make: Make
) -> None:
    worker = make(redis)
    assert 0 == worker.recover()
    publish(redis, up("bay", 1), up("bay", 2))
    stream, group = keys.events(NUMBER), worker.group
    read = ["XREADGROUP", "GROUP", group, "late", "COUNT", 9, "STREAMS", stream, ">"]
    scripts.send(redis, [read])
    rounds = iter([True, True, False])
    worker.serve(lambda: next(rounds))

    assert {"told": 2} == state(redis, "tally")[f"device:{DEV_EUI}"]
    assert 0 == pending(redis)


def test_a_worker_serves_batch_after_batch_and_ends_with_nothing_in_hand(
    redis: Redis, make: Make
) -> None:
    worker = make(redis)
    worker.batch = 2
    publish(redis, *(up("bay", f_cnt) for f_cnt in range(1, 8)))
    rounds = iter([True, True, True, False])
    worker.serve(lambda: next(rounds))

    assert {"told": 6} == state(redis, "tally")[f"device:{DEV_EUI}"]
    assert 0 == pending(redis)


def test_memories_are_read_again_under_another_lease(redis: Redis, make: Make) -> None:
    worker = make(redis)
    publish(redis, up("bay", 1))
    worker.step()
    worker.lease.release()
    redis.hset(keys.state(NUMBER, "tally"), f"device:{DEV_EUI}", b'{"told":41}')
    assert worker.acquire()
    publish(redis, up("bay", 2))
    worker.step()

    assert {"told": 42} == state(redis, "tally")[f"device:{DEV_EUI}"]


def test_memories_of_a_refused_commit_are_forgotten(redis: Redis, make: Make) -> None:
    worker = make(redis)
    publish(redis, up("bay", 1))
    run = worker.dispatcher.run

    class Overtaken:
        """A dispatcher during whose work somebody else finishes the entry."""

        executors = worker.dispatcher.executors

        def run(self, *arguments: Any) -> Any:
            answers = run(*arguments)
            for place, _ in entries(redis, keys.events(NUMBER)):
                redis.xack(keys.events(NUMBER), worker.group, place)
            return answers

    dispatcher = worker.dispatcher
    worker.dispatcher = Overtaken()  # type: ignore[assignment] # stands in for it
    worker.step()
    worker.dispatcher = dispatcher
    publish(redis, up("bay", 2))
    worker.step()

    assert {"told": 1} == state(redis, "tally")[f"device:{DEV_EUI}"]


def test_entries_claimed_and_finished_meanwhile_are_not_applied_again(
    redis: Redis, make: Make
) -> None:
    worker = make(redis)
    publish(redis, up("bay", 1))
    run = worker.dispatcher.run

    class Overtaken:
        """A dispatcher during whose work somebody else finishes the entry."""

        executors = worker.dispatcher.executors

        def run(self, *arguments: Any) -> Any:
            answers = run(*arguments)
            ((place, _),) = entries(redis, keys.events(NUMBER))
            redis.xack(keys.events(NUMBER), worker.group, place)
            return answers

    worker.dispatcher = Overtaken()  # type: ignore[assignment] # stands in for it
    worker.step()

    assert {} == state(redis, "tally")
    assert not redis.exists(TWIN)


def test_another_pool_sees_every_event_but_keeps_no_twin(
    redis: Redis, make: Make
) -> None:
    worker = make(redis, "other")
    publish(redis, up("bay", 1))

    assert 1 == worker.step()
    assert (0, 0) == (redis.exists(TWIN), pending(redis, "other"))


def test_the_first_pool_starts_at_the_beginning_and_later_ones_now(
    redis: Redis, make: Make
) -> None:
    publish(redis, up("bay", 1))

    assert 1 == make(redis).step()
    assert 0 == make(redis, "other").step(1)
