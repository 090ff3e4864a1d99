"""What the sender reads in ChirpStack's events. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from city.command_life import Life
from city.line import Radio

_TOPIC: Final = re.compile(
    rb"application/([^/]+)/device/([0-9a-fA-F]{16})/event/([^/]+)\Z"
)

__all__ = ["Arrival", "arrival", "overhear", "tell"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event as its topic names it."""

    application_id: str
    dev_eui: str
    kind: str
    payload: bytes


def arrival(fields: Mapping[bytes, bytes] | None) -> Arrival | None:
    """Read an entry of the stream; None when it names no device."""
    found = _TOPIC.match(fields.get(b"topic", b"")) if fields else None
    if found is None or fields is None:
        return None
    return Arrival(
        application_id=found[1].decode(),
        dev_eui=found[2].decode().lower(),
        kind=found[3].decode(),
        payload=fields.get(b"payload", b""),
    )


def overhear(radio: Radio, kind: str, now: float) -> None:
    """Remember what an event says about a device without unfinished commands."""
    if kind == "up":
        radio.heard, radio.busy_from = True, now
    elif kind == "join":
        radio.heard, radio.busy_from = False, None
    elif kind == "txack":
        radio.busy_from = now


def tell(life: Life, event: Arrival, now: float) -> None:
    """Tell a device's life what happened; ValueError if the event cannot be read."""
    document = orjson.loads(event.payload)
    if not isinstance(document, dict):
        raise ValueError(f"a {event.kind} event that is no JSON object")  # noqa: TRY004 -- its content is wrong, not our type
    if event.kind == "up":
        life.reported(_heard_at(document), document.get("object") or {}, now)
    elif event.kind == "join":
        life.joined(now)
    elif event.kind == "txack":
        life.transmitted(_item(document), _instant(document["time"]), now)
    elif event.kind == "ack" and document.get("acknowledged"):
        life.acknowledged(_item(document), now)
    elif event.kind == "log":
        _log(life, document, now)


def _log(life: Life, document: Mapping[str, Any], now: float) -> None:
    code = document.get("code", "")
    context = document.get("context") or {}
    if code == "DOWNLINK_GATEWAY":
        life.refused(document.get("description", ""), now)
    elif "queue_item_id" in context:
        rest = {k: v for k, v in sorted(context.items()) if k != "queue_item_id"}
        detail = ", ".join(f"{name} {value}" for name, value in rest.items())
        life.dropped(context["queue_item_id"], code, detail, now)


def _item(document: Mapping[str, Any]) -> str:
    return str(document.get("queueItemId", ""))


def _heard_at(document: Mapping[str, Any]) -> float:
    """When the server heard an uplink: its earliest ``nsTime``, never a gateway's."""
    times = [rx["nsTime"] for rx in document.get("rxInfo") or () if "nsTime" in rx]
    return min(map(_instant, times), default=_instant(document["time"]))


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
