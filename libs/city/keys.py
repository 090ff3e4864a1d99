"""
Every key in Redis, in one table, with the partition each device belongs to.

All keys of one partition share its hash tag ``{pNN}``, so one commit is one slot of a
Redis Cluster. The number of partitions is fixed when the streams are created.
"""

import binascii
import re
from typing import Any, Final

from city.errors import WrongLayout

SCHEMA: Final = "1"
PARTITIONS: Final = 4
CONFIG: Final = "garonne:config"
"""Hash: ``partitions`` and ``schema``; written once, by whoever starts first."""

SENDER: Final = "sender"
"""The sender's consumer group on ``events`` and ``outbox``, and its lease."""

BATCHER: Final = "batcher"
"""The batcher's lease."""

_DEVICE_TOPIC: Final = re.compile(
    rb"application/[^/]+/device/([0-9a-fA-F]{16})/event/[^/]+\Z"
)

__all__ = [
    "BATCHER",
    "CONFIG",
    "PARTITIONS",
    "SENDER",
    "Partition",
    "declare_partitions",
    "group_of",
    "partition_of_device",
    "partition_of_topic",
    "read_partitions",
    "schedule",
]


def partition_of_device(dev_eui: str, partitions: int) -> int:
    """Partition number of a device: Redis Cluster's crc16 of its lower-case DevEUI."""
    return binascii.crc_hqx(dev_eui.lower().encode(), 0) % partitions


def partition_of_topic(topic: bytes, partitions: int) -> int:
    """Partition number of an event's topic; a topic without DevEUI counts whole."""
    found = _DEVICE_TOPIC.match(topic)
    name = found[1].lower() if found else topic
    return binascii.crc_hqx(name, 0) % partitions


def group_of(pool: str) -> str:
    """Name of the consumer group in which a pool reads."""
    return f"pool:{pool}"


def schedule(function: str) -> str:
    """Stream of one scheduled function's ticks."""
    return f"{{sched:{function}}}"


class Partition:
    """The names of one partition's keys."""

    __slots__ = (
        "events",
        "notices",
        "number",
        "outbox",
        "seen",
        "tag",
        "tally",
        "timers",
    )

    def __init__(self, number: int) -> None:
        self.number = number
        self.tag = f"p{number:02d}"
        # Stream of what was received: `topic` and `payload`, the exact bytes.
        self.events = f"{{{self.tag}}}:events"
        # Memory of the digests already stored, bounded by count.
        self.seen = f"{{{self.tag}}}:seen"
        # Stream of sentences for people.
        self.notices = f"{{{self.tag}}}:notices"
        # Stream of wanted commands: field `command`, or `cancel` (JSON).
        self.outbox = f"{{{self.tag}}}:outbox"
        # Sorted set: devices with unfinished commands by their next deadline.
        self.timers = f"{{{self.tag}}}:timers"
        # Hash: how many commands were requested, and how they ended.
        self.tally = f"{{{self.tag}}}:tally"

    def twin(self, dev_eui: str) -> str:
        """Hash: what is known of one device."""
        return f"{{{self.tag}}}:twin:{dev_eui}"

    def state(self, function: str) -> str:
        """Hash: what one function remembers."""
        return f"{{{self.tag}}}:state:{function}"

    def retry(self, function: str) -> str:
        """Stream: events one function will see again."""
        return f"{{{self.tag}}}:retry:{function}"

    def dead(self, function: str) -> str:
        """Stream: events one function gave up on."""
        return f"{{{self.tag}}}:dead:{function}"

    def cursor(self, function: str) -> str:
        """Hash: how far one batch function has come, and the range it intends."""
        return f"{{{self.tag}}}:cursor:{function}"

    def lease(self, pool: str) -> str:
        """String: the token of the process that owns this partition for a pool."""
        return f"{{{self.tag}}}:lease:{pool}"

    def fence(self, pool: str) -> str:
        """Counter from which lease tokens are taken."""
        return f"{{{self.tag}}}:fence:{pool}"

    def command(self, command_id: str) -> str:
        """Hash: one command's state and its sentence; the sender alone writes it."""
        return f"{{{self.tag}}}:command:{command_id}"

    def commands(self, dev_eui: str) -> str:
        """Sorted set: ids of one device's commands by the instant of their request."""
        return f"{{{self.tag}}}:commands:{dev_eui}"

    def line(self, dev_eui: str) -> str:
        """String (JSON): the sender's memory of one device's unfinished commands."""
        return f"{{{self.tag}}}:line:{dev_eui}"


def declare_partitions(redis: Any, wanted: int = PARTITIONS) -> list[Partition]:
    """
    Fix the number of partitions, or find it as wanted.

    `WrongLayout` when the streams already exist with another number: moving
    devices between streams would lose their order.
    """
    redis.hsetnx(CONFIG, "schema", SCHEMA)
    redis.hsetnx(CONFIG, "partitions", wanted)
    schema, found = (
        _text(value) for value in redis.hmget(CONFIG, "schema", "partitions")
    )
    if (schema, found) != (SCHEMA, str(wanted)):
        raise WrongLayout(
            f"asked for {wanted} partitions of schema {SCHEMA}; "
            f"{CONFIG} says {found} of schema {schema}"
        )
    return [Partition(number) for number in range(wanted)]


def read_partitions(redis: Any) -> list[Partition]:
    """Return the partitions as they were declared; as many as usual before that."""
    found = _text(redis.hget(CONFIG, "partitions"))
    return [Partition(number) for number in range(int(found or PARTITIONS))]


def _text(value: bytes | str | None) -> str | None:
    return value.decode() if isinstance(value, bytes) else value
