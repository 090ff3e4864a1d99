"""Events as they arrive at a function: structured, batch, sequence and binary."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from faas.cloudevents.names import SEPARATOR, SINGLE, TICK, TYPE
from faas.cloudevents.parts import array_of, json_of, name_of_kind
from faas.errors import NotAnEvent
from faas.events import Event, event_of, ns_of, tick
from wire.errors import Malformed

_NOTHING: Final[Mapping[str, Any]] = {}


class Delivery(NamedTuple):
    """One event on its way into functions, with what they remember of its device."""

    event: Event
    arrived_s: float
    memory: Mapping[str, Mapping[str, Any]] = _NOTHING


def read_batch(body: bytes) -> list[Delivery]:
    """
    Read a JSON array of events; `NotAnEvent` when any of it is not one.

    Of ChirpStack's documents nothing is read yet: each field is when it is asked for.
    """
    return [_delivery(item) for item in array_of(json_of(body))]


def read_sequence(body: bytes) -> Iterator[Delivery]:
    """
    Read a sequence of events one by one; `NotAnEvent` at the first that is none.

    Of ChirpStack's documents nothing is read yet: each field is when it is asked for.
    """
    first, *texts = body.split(SEPARATOR)
    if first:
        raise NotAnEvent("asked for a record separator before the first event")
    for text in texts:
        yield _delivery(json_of(text))


def read_one(content_type: str, headers: Mapping[str, str], body: bytes) -> Delivery:
    """Read one event, structured or (`ce-` headers) binary."""
    if content_type == SINGLE:
        return _checked(_delivery(json_of(body)))
    attributes: dict[str, Any] = dict(_attributes(headers.items()))
    attributes["data"] = json_of(body)
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
        raise NotAnEvent(f"asked for a CloudEvent; found {name_of_kind(item)}")
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
    found = json_of(item["memory"]) if "memory" in item else _NOTHING
    if not isinstance(found, dict):
        raise NotAnEvent(f"asked for memory by function; found {name_of_kind(found)}")
    return found
