"""
What our own streams still know of a device.

ChirpStack's API keeps about ten events of each device; the functions' streams keep many
more, among them the ``log`` that names a refused join of an hour ago.
"""

from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError

from city import keys
from city.doctor.events import event_in
from city.doctor.facts import Event

__all__ = ["LOOK_BACK", "remembered"]

LOOK_BACK: Final = 5000
"""So many events of a partition are looked through, the newest first."""

KINDS: Final = (b"up", b"join", b"log", b"txack")
MILLISECONDS: Final = 1000.0


def remembered(store: Redis, dev_eui: str) -> list[Event]:
    """Return a device's events of the streams; nothing when Redis does not answer."""
    try:
        partitions = keys.read_partitions(store)
        stream = keys.events(keys.partition_of(dev_eui, partitions))
        entries: Any = store.xrevrange(stream, count=LOOK_BACK)
    except RedisError:
        return []
    middle = f"/device/{dev_eui}/event/".encode()
    return [
        event_in(kind.decode(), fields[b"payload"], _at(entry_id))
        for entry_id, fields in entries
        if middle in fields.get(b"topic", b"")
        and (kind := fields[b"topic"].rpartition(b"/")[2]) in KINDS
    ]


def _at(entry_id: bytes) -> float:
    return int(entry_id.partition(b"-")[0]) / MILLISECONDS
