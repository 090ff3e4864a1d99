"""What the tests of one partition share: the device, its events, what Redis holds."""

from collections.abc import Callable
from typing import Any

import orjson
from redis import Redis

from city import keys
from faas import scripts
from faas.ingest.packets import Publish
from faas.ingest.store import store_commands
from faas.testing import DEV_EUI, uplink_document
from faas.worker.partition import Partition

NUMBER = keys.partition_of(DEV_EUI, 4)
TWIN = keys.twin(NUMBER, DEV_EUI)

Make = Callable[..., Partition]


def publish(redis: Redis, *found: dict[str, Any], kind: str = "up") -> None:
    topic = f"application/a/device/{DEV_EUI}/event/{kind}".encode()
    messages = [Publish(1, topic, orjson.dumps(each)) for each in found]
    scripts.send(redis, store_commands(messages, 4))


def up(device_type: str, f_cnt: int = 1, **data: Any) -> dict[str, Any]:
    told = {"message": "status", **data}
    return uplink_document(told, device_type=device_type, f_cnt=f_cnt)


def state(redis: Redis, function: str) -> dict[str, Any]:
    found: Any = redis.hgetall(keys.state(NUMBER, function))
    return {name.decode(): orjson.loads(value) for name, value in found.items()}


def entries(redis: Redis, name: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    found: Any = redis.xrange(name)
    return list(found)


def pending(redis: Redis, pool: str = "default") -> int:
    stream, group = keys.events(NUMBER), keys.pool_group(pool)
    (found,) = scripts.send(redis, [["XPENDING", stream, group]])
    return int(found[0])
