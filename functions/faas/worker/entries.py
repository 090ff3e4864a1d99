"""
What a stream holds, read: entries, what is needed of their events, what is wrong.

Each document is read, used and let go before the next: a batch of them would not fit
into the caches of a processor, and everything after would wait for memory.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from faas import cloudevents
from faas.events import Event, Uplink, event_of
from faas.streams import event_id, kind_of
from faas.twin import Guard, Told, guard_of, told_by
from wire.errors import Malformed

__all__ = ["About", "Entry", "about", "read_entries", "read_streams"]


class About(NamedTuple):
    """
    What the worker needs of an event once its document is gone.

    `message` is None of anything but an uplink, and so is `guard`, its place in the
    device's life; `told` is what it writes into the built-in twin.
    """

    id: str
    kind: str
    dev_eui: str
    device_type: str
    message: str | None
    application_id: str
    guard: Guard | None
    told: Told


class Entry(NamedTuple):
    """One stored event; `fault` says why it could not be read, then `event` is None."""

    id: str
    partition: int
    topic: str
    payload: bytes
    event: About | None
    fault: str = ""

    @property
    def event_id(self) -> str:
        """The event's name for good."""
        return event_id(self.partition, self.id)

    @property
    def arrived_ms(self) -> int:
        """When it was stored (Unix ms)."""
        return int(self.id.partition("-")[0])

    def envelope(self, memory: bytes = b"") -> bytes:
        """Return it as a CloudEvent; `memory` is a JSON object or nothing."""
        return cloudevents.enclose(
            event_id=self.event_id,
            topic=self.topic,
            arrived_ms=self.arrived_ms,
            payload=self.payload,
            memory=memory,
        )


def read_entries(partition: int, found: Iterable[Any]) -> list[Entry]:
    """Read what XRANGE, XCLAIM or one stream of XREADGROUP answered."""
    return [_entry(partition, entry, fields) for entry, fields in found if fields]


def read_streams(partition: int, answer: Any) -> list[Entry]:
    """Read what XREADGROUP answered about one stream, in either protocol."""
    if not answer:
        return []
    if isinstance(answer, dict):  # RESP3 answers a map
        (entries,) = answer.values()
    else:
        ((_, entries),) = answer
    return read_entries(partition, entries)


def about(event: Event) -> About:
    """Return what the worker needs of an event; Malformed says what is wrong."""
    event.check()
    return About(
        event.id,
        event.kind,
        event.dev_eui,
        event.device_type,
        event.message if isinstance(event, Uplink) else None,
        event.application_id,
        guard_of(event),
        told_by(event),
    )


def _entry(partition: int, entry: bytes, fields: list[bytes]) -> Entry:
    found = dict(zip(fields[::2], fields[1::2], strict=True))
    topic = found.get(b"topic", b"").decode("utf-8", "replace")
    payload, place = found.get(b"payload", b""), entry.decode()
    try:
        event = _about(partition, place, topic, payload)
    except orjson.JSONDecodeError as error:
        fault = f"asked for JSON; found {error}"
    except Malformed as error:
        fault = str(error)
    else:
        return Entry(place, partition, topic, payload, event)
    return Entry(place, partition, topic, payload, None, fault)


def _about(partition: int, place: str, topic: str, payload: bytes) -> About:
    kind = kind_of(topic)
    if kind is None:
        raise Malformed(f"asked for a device's event topic; found {topic!r}")
    name, arrived_ns = event_id(partition, place), int(place.partition("-")[0]) * 10**6
    document = orjson.loads(payload)
    return about(event_of(kind, document, id=name, arrived_ns=arrived_ns))
