"""
The Yobiiq EM2101 payload format, as the meter writes it.

`encode` takes the document that the catalogue's `metered-relay` codec decodes and
returns port and bytes; `parse` reads what comes down. Everything is channel, type,
value, big-endian. Format: the maker's own codec, chirpstack/chirpstack-device-profiles,
`vendors/yobiiq/codecs/em2101.js`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Document = Mapping[str, Any]
MEASURE_PORT, STATE_PORT, SETTING_PORT, EVENT_PORT = 1, 11, 50, 60
SETTING_CHANNEL, EVENT_CHANNEL = 0xFF, 0xFD
DONE, REFUSED = b"\x00", b"\x01"

# Per name: channel, type, size in bytes, steps per unit.
MEASURES = {
    name: (0x01, kind, size, steps)
    for name, kind, size, steps in (
        ("index", 0x00, 4, 1),
        ("time_s", 0x01, 4, 1),
        ("logger_time_s", 0x03, 4, 1),
        ("energy_import_t1_wh", 0x04, 4, 1),
        ("energy_import_t2_wh", 0x05, 4, 1),
        ("energy_export_t1_wh", 0x06, 4, 1),
        ("energy_export_t2_wh", 0x07, 4, 1),
        ("reactive_energy_import_t1_varh", 0x08, 4, 1),
        ("reactive_energy_import_t2_varh", 0x09, 4, 1),
        ("reactive_energy_export_t1_varh", 0x0A, 4, 1),
        ("reactive_energy_export_t2_varh", 0x0B, 4, 1),
        ("voltage_v", 0x0C, 4, 10),
        ("current_a", 0x10, 4, 1000),
        ("power_w", 0x14, 4, 1),
        ("reactive_power_var", 0x17, 4, 1),
        ("apparent_power_va", 0x1A, 4, 1),
        ("power_factor", 0x1D, 1, 100),
        ("phase_angle_deg", 0x20, 2, 100),
        ("frequency_hz", 0x23, 2, 100),
        ("total_power_kw", 0x24, 4, 1),
        ("total_reactive_power_var", 0x25, 4, 1),
        ("total_apparent_power_va", 0x26, 4, 1),
        ("largest_current_a", 0x27, 4, 1000),
        ("average_power_w", 0x2A, 4, 1),
        ("certified_year", 0x2B, 4, 1),
    )
}
STATES = {"on": (0x01, 0x01, 1, 1), "input_closed": (0x02, 0x02, 1, 1)}
LIMITS = (
    ("current_limit_a", 2, 10),
    ("voltage_limit_v", 2, 1),
    ("power_limit_w", 2, 1),
    ("off_delay_s", 2, 1),
    ("on_delay_s", 2, 1),
    ("offset_current_a", 2, 10),
    ("offset_delay_s", 2, 1),
    ("reset_time_s", 2, 1),
    ("reset_amount", 1, 1),
)
INFORMATION = {
    "on": (SETTING_CHANNEL, 0x00, 1, 1),
    "powered": (SETTING_CHANNEL, 0x0B, 1, 1),
    "device_class": (SETTING_CHANNEL, 0x0F, 1, 1),
    "serial": (SETTING_CHANNEL, 0x16, 4, 1),
    "current_transformer_primary": (SETTING_CHANNEL, 0x1E, 2, 1),
    "current_transformer_secondary": (SETTING_CHANNEL, 0x1F, 1, 1),
    "voltage_transformer_primary": (SETTING_CHANNEL, 0x20, 4, 1),
    "voltage_transformer_secondary": (SETTING_CHANNEL, 0x21, 2, 1),
    **{
        f"{prefix}{name}": (SETTING_CHANNEL, first + n, size, steps)
        for prefix, first in (("fallback_", 0x3C), ("", 0x50))
        for n, (name, size, steps) in enumerate(LIMITS)
    },
}
EVENTS = {
    name: (EVENT_CHANNEL, kind, size, steps)
    for name, kind, size, steps in (
        ("off_reason", 0x01, 1, 1),
        ("on_reason", 0x02, 1, 1),
        ("off_time_s", 0x03, 4, 1),
        ("on_time_s", 0x04, 4, 1),
        ("off_current_a", 0x05, 4, 1000),
        ("off_voltage_v", 0x06, 4, 10),
        ("off_power_w", 0x07, 4, 1),
        ("resets", 0x08, 1, 1),
    )
}
PORTS = {
    "measurement": (MEASURE_PORT, MEASURES),
    "state": (STATE_PORT, STATES),
    "information": (SETTING_PORT, INFORMATION),
    "switching": (EVENT_PORT, EVENTS),
}
VERSIONS = {
    "measurement": {"firmware": (0x01, 0xF1), "hardware": (0x01, 0xF2)},
    "information": {"hardware": (0xFF, 0x09), "firmware": (0xFF, 0x0A)},
}
WORDS: Mapping[str, tuple[str | None, ...]] = {
    "device_class": ("A", "B", "C"),
    "off_reason": ("invalid", "current-limit", "network", "display"),
    "on_reason": ("invalid", "timed-reset", "network-reset", "display", "network"),
    "resets": (None, "left", "used-up"),
}
COMMANDS = {
    (0x07, 0x48): ("on", 1),
    (0x07, 0x47): ("network_control", 1),
    (0x08, 0x47): ("digital_input", 1),
    (0x07, 0x46): ("reset", 1),
    (0xFF, 0x0B): ("restart", 1),
    (0xFF, 0x14): ("report_every_min", 1),
    (0x02, 0x0B): ("request", 1),
    **{
        (channel, 0x32 + n): (f"{prefix}{name}", size)
        for channel, prefix in ((0xFF, "fallback_"), (0x01, ""))
        for n, (name, size, _) in enumerate(LIMITS)
    },
}
REQUESTS = {kind: name for name, (_, kind, _, _) in INFORMATION.items()}


def encode(document: Document) -> tuple[int, bytes]:
    """Return port and payload of a decoded document; `KeyError` if it is no such."""
    if document["message"] == "acknowledgement":
        return SETTING_PORT, DONE if document["done"] else REFUSED
    port, table = PORTS[document["message"]]
    versions = VERSIONS.get(document["message"], {})
    values = ((name, value) for name, value in document.items() if name != "message")
    return port, b"".join(_value(*one, table, versions) for one in values)


def _value(
    name: str,
    value: Any,
    table: Mapping[str, tuple[int, int, int, int]],
    versions: Mapping[str, tuple[int, int]],
) -> bytes:
    if name in versions:
        return bytes((*versions[name], *(int(part, 16) for part in value.split("."))))
    if name == "made_year":
        return bytes((0x01, 0xF0)) + bytes.fromhex(f"{value:04d}")
    channel, kind, size, steps = table[name]
    number: int = WORDS[name].index(value) if name in WORDS else round(value * steps)
    return bytes((channel, kind)) + (number % (1 << 8 * size)).to_bytes(size)


def parse(f_port: int, payload: bytes) -> list[tuple[str, int]]:
    """Return what a downlink asks for, raw; `ValueError` for what the meter cannot."""
    if f_port != SETTING_PORT or not payload:
        raise ValueError(f"commands come on port {SETTING_PORT}, found {f_port}")
    return list(_commands(payload))


def _commands(payload: bytes) -> Iterator[tuple[str, int]]:
    at = 0
    while at < len(payload):
        head = (payload[at], payload[at + 1] if at + 1 < len(payload) else -1)
        if head not in COMMANDS:
            raise ValueError(f"no command {head}")
        name, size = COMMANDS[head]
        value = payload[at + 2 : at + 2 + size]
        if len(value) < size:
            raise ValueError(f"{name} has a size of {size}, found {len(value)}")
        yield name, int.from_bytes(value)
        at += 2 + size
