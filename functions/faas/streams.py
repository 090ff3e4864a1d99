"""The durable streams: which partition an event belongs to, which never changes."""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from wire.partition import partition_of as partition_of_device

_DEVICE_TOPIC: Final = re.compile(
    r"application/([^/]+)/device/([0-9a-fA-F]{16})/event/([^/]+)\Z"
)
_EVENT_ID: Final = re.compile(r"p(\d{2,})-(\d+-\d+)\Z", re.ASCII)

__all__ = [
    "Named",
    "device_of",
    "event_id",
    "kind_of",
    "named_by",
    "partition_of",
    "place_of",
    "ticks",
]


class Named(NamedTuple):
    """What the topic of an event names; `dev_eui` is in lower case."""

    application_id: str
    dev_eui: str
    kind: str


@lru_cache(maxsize=1 << 14)  # a device says the same topic again and again
def named_by(topic: str) -> Named | None:
    """Return what a topic names; None when it is no device's."""
    found = _DEVICE_TOPIC.match(topic)
    return Named(found[1], found[2].lower(), found[3]) if found else None


def partition_of(topic: str, partitions: int) -> int:
    """Return the partition of a topic: of its device, or of the whole text."""
    found = named_by(topic)
    return partition_of_device(found.dev_eui if found else ascii(topic), partitions)


def device_of(topic: str) -> str | None:
    """Return the DevEUI a topic names, in lower case."""
    found = named_by(topic)
    return found.dev_eui if found else None


def kind_of(topic: str) -> str | None:
    """Return the kind of event a topic names."""
    found = named_by(topic)
    return found.kind if found else None


def ticks(function: str) -> str:
    """Stream of a scheduled function's ticks; its tag is also that of its lease."""
    return f"{{sched:{function}}}"


def event_id(partition: int, entry: str) -> str:
    """Name an event for good: its partition and its place in the stream."""
    return f"p{partition:02d}-{entry}"


def place_of(name: str) -> tuple[int, str]:
    """Return partition and entry of an `event_id`; `ValueError` if it is none."""
    found = _EVENT_ID.match(name)
    if found is None:
        raise ValueError(f"{name!r} is no event of a stream")
    return int(found[1]), found[2]
