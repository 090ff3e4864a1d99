"""
The Bosch TPS110 payload format (firmware 0.29.2), as the sensor writes it.

`encode` takes the document that the catalogue's `parking-bay` codec decodes and
returns port and bytes. Format: TheThingsNetwork/lorawan-devices,
`vendor/bosch/tpl110-0292.js`.
"""

import struct
from collections.abc import Callable, Mapping
from typing import Any

STATUS_PORT, HEARTBEAT_PORT, STARTUP_PORT = 1, 2, 3
INFORMATION_PORT, USAGE_PORT, DEBUG_PORT = 4, 5, 6
RESETS = {"watchdog": 1, "power-on": 2, "system-request": 3, "other": 4}

Document = Mapping[str, Any]


def encode(document: Document) -> tuple[int, bytes]:
    """Return port and payload of a decoded document; `KeyError` if it is no such."""
    port, write = WRITERS[document["message"]]
    return port, write(document)


def _status(document: Document) -> bytes:
    return bytes((document["occupied"],))


def _heartbeat(document: Document) -> bytes:
    if document["temperature_c"] is None:
        return _status(document)
    return struct.pack("<Bb", document["occupied"], int(document["temperature_c"]))


def _startup(document: Document) -> bytes:
    codes = b"".join(struct.pack("<HH", int(c), 0) for c in document["debug_codes"])
    firmware = bytes(int(part) for part in document["firmware"].split("."))
    return codes + firmware + bytes((RESETS[document["reset"]], document["occupied"]))


def _raw(document: Document) -> bytes:
    return bytes.fromhex(document["bytes"])


def _debug(document: Document) -> bytes:
    time, code = int(document["device_time_s"]), int(document["code"])
    return struct.pack("<IHHH", time, code, 0, int(document["sequence"]))


WRITERS: dict[str, tuple[int, Callable[[Document], bytes]]] = {
    "status": (STATUS_PORT, _status),
    "heartbeat": (HEARTBEAT_PORT, _heartbeat),
    "startup": (STARTUP_PORT, _startup),
    "information": (INFORMATION_PORT, _raw),
    "usage": (USAGE_PORT, _raw),
    "debug": (DEBUG_PORT, _debug),
}
