"""What a stream holds, read: entries, their events, and what is wrong with them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from faas import cloudevents
from faas.errors import NotAnEvent
from faas.events import Event, parse_event
from faas.streams import event_id, kind_of

__all__ = ["Entry", "read_entries", "read_streams"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One stored event; `fault` says why it could not be read, then `event` is None."""

    id: str
    partition: int
    topic: str
    payload: bytes
    event: Event | None
    fault: str = ""

    @property
    def event_id(self) -> str:
        """The event's name for good."""
        return event_id(self.partition, self.id)

    @property
    def arrived_ms(self) -> int:
        """When it was stored (Unix ms)."""
        return int(self.id.partition("-")[0])

    def envelope(self, memory: Mapping[str, Any] | None = None) -> bytes:
        """Return it as a CloudEvent."""
        assert self.event is not None  # noqa: S101 - only events are sent to functions
        return cloudevents.envelope(
            event_id=self.event_id,
            kind=self.event.kind,
            source="/" + self.topic.rpartition("/event/")[0],
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


def _entry(partition: int, entry: bytes, fields: list[bytes]) -> Entry:
    found = dict(zip(fields[::2], fields[1::2], strict=True))
    topic = found.get(b"topic", b"").decode("utf-8", "replace")
    payload, place = found.get(b"payload", b""), entry.decode()
    event, fault = _event(partition, place, topic, payload)
    return Entry(
        id=place,
        partition=partition,
        topic=topic,
        payload=payload,
        event=event,
        fault=fault,
    )


def _event(
    partition: int, place: str, topic: str, payload: bytes
) -> tuple[Event | None, str]:
    kind = kind_of(topic)
    if kind is None:
        return None, f"asked for a device's event topic; found {topic!r}"
    try:
        document = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        return None, f"asked for JSON; found {error}"
    arrived_ns = int(place.partition("-")[0]) * 10**6
    name = event_id(partition, place)
    try:
        return parse_event(kind, document, event_id=name, arrived_ns=arrived_ns), ""
    except NotAnEvent as error:
        return None, str(error)
