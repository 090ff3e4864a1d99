"""
CloudEvents 1.0 as a function receives them: structured, batch and binary.

An event's `id` is its place in the streams, `type` is `io.chirpstack.event.<kind>`,
`data` is ChirpStack's JSON; or `type` is `io.garonne.tick`, and `data` names the
scheduled function whose time has come. In an exact range, for functions that take
batches, every event is told by its own bytes, which may be anything: `data_base64`,
and the extension attribute `topic`. Two more attributes of ours are optional:
`arrivedms` (Unix ms at which the event was stored) and `memory` (a JSON text:
what each function remembers about the device, by function name).
"""

from base64 import b64decode
from binascii import b2a_base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, overload

import orjson

from faas.batches import Batch, Stored
from faas.errors import NotAnEvent
from faas.events import UNKNOWN, Event, event_of, ns_of, tick
from faas.streams import event_id, kind_of, place_of
from wire.errors import Malformed

TYPE: Final = "io.chirpstack.event."
TICK: Final = "io.garonne.tick"
SINGLE: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
SEQUENCE: Final = "application/cloudevents+json-seq"
"""
Many events, each after a record separator (RFC 7464): what `BATCH` says, but they can
be read one after the other, without all of them in memory.
"""

_SEPARATOR: Final = b"\x1e"  # never inside a JSON text

_NOTHING: Final[Mapping[str, Any]] = {}

__all__ = [
    "BATCH",
    "SEQUENCE",
    "SINGLE",
    "TICK",
    "TYPE",
    "Delivery",
    "enclose",
    "envelope",
    "range_envelopes",
    "read_batch",
    "read_one",
    "read_range",
    "read_sequence",
    "sequence",
    "tick_envelope",
]


class Delivery(NamedTuple):
    """One event on its way into functions, with what they remember of its device."""

    event: Event
    arrived_s: float
    memory: Mapping[str, Mapping[str, Any]] = _NOTHING


def envelope(
    *,
    event_id: str,
    kind: str,
    source: str,
    arrived_ms: int,
    payload: bytes,
    memory: Mapping[str, Any] | None = None,
) -> bytes:
    """Wrap an event's own bytes, which must be JSON, without parsing them again."""
    told = orjson.dumps(memory) if memory else b""
    name = orjson.dumps(event_id)[1:-1]
    return _wrap(_head(kind, source), name, arrived_ms, payload, told)


def enclose(
    *, event_id: str, topic: str, arrived_ms: int, payload: bytes, memory: bytes = b""
) -> bytes:
    """Wrap what was stored under a device's topic; `memory` is JSON or nothing."""
    return _wrap(_head_of(topic), event_id.encode(), arrived_ms, payload, memory)


def _wrap(
    head: bytes, event_id: bytes, arrived_ms: int, payload: bytes, memory: bytes
) -> bytes:
    told = b',"memory":' + orjson.dumps(memory.decode()) if memory else b""
    return b'%b,"id":"%b","arrivedms":%d%b,"data":%b}' % (
        head,
        event_id,
        arrived_ms,
        told,
        payload,
    )


@lru_cache(maxsize=1 << 14)  # a device says the same topic again and again
def _head_of(topic: str) -> bytes:
    return _head(kind_of(topic) or "", "/" + topic.rpartition("/event/")[0])


def _head(kind: str, source: str) -> bytes:
    """Return the attributes that all events of one kind of a device share."""
    shared = {
        "specversion": "1.0",
        "source": source,
        "type": TYPE + kind,
        "datacontenttype": "application/json",
    }
    return orjson.dumps(shared)[:-1]


def tick_envelope(function: str, instant_ms: int) -> bytes:
    """Return the tick of a scheduled function."""
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": f"{function}-{instant_ms}",
            "source": "/schedule",
            "type": TICK,
            "arrivedms": instant_ms,
            "data": {"function": function},
        }
    )


def range_envelopes(batch: Batch) -> bytes:
    """Return an exact range as a CloudEvents batch, lossless."""
    told = [
        b'%b,"id":"%b","data_base64":"%b"}'
        % (
            _range_head(event.topic),
            event_id(batch.partition, event.entry).encode(),
            b2a_base64(event.payload, newline=False),
        )
        for event in batch.events
    ]
    return b"[" + b",".join(told) + b"]"


@lru_cache(maxsize=1 << 14)  # a device says the same topic again and again
def _range_head(topic: str) -> bytes:
    attributes = {
        "specversion": "1.0",
        "source": "/" + topic.rpartition("/event/")[0],
        "type": TYPE + (kind_of(topic) or UNKNOWN),
        "topic": topic,
    }
    return orjson.dumps(attributes)[:-1]


class _Carried(Sequence[Stored]):
    """The events of a range as they were carried; each is read when it is looked at."""

    def __init__(self, items: Sequence[Mapping[str, Any]]) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, place: int) -> Stored: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Stored]: ...
    def __getitem__(self, place: int | slice) -> Stored | Sequence[Stored]:
        if isinstance(place, slice):
            return _Carried(self._items[place])
        return _stored(self._items[place])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(tuple(self))


def read_range(body: bytes) -> Batch:
    """
    Read what `range_envelopes` wrote; `NotAnEvent` when it is none.

    The bytes of an event are decoded when somebody looks at it.
    """
    items = _array(_json(body))
    try:
        (partition,) = _partitions(items)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotAnEvent(f"asked for a range of one stream; found {error!r}") from error
    return Batch(partition=partition, events=_Carried(items))


def _partitions(items: Iterable[Mapping[str, Any]]) -> tuple[int, ...]:
    heads = {item["id"].partition("-")[0] for item in items}
    return tuple(place_of(f"{head}-0-0")[0] for head in heads)


def _stored(item: Mapping[str, Any]) -> Stored:
    try:
        return Stored(
            entry=place_of(item["id"])[1],
            topic=item["topic"],
            payload=b64decode(item["data_base64"], validate=True),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotAnEvent(f"asked for a stored event; found {error!r}") from error


def read_batch(body: bytes) -> list[Delivery]:
    """
    Read a JSON array of events; `NotAnEvent` when any of it is not one.

    Of ChirpStack's documents nothing is read yet: each field is when it is asked for.
    """
    return [_delivery(item) for item in _array(_json(body))]


def sequence(envelopes: Iterable[bytes]) -> bytes:
    """Join events to a sequence."""
    return _SEPARATOR + _SEPARATOR.join(envelopes)


def read_sequence(body: bytes) -> Iterator[Delivery]:
    """
    Read a sequence of events one by one; `NotAnEvent` at the first that is none.

    Of ChirpStack's documents nothing is read yet: each field is when it is asked for.
    """
    first, *texts = body.split(_SEPARATOR)
    if first:
        raise NotAnEvent("asked for a record separator before the first event")
    for text in texts:
        yield _delivery(_json(text))


def read_one(content_type: str, headers: Mapping[str, str], body: bytes) -> Delivery:
    """Read one event, structured or (`ce-` headers) binary."""
    if content_type == SINGLE:
        return _checked(_delivery(_json(body)))
    attributes: dict[str, Any] = dict(_attributes(headers.items()))
    attributes["data"] = _json(body)
    return _checked(_delivery(attributes))


def _checked(delivery: Delivery) -> Delivery:
    try:
        delivery.event.check()
    except Malformed as error:
        raise NotAnEvent(str(error)) from error
    return delivery


def _attributes(headers: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for name, value in headers:
        if name.lower().startswith("ce-"):
            yield name.lower().removeprefix("ce-"), value


def _delivery(item: Any) -> Delivery:
    if not isinstance(item, dict):
        raise NotAnEvent(f"asked for a CloudEvent; found {_kind_of(item)}")
    version, kind = item.get("specversion"), str(item.get("type", ""))
    if version != "1.0":
        raise NotAnEvent(f"asked for specversion 1.0; found {version!r}")
    if kind != TICK and not kind.startswith(TYPE):
        raise NotAnEvent(f"asked for a type {TYPE}<kind>; found {kind!r}")
    event_id = item.get("id")
    if not isinstance(event_id, str) or not event_id:
        raise NotAnEvent(f"asked for a CloudEvent with an id; found {event_id!r}")
    arrived_ns = _arrived_ns(item)
    if kind == TICK:
        event: Event = tick(_function(item.get("data")), arrived_ns // 10**6)
        return Delivery(event, arrived_ns / 1e9)
    event = event_of(
        kind.removeprefix(TYPE), item.get("data"), id=event_id, arrived_ns=arrived_ns
    )
    return Delivery(event, arrived_ns / 1e9, _memory(item))


def _function(data: Any) -> str:
    found = data.get("function") if isinstance(data, dict) else None
    if not isinstance(found, str):
        raise NotAnEvent(f"asked for the function of a tick; found {found!r}")
    return found


def _arrived_ns(item: Mapping[str, Any]) -> int:
    """Say when the event was stored; an outsider's event carries `time` at most."""
    try:
        if "arrivedms" in item:
            return int(item["arrivedms"]) * 10**6
        return ns_of(item["time"]) if "time" in item else 0
    except (TypeError, ValueError, OverflowError) as error:
        raise NotAnEvent(f"asked for the event's time; found {error}") from error


def _memory(item: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    found = _json(item["memory"]) if "memory" in item else _NOTHING
    if not isinstance(found, dict):
        raise NotAnEvent(f"asked for memory by function; found {_kind_of(found)}")
    return found


def _json(body: bytes | str) -> Any:
    try:
        return orjson.loads(body)
    except (orjson.JSONDecodeError, TypeError) as error:
        raise NotAnEvent(f"asked for JSON; found {error}") from error


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise NotAnEvent(f"asked for an array of CloudEvents; found {_kind_of(value)}")
    return value


def _kind_of(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__
