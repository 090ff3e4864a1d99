"""The downlink command as ChirpStack's MQTT integration reads it. Pure."""

import base64
from datetime import UTC, datetime

import orjson

from city.command import Item

__all__ = ["down"]


def down(application_id: str, dev_eui: str, item: Item) -> tuple[str, bytes]:
    """Return topic and JSON: our id, our bytes (already encoded), always an expiry."""
    topic = f"application/{application_id}/device/{dev_eui}/command/down"
    return topic, orjson.dumps(
        {
            "id": item.id,
            "devEui": dev_eui,
            "confirmed": False,
            "fPort": item.payload.f_port,
            "data": base64.b64encode(item.payload.data).decode(),
            "expiresAt": datetime.fromtimestamp(item.expires_at, UTC).isoformat(),
        }
    )
