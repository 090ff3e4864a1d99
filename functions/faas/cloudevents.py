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

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from faas.batches import Batch, Stored
from faas.errors import NotAnEvent
from faas.events import Event, ns_of, parse_event, tick
from faas.streams import event_id, place_of

TYPE: Final = "io.chirpstack.event."
TICK: Final = "io.garonne.tick"
SINGLE: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"

__all__ = [
    "BATCH",
    "SINGLE",
    "TICK",
    "TYPE",
    "Delivery",
    "envelope",
    "range_envelopes",
    "read_batch",
    "read_one",
    "read_range",
    "tick_envelope",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way into functions, with what they remember of its device."""

    event: Event
    arrived_s: float
    memory: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


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
    head: dict[str, Any] = {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": TYPE + kind,
        "datacontenttype": "application/json",
        "arrivedms": arrived_ms,
    }
    if memory:
        head["memory"] = orjson.dumps(memory).decode()
    return orjson.dumps(head)[:-1] + b',"data":' + payload + b"}"


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
    return orjson.dumps(
        [
            {
                "specversion": "1.0",
                "id": event_id(batch.partition, event.entry),
                "source": "/" + event.topic.rpartition("/event/")[0],
                "type": TYPE + event.kind,
                "topic": event.topic,
                "data_base64": base64.b64encode(event.payload).decode("ascii"),
            }
            for event in batch.events
        ]
    )


def read_range(body: bytes) -> Batch:
    """Read what `range_envelopes` wrote; `NotAnEvent` when it is none."""
    items = _array(_json(body))
    try:
        places = [place_of(item["id"]) for item in items]
        events = tuple(
            Stored(
                entry=entry,
                topic=item["topic"],
                payload=base64.b64decode(item["data_base64"], validate=True),
            )
            for (_, entry), item in zip(places, items, strict=True)
        )
        ((partition),) = {number for number, _ in places}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotAnEvent(f"asked for a range of one stream; found {error!r}") from error
    return Batch(partition=partition, events=events)


def read_batch(body: bytes) -> list[Delivery]:
    """Read a JSON array of events; `NotAnEvent` when any of it is not one."""
    return [_delivery(item) for item in _array(_json(body))]


def read_one(content_type: str, headers: Mapping[str, str], body: bytes) -> Delivery:
    """Read one event, structured or (`ce-` headers) binary."""
    if content_type == SINGLE:
        return _delivery(_json(body))
    attributes: dict[str, Any] = dict(_attributes(headers.items()))
    attributes["data"] = _json(body)
    return _delivery(attributes)


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
        return Delivery(event=event, arrived_s=arrived_ns / 1e9)
    event = parse_event(
        kind.removeprefix(TYPE),
        item.get("data"),
        event_id=event_id,
        arrived_ns=arrived_ns,
    )
    return Delivery(event=event, arrived_s=arrived_ns / 1e9, memory=_memory(item))


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
    found = _json(item["memory"]) if "memory" in item else {}
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
