"""
The built-in twin: what the runtime itself keeps of every device.

One hash per device, `{pNN}:twin:<dev_eui>`:

who it is         device_name, device_type, application_id, tags (JSON)
last uplink       last_seen (Unix s, server's clock), session (DevAddr), f_cnt, dr,
                  rssi and snr (best reception), gateways (JSON of all receptions)
decoded           reported:<message> (JSON), reported_at:<message> (Unix s), for the
                  last object of each kind of message
last join         joined_at (Unix s), joined_addr
last DevStatus    margin (dB), battery (percent, empty: unknown), external_power
                  (0 or 1), status_at (Unix s)
last log          logged (JSON: level, code, description, at)
from handlers     view:<name> (JSON), through their `twin` port
internal          order:<slot>: place in the device's life of the last writer
"""

from typing import Final

import orjson

from faas.events import RESET_AFTER_NS, Event, Heard, Joined, Logged, Status, Uplink
from faas.scripts import Argument

Fields = list[Argument]

NO_MESSAGE: Final = "object"
"""Slot of decoded objects whose codec does not name the message."""

__all__ = ["NO_MESSAGE", "Fields", "Guard", "guard_of", "identity", "sections"]

Guard = tuple[str, str, str, str]
"""Address, counter, instant and bar of the commit script's NEWER."""


def guard_of(event: Event) -> Guard | None:
    """Return where an uplink stands in its device's life; other events: None."""
    if not isinstance(event, Uplink):
        return None
    address, counter, instant = event.mark.split(":")
    bar = max(0, int(instant) - RESET_AFTER_NS)
    return address, counter, instant, f"{bar:019d}"


def sections(event: Event) -> list[tuple[str | None, Fields]]:
    """
    Return the fields an event writes, by slot.

    A slot is only written by a newer event than its last; None: always.
    """
    if isinstance(event, Uplink):
        return _uplink(event)
    if isinstance(event, Joined):
        joined: Fields = [
            "joined_at",
            event.time.timestamp(),
            "joined_addr",
            event.dev_addr,
        ]
        return [(None, identity(event) + joined)]
    if isinstance(event, Status):
        return [(None, [*identity(event), *_status(event)])]
    if isinstance(event, Logged):
        return [(None, [*identity(event), "logged", _logged(event)])]
    return []


def identity(event: Event) -> Fields:
    """Return the fields that say who the device is."""
    return [
        "device_name",
        event.device_name,
        "device_type",
        event.device_type,
        "application_id",
        event.application_id,
        "tags",
        orjson.dumps(event.tags),
    ]


def _uplink(event: Uplink) -> list[tuple[str | None, Fields]]:
    radio: tuple[str | None, Fields] = ("radio", [*identity(event), *_radio(event)])
    if not event.data:
        return [radio]
    name, at = event.message or NO_MESSAGE, event.time.timestamp()
    told: Fields = [f"reported:{name}", orjson.dumps(event.data)]
    return [radio, (name, [*told, f"reported_at:{name}", at])]


def _radio(event: Uplink) -> Fields:
    best = max(event.heard_by, key=lambda h: (h.snr_db, h.rssi_dbm), default=None)
    fields: Fields = ["last_seen", event.time.timestamp(), "session", event.dev_addr]
    fields += ["f_cnt", event.f_cnt, "dr", event.dr]
    if best is not None:
        fields += ["rssi", best.rssi_dbm, "snr", best.snr_db]
    return [*fields, "gateways", orjson.dumps([_heard(i) for i in event.heard_by])]


def _heard(heard: Heard) -> dict[str, str | float]:
    return {
        "gateway_id": heard.gateway_id,
        "rssi": heard.rssi_dbm,
        "snr": heard.snr_db,
    }


def _status(event: Status) -> Fields:
    battery = "" if event.battery_percent is None else event.battery_percent
    return [
        "margin",
        event.margin_db,
        "battery",
        battery,
        "external_power",
        int(event.external_power),
        "status_at",
        event.time.timestamp(),
    ]


def _logged(event: Logged) -> bytes:
    return orjson.dumps(
        {
            "level": event.level,
            "code": event.code,
            "description": event.description,
            "at": event.time.timestamp(),
        }
    )
