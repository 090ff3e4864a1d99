"""The durable streams: which partition an event belongs to, which never changes."""

import re
from typing import Final

from wire.partition import partition_of as partition_of_device

_DEVICE_TOPIC: Final = re.compile(
    r"application/([^/]+)/device/([0-9a-fA-F]{16})/event/([^/]+)\Z"
)
_EVENT_ID: Final = re.compile(r"p(\d{2,})-(\d+-\d+)\Z", re.ASCII)

__all__ = ["device_of", "event_id", "kind_of", "partition_of", "place_of", "ticks"]


def partition_of(topic: str, partitions: int) -> int:
    """Return the partition of a topic: of its device, or of the whole text."""
    found = _DEVICE_TOPIC.match(topic)
    name = found[2].lower() if found else ascii(topic)
    return partition_of_device(name, partitions)


def device_of(topic: str) -> str | None:
    """Return the DevEUI a topic names, in lower case."""
    found = _DEVICE_TOPIC.match(topic)
    return found[2].lower() if found else None


def kind_of(topic: str) -> str | None:
    """Return the kind of event a topic names."""
    found = _DEVICE_TOPIC.match(topic)
    return found[3] if found else None


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
