"""How copies of a worker divide the partitions, by a real Redis."""

from collections.abc import Sequence

import pytest
from redis import Redis

from city import keys
from faas.worker.shares import Shares


def copies(redis: Redis, names: Sequence[str], partitions: int) -> list[Shares]:
    return [
        Shares(
            redis=redis,
            key=keys.workers(0, "default"),
            partitions=partitions,
            alive_s=60,
            name=name,
        )
        for name in names
    ]


@pytest.mark.parametrize(
    ("count", "shares"), [(1, [4]), (2, [2, 2]), (3, [2, 1, 1]), (5, [1, 1, 1, 1, 0])]
)
def test_every_partition_is_somebodys_and_nobody_has_two_more(
    redis: Redis, count: int, shares: list[int]
) -> None:
    found = copies(redis, "abcde"[:count], 4)
    for _ in range(2):
        for copy in found:
            copy.beat()

    assert shares == [copy.share for copy in found]


def test_who_leaves_or_falls_silent_counts_no_longer(redis: Redis) -> None:
    stays, leaves, silent = copies(redis, "abc", 4)
    silent.alive_s = 0
    for copy in (silent, leaves, stays):
        copy.beat()
    assert 2 == stays.share
    leaves.leave()
    stays.beat()

    assert 4 == stays.share


def test_what_is_beyond_the_share_is_not_kept(redis: Redis) -> None:
    first, second = copies(redis, "ab", 4)
    first.beat()
    assert [True] * 4 == [first.take(number) for number in range(4)]
    second.beat()
    first.beat()

    assert [True, True, False, False] == [first.keeps(number) for number in range(4)]
    first.give_back(3)
    first.give_back(2)
    assert (False, 2) == (first.take(2), first.held)
