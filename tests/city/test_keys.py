"""Keys keep together what one commit touches."""

import pytest

from city import keys

EUI = "a81758fffe0301c4"


def test_the_check_sum_is_the_one_of_redis_cluster() -> None:
    # The example of the Redis Cluster specification: CRC16("123456789") = 0x31C3.
    assert 0x31C3 % 16384 == keys.partition_of("123456789", 16384)


@pytest.mark.parametrize("partitions", [4, 64])
def test_devices_spread_over_all_partitions(partitions: int) -> None:
    euis = [f"a81758fffe{n:06x}" for n in range(1000)]

    assert set(range(partitions)) == {keys.partition_of(e, partitions) for e in euis}


def test_all_keys_of_a_partition_share_its_hash_tag() -> None:
    names = [
        keys.events(3),
        keys.seen(3),
        keys.notices(3),
        keys.twin(3, EUI),
        keys.state(3, "f"),
        keys.retry(3, "f"),
        keys.dead(3, "f"),
        keys.cursor(3, "f"),
        keys.lease(3, "pool"),
        keys.outbox(3),
        keys.command(3, "id"),
        keys.commands(3, EUI),
        keys.line(3, EUI),
        keys.timers(3),
        keys.tally(3),
    ]

    assert {"{p03}"} == {name.partition(":")[0] for name in names}
    assert len(names) == len(set(names))
