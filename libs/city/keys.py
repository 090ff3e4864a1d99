"""
The names of every Redis key, once.

A device belongs to one partition for good; every key that one commit touches carries
the partition's hash tag, so the same scripts run on a Redis Cluster.
"""

from redis import Redis

from city.errors import WrongLayout
from wire import partition as wire_partition

CONFIG = "garonne:config"
"""Hash: ``partitions``, ``schema``. Written once, by whoever starts first."""

EMBEDDED_PARTITIONS = 4
SCHEMA = 1


def partition_of(dev_eui: str, partitions: int) -> int:
    """Return the partition of a device: CRC-16/XMODEM, as Redis Cluster counts."""
    return wire_partition.partition_of(dev_eui, partitions)


def tag(partition: int) -> str:
    """Return the hash tag that all keys of a partition carry."""
    return f"{{p{partition:02d}}}"


def events(partition: int) -> str:
    """Stream of what was received: fields ``topic`` and ``payload`` (exact bytes)."""
    return f"{tag(partition)}:events"


def seen(partition: int) -> str:
    """Memory of the digests already stored, bounded by count."""
    return f"{tag(partition)}:seen"


def notices(partition: int) -> str:
    """Stream of what functions want people to know."""
    return f"{tag(partition)}:notices"


def twin(partition: int, dev_eui: str) -> str:
    """Hash: what one device last reported."""
    return f"{tag(partition)}:twin:{dev_eui}"


def state(partition: int, function: str) -> str:
    """Hash: what one function remembers."""
    return f"{tag(partition)}:state:{function}"


def retry(partition: int, function: str) -> str:
    """Stream of references to events a function failed on."""
    return f"{tag(partition)}:retry:{function}"


def dead(partition: int, function: str) -> str:
    """Stream of references to events a function gave up."""
    return f"{tag(partition)}:dead:{function}"


def cursor(partition: int, function: str) -> str:
    """Hash: how far a batch function is, and the range it intends next."""
    return f"{tag(partition)}:cursor:{function}"


def lease(partition: int, holder: str) -> str:
    """String: which process holds a partition for a pool or program, for a while."""
    return f"{tag(partition)}:lease:{holder}"


def outbox(partition: int) -> str:
    """Stream of orders: field ``command``, ``cancel``, ``group`` or ``news`` (JSON)."""
    return f"{tag(partition)}:outbox"


def groups(partition: int) -> str:
    """Hash: the frames to groups that are on their way, by their order (JSON)."""
    return f"{tag(partition)}:groups"


def group_order(partition: int, order_id: str) -> str:
    """Hash: what became of an order to a group. The sender alone writes it."""
    return f"{tag(partition)}:group:{order_id}"


def command(partition: int, command_id: str) -> str:
    """Hash: one command's state and its sentence. The sender alone writes it."""
    return f"{tag(partition)}:command:{command_id}"


def commands(partition: int, dev_eui: str) -> str:
    """Sorted set: ids of one device's commands by the instant they were requested."""
    return f"{tag(partition)}:commands:{dev_eui}"


def line(partition: int, dev_eui: str) -> str:
    """String (JSON): the sender's whole memory of one device's unfinished commands."""
    return f"{tag(partition)}:line:{dev_eui}"


def timers(partition: int) -> str:
    """Sorted set: devices with an unfinished command by their next deadline."""
    return f"{tag(partition)}:timers"


def tally(partition: int) -> str:
    """Hash: how many commands were requested, how they ended, what else was asked."""
    return f"{tag(partition)}:tally"


def pool_group(pool: str) -> str:
    """Return the consumer group a pool reads ``events`` with."""
    return f"pool:{pool}"


def workers(partition: int, pool: str) -> str:
    """Sorted set in partition 0: living copies of a worker, by until when."""
    return f"{tag(partition)}:workers:{pool}"


SENDER_GROUP = "sender"
"""The sender's consumer group on ``events`` and ``outbox``."""

BATCHER = "batcher"
"""Whose lease the batcher holds."""


def declare_partitions(redis: Redis, wanted: int) -> int:
    """
    Fix the number of partitions, or find it as wanted, and return it.

    WrongLayout when the streams exist with another number: it would tear the events
    of one device apart.
    """
    redis.hsetnx(CONFIG, "schema", str(SCHEMA))
    redis.hsetnx(CONFIG, "partitions", str(wanted))
    found = tuple(map(_text, redis.hmget(CONFIG, ["schema", "partitions"])))
    if found != (str(SCHEMA), str(wanted)):
        raise WrongLayout(
            f"asked for {wanted} partitions of schema {SCHEMA}; "
            f"{CONFIG} says {found[1]} of schema {found[0]}"
        )
    return wanted


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def read_partitions(redis: Redis) -> int:
    """Return how many partitions were declared; the embedded number before that."""
    found = redis.hget(CONFIG, "partitions")
    return int(found) if isinstance(found, str | bytes) else EMBEDDED_PARTITIONS
