"""What functions remember, beside a real Redis."""

from redis import Redis

from city import keys
from faas.worker.memory import Memories

STATE = keys.state(3, "tally")


def test_what_is_known_is_not_read_again(redis: Redis) -> None:
    memories = Memories(redis=redis, partition=3)
    redis.hset(STATE, "device:a", b"1")
    assert {("tally", "a"): b"1"} == memories.recall([("tally", "a")])
    redis.hset(STATE, "device:a", b"2")

    assert {("tally", "a"): b"1"} == memories.recall([("tally", "a")])
    memories.forget()
    assert {("tally", "a"): b"2"} == memories.recall([("tally", "a")])


def test_nothing_is_remembered_as_nothing(redis: Redis) -> None:
    memories = Memories(redis=redis, partition=3)

    assert {("tally", "a"): b""} == memories.recall([("tally", "a")])


def test_only_the_latest_are_kept(redis: Redis) -> None:
    memories = Memories(redis=redis, partition=3, kept=2)
    memories.keep({("tally", name): b"old" for name in "abc"})
    memories.keep({("tally", "a"): b"new"})
    memories.recall([])
    redis.hset(STATE, mapping={f"device:{name}": b"read" for name in "abc"})

    assert {
        ("tally", "c"): b"old",
        ("tally", "a"): b"new",
        ("tally", "b"): b"read",
    } == (memories.recall([("tally", "c"), ("tally", "a"), ("tally", "b")]))
