"""A worker's partition against a real Redis and real handler processes."""

import pytest
from redis import Redis
from tests.faas.worker.pool import NUMBER, Make

from city import keys
from city.failpoint import Failpoint
from city.lease import Lease
from faas.worker.dispatch import Dispatcher
from faas.worker.executor import Executors
from faas.worker.meters import Meters
from faas.worker.partition import Partition


@pytest.fixture
def make(executors: Executors) -> Make:
    """A maker of workers for the partition of the test's device."""

    def partition(
        redis: Redis, pool: str = "default", *, timeout_s: float = 20.0
    ) -> Partition:
        keys.declare_partitions(redis, 4)
        meters = Meters()
        found = Partition(
            redis=redis,
            pool=pool,
            number=NUMBER,
            lease=Lease(redis=redis, key=keys.lease(NUMBER, pool), lease_s=60),
            dispatcher=Dispatcher(
                executors=executors, meters=meters, timeout_s=timeout_s
            ),
            meters=meters,
            failpoint=Failpoint(),
        )
        found.open()
        assert found.acquire()
        return found

    return partition
