"""From what ChirpStack says of a device to the doctor's facts."""

import json
from collections.abc import Iterable
from typing import Any

from city.doctor.facts import Event, Frame
from city.objects import DeviceEvent

__all__ = ["event_in", "event_of", "frame_of", "unique"]


def event_of(item: DeviceEvent, noted_at: float) -> Event:
    """Read an event of the API's stream."""
    return event_in(item.kind, item.body, item.time, noted_at)


def event_in(
    kind: str, body: str | bytes, time: float, noted_at: float = float("-inf")
) -> Event:
    """Read an event's document; one that cannot be read only says less."""
    document = _document(body)
    best = _best(document.get("rxInfo") or [])
    context = document.get("context") or {}
    return Event(
        kind=kind,
        time=time,
        noted_at=noted_at,
        frame_id=str(
            document.get("deduplicationId") or context.get("deduplication_id", "")
        ),
        code=str(document.get("code", "")),
        description=str(document.get("description", "")),
        gateway_id=str(best.get("gatewayId", "")),
        rssi_dbm=int(best.get("rssi", 0)),
        snr_db=float(best.get("snr", 0.0)),
    )


def frame_of(item: DeviceEvent) -> Frame:
    """Read a line of the frame log."""
    return Frame(kind=item.kind, time=item.time)


def unique(events: Iterable[Event]) -> tuple[Event, ...]:
    """Leave out what was told twice: of one frame there is one event of a kind."""
    found: dict[object, Event] = {}
    for number, event in enumerate(events):
        known = (event.kind, event.code, event.frame_id) if event.frame_id else number
        found.setdefault(known, event)
    return tuple(found.values())


def _document(body: str | bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _best(receptions: list[dict[str, Any]]) -> dict[str, Any]:
    return max(receptions, key=lambda one: float(one.get("snr", 0.0)), default={})
