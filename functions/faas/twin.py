"""
The built-in twin: what the runtime itself keeps of every device.

One hash per device, `{pNN}:twin:<dev_eui>`; every value is JSON, instants are Unix
seconds by the server's clock:

device              name, device_type, application_id, tags
radio               of the last uplink: at, session (DevAddr), f_cnt, dr, rssi and snr
                    (best reception), gateways (all receptions)
reported:<message>  at, object: the last decoded object of each kind of message
joined              at, dev_addr: the last join
status              at, margin (dB), battery (percent, null: unknown), external_power
logged              at, level, code, description: the last log
view:<name>         from handlers, through their `twin` port
order:<slot>        place in the device's life of the last writer of `radio` (and
                    `device`), `reported:…` or `view:…`
"""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Final

import orjson

from faas.events import RESET_AFTER_NS, Event, Heard, Joined, Logged, Status, Uplink

_BEST: Final = attrgetter("snr_db", "rssi_dbm")

NO_MESSAGE: Final = "object"
"""Slot of decoded objects whose codec does not name the message."""

Guard = tuple[str, str]
"""Mark (address, counter, instant) and bar of the commit script's `newer`."""

Told = Sequence[tuple[str, Sequence[str | bytes]]]
"""Names and values of fields, by slot; the slot without name is written always."""

__all__ = ["NO_MESSAGE", "Guard", "Told", "guard_of", "told_by"]


def guard_of(event: Event) -> Guard | None:
    """Return where an uplink stands in its device's life; other events: None."""
    if not isinstance(event, Uplink):
        return None
    return event.mark, f"{max(0, event.heard_ns - RESET_AFTER_NS):019d}"


def told_by(event: Event) -> Told:
    """Return the fields an event writes; each slot unless a later uplink has."""
    if isinstance(event, Uplink):
        return _uplink(event)
    at: dict[str, Any] = {"at": event.time.timestamp()}
    if isinstance(event, Joined):
        told = ("joined", orjson.dumps({**at, "dev_addr": event.dev_addr}))
    elif isinstance(event, Status):
        told = ("status", orjson.dumps({**at, **_status(event)}))
    elif isinstance(event, Logged):
        told = ("logged", orjson.dumps({**at, **_logged(event)}))
    else:
        return ()
    return (("", ("device", _device(event), *told)),)


def _uplink(event: Uplink) -> Told:
    radio = "radio", ("device", _device(event), "radio", _radio(event))
    if not event.data:
        return (radio,)
    name = f"reported:{event.message or NO_MESSAGE}"
    told = {"at": event.heard_ns / 1e9, "object": event.data}
    return radio, (name, (name, orjson.dumps(told)))


def _device(event: Event) -> bytes:
    return orjson.dumps(
        {
            "name": event.device_name,
            "device_type": event.device_type,
            "application_id": event.application_id,
            "tags": event.tags,
        }
    )


def _radio(event: Uplink) -> bytes:
    best = max(event.heard_by, key=_BEST, default=None)
    told = {
        "at": event.heard_ns / 1e9,
        "session": event.dev_addr,
        "f_cnt": event.f_cnt,
        "dr": event.dr,
        "rssi": best and best.rssi_dbm,
        "snr": best and best.snr_db,
        "gateways": [_heard(heard) for heard in event.heard_by],
    }
    return orjson.dumps(told)


def _heard(heard: Heard) -> dict[str, str | float]:
    return {
        "gateway_id": heard.gateway_id,
        "rssi": heard.rssi_dbm,
        "snr": heard.snr_db,
    }


def _status(event: Status) -> dict[str, Any]:
    return {
        "margin": event.margin_db,
        "battery": event.battery_percent,
        "external_power": event.external_power,
    }


def _logged(event: Logged) -> dict[str, str]:
    return {
        "level": event.level,
        "code": event.code,
        "description": event.description,
    }
