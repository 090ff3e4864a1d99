"""From the streams of ChirpStack's API to the doctor's facts."""

import json
from typing import Any

from city.doctor.facts import Event, Frame
from city.objects import DeviceEvent

__all__ = ["event_of", "frame_of"]


def event_of(item: DeviceEvent, noted_at: float) -> Event:
    """Read an event of a device; a body that is not JSON only says less."""
    try:
        body = json.loads(item.body)
    except ValueError:
        body = {}
    best = _best(body.get("rxInfo") or [])
    return Event(
        kind=item.kind,
        time=item.time,
        noted_at=noted_at,
        code=str(body.get("code", "")),
        description=str(body.get("description", "")),
        gateway_id=str(best.get("gatewayId", "")),
        rssi_dbm=int(best.get("rssi", 0)),
        snr_db=float(best.get("snr", 0.0)),
    )


def frame_of(item: DeviceEvent) -> Frame:
    """Read a line of the frame log."""
    return Frame(kind=item.kind, time=item.time)


def _best(receptions: list[dict[str, Any]]) -> dict[str, Any]:
    return max(receptions, key=lambda one: float(one.get("snr", 0.0)), default={})
