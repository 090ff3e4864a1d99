"""The durable streams: which partition an event belongs to, which never changes."""

import re
from typing import Final

from redis import Redis

from city import keys
from faas import scripts
from faas.errors import WrongLayout

_DEVICE_TOPIC: Final = re.compile(
    r"application/([^/]+)/device/([0-9a-fA-F]{16})/event/([^/]+)\Z"
)

__all__ = ["declare_partitions", "device_of", "event_id", "kind_of", "partition_of"]


def partition_of(topic: str, partitions: int) -> int:
    """Return the partition of a topic: of its device, or of the whole text."""
    found = _DEVICE_TOPIC.match(topic)
    name = found[2].lower() if found else ascii(topic)
    return keys.partition_of(name, partitions)


def device_of(topic: str) -> str | None:
    """Return the DevEUI a topic names, in lower case."""
    found = _DEVICE_TOPIC.match(topic)
    return found[2].lower() if found else None


def kind_of(topic: str) -> str | None:
    """Return the kind of event a topic names."""
    found = _DEVICE_TOPIC.match(topic)
    return found[3] if found else None


def event_id(partition: int, entry: str) -> str:
    """Name an event for good: its partition and its place in the stream."""
    return f"p{partition:02d}-{entry}"


def declare_partitions(redis: Redis, wanted: int) -> int:
    """
    Fix the number of partitions, or find it as wanted, and return it.

    `WrongLayout` when the streams exist with another number: it would tear the
    events of one device apart.
    """
    redis.hsetnx(keys.CONFIG, "schema", str(keys.SCHEMA))
    redis.hsetnx(keys.CONFIG, "partitions", str(wanted))
    found = _config(redis)
    if found != (str(keys.SCHEMA), str(wanted)):
        raise WrongLayout(
            f"asked for {wanted} partitions of schema {keys.SCHEMA}; "
            f"{keys.CONFIG} says {found[1]} of schema {found[0]}"
        )
    return wanted


def _config(redis: Redis) -> tuple[str, str]:
    ((schema, partitions),) = scripts.send(
        redis, [["HMGET", keys.CONFIG, "schema", "partitions"]]
    )
    return _text(schema), _text(partitions)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
