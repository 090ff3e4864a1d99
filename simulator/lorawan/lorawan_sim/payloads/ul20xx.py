"""
The NAS UL20xx payload format, as the controller (firmware 1.1.4 or newer) writes it.

`encode` takes the document that the catalogue's `street-light` codec decodes and
returns port and bytes; names and units are explained there. Format: the maker's own
decoder, nasys/nas-codecs 4691977, `ul20xx_1_1_x`.
"""

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

STATUS_PORT, USAGE_PORT, SETTING_PORT = 23, 26, 50
COMMAND_PORT, ALARM_PORT, SYSTEM_PORT = 60, 61, 99
UNKNOWN = 0xFF
NO_LIGHT_SENSOR = 0xFFFF
MASK_LUX = 0x7FFF

REASONS = {
    **{f"profile-{n}": n for n in range(8)},
    **{f"dawn-{n}": 0x30 + n for n in range(16)},
    **{f"dusk-{n}": 0x50 + n for n in range(16)},
    **{f"light-{n}": 0x80 + n for n in range(8)},
    "calendar-day": 0x21,
    "calendar-night": 0x22,
    "input-idle": 0x70,
    "input-active": 0x71,
    "relay-off": 0xF5,
    "driver-not-found": 0xF6,
    "fallback": 0xF8,
    "light-input": 0xFA,
    "input": 0xFC,
    "manual": 0xFD,
    "unknown": 0xFF,
}
DRIVER_FAULTS = {
    "driver-error": 0x01,
    "lamp-failure": 0x02,
    "limit-error": 0x08,
    "reset-state": 0x20,
    "missing-short-address": 0x40,
    "power-failure": 0x80,
}
LAMP_ON, FADING = 0x04, 0x10
DEVICE_FAULTS = {"dali-connection": 0x02, "metering": 0x20, "clock": 0x40}
ALERTS = {
    "voltage-in-24h": 0x10,
    "lamp-error-in-24h": 0x20,
    "power-in-24h": 0x40,
    "power-factor-in-24h": 0x80,
}
METERING_ALARMS = {
    "lamp-error": 0x01,
    "over-current": 0x02,
    "under-voltage": 0x04,
    "over-voltage": 0x08,
    "low-power-factor": 0x10,
}
WIRINGS = (
    *("dali", "dali-nc", "dali-no", "analog-nc", "analog-no"),
    *("dali-analog-nc", "dali-analog-no", "dali-analog-nc-no"),
)
FEATURES = {"input": 0x04, "light-input": 0x08, "open-drain": 0x10, "metering": 0x20}
SUPPLIES = {"bus-high": 0x7E, "bus-error": 0x7F}
RESETS = {
    name: 1 << bit
    for bit, name in enumerate(
        (
            *("reset-0", "watchdog", "soft", "reset-3"),
            *("reset-4", "reset-5", "reset-6", "reset-7"),
        )
    )
}
REJECTIONS = {
    "unknown-port": 0x02,
    "too-short": 0x03,
    "too-long": 0x04,
    "value": 0x05,
    "parse": 0x06,
    "reserved-flag": 0x07,
    "flag-combination": 0x08,
    "feature-unavailable": 0x09,
    "unsupported-header": 0x0A,
    "hardware-unreachable": 0x0B,
    "address-unavailable": 0x0C,
    "internal": 0x0D,
    "size": 0x0E,
}
REQUESTS = {"usage": 0x01, "status": 0x02, "dim-map": 0x04, "location": 0x08}

Document = Mapping[str, Any]


def encode(document: Document) -> tuple[int, bytes]:
    """Return port and payload of a decoded document; `KeyError` if it is no such."""
    port, write = WRITERS[document["message"]]
    return port, write(document)


def bits(names: Sequence[str], table: Mapping[str, int]) -> int:
    """Return the flags of those `names` that `table` knows."""
    return sum(table[name] for name in set(names) & table.keys())


def epoch_s(time: str | None) -> int:
    """Return the Unix time of an ISO 8601 instant; a clock never set shows 0."""
    return 0 if time is None else int(datetime.fromisoformat(time).timestamp())


def address(name: str) -> int:
    """Return the byte of an address, as UL20xx numbers drivers and groups."""
    fixed = {"analog": 0x01, "broadcast": 0xFE, "all": 0xFF, "controller": 0xFF}
    if name in fixed:
        return fixed[name]
    kind, _, number = name.partition("-")
    return (0x80 if kind == "group" else 0) | int(number) << 1


def lux_word(lux: float | None) -> int:
    """Return the light sensor's logarithmic word: 4,000 steps per decade of mlx."""
    if lux is None:
        return NO_LIGHT_SENSOR
    return max(0, min(MASK_LUX, round(4000 * math.log10(max(lux, 0.001) * 1000))))


def known(value: float | None) -> int:
    """Return a byte that may be unknown."""
    return UNKNOWN if value is None else int(value)


def _dali(driver: Document) -> int:
    if driver["lamp_on"] is None:
        return UNKNOWN
    on = LAMP_ON if driver["lamp_on"] else 0
    fading = FADING if driver["fading"] else 0
    return on | fading | bits(driver["faults"], DRIVER_FAULTS)


def _driver(driver: Document) -> bytes:
    reason = REASONS[driver["reason"]]
    return bytes(
        (address(driver["address"]), reason, known(driver["level"]), _dali(driver))
    )


def _sensors(document: Document) -> bytes:
    written = b""
    if "light_input" in document:
        written += bytes((0x01, int(document["light_input"])))
    if document["lux"] is not None and document["lux"] != document.get("d4i_lux"):
        written += struct.pack("<BH", 0x02, lux_word(document["lux"]))
    if "d4i_lux" in document:
        written += struct.pack("<BH", 0x03, lux_word(document["d4i_lux"]))
    if document["motion"] is not None:
        written += bytes((0x04, document["motion"]))
    if "tilt_deg" in document:
        written += bytes((0x08, known(document["tilt_deg"])))
    return written


def _status(document: Document) -> bytes:
    flags = bits(document["faults"], DEVICE_FAULTS) | document["relay_closed"] << 7
    more = document["open_drain_on"] << 2 | document["lumalink"] << 6
    sensors = _sensors(document)
    head = struct.pack(
        "<BIBBBbbBB",
        0x01,
        epoch_s(document["time"]),
        flags,
        more | document["lumalink_since_boot"] << 7,
        -int(document["downlink_rssi_dbm"]),
        int(document["downlink_snr_db"]),
        int(document["temperature_c"]),
        bits(document["faults"], ALERTS),
        len(sensors),
    )
    return head + sensors + b"".join(_driver(one) for one in document["drivers"])


METERS: tuple[tuple[str, str, Callable[[Any], int]], ...] = (
    ("energy_wh", "<I", int),
    ("power_w", "<H", int),
    ("load_energy_wh", "<I", int),
    ("load_power_w", "<H", int),
    ("power_factor", "<B", lambda pf: UNKNOWN if pf is None else round(pf * 100)),
    ("voltage_v", "<B", int),
    ("driver_on_s", "<I", int),
    ("lamp_on_s", "<I", int),
)


def _meter(meter: Document) -> bytes:
    mask, fields = 0, b""
    for bit, (name, layout, raw) in enumerate(METERS):
        if name in meter:
            mask |= 1 << bit
            fields += struct.pack(layout, raw(meter[name]))
    return bytes((address(meter["address"]), mask)) + fields


def _usage(document: Document) -> bytes:
    return b"\x00" + b"".join(_meter(one) for one in document["meters"])


def _boot(document: Document) -> bytes:
    supply = document["dali_supply"]
    volts = SUPPLIES[supply] if isinstance(supply, str) else int(supply)
    external = document["dali_power"] == "external"
    serial = bytes.fromhex(document["serial"])[::-1]
    firmware = bytes(int(part) for part in document["firmware"].split("."))
    return (
        b"\x00"
        + serial
        + firmware
        + struct.pack("<I", epoch_s(document["time"]))
        + bytes(
            (
                WIRINGS.index(document["wiring"]),
                bits(document["features"], FEATURES),
                volts | external << 7,
                int(document["drivers"]) | document["unaddressed_driver"] << 7,
                bits(document["resets"], RESETS),
            )
        )
    )


def _rejection(document: Document) -> bytes:
    return bytes((0x13, int(document["f_port"]), REJECTIONS[document["reason"]]))


def _motion_alarm(document: Document) -> bytes:
    head = bytes((0x80, 0x40 | document["motion"]))
    return head + struct.pack("<I", int(document["count"]))


def _light_alarm(document: Document) -> bytes:
    return bytes((0x81, 0x20, document["on"], int(document["light_input"])))


def _driver_alarm(document: Document) -> bytes:
    drivers = document["drivers"]
    each = b"".join(bytes((address(one["address"]), _dali(one))) for one in drivers)
    return b"\x83" + bytes((len(each) << 4,)) + each


def _metering_alarm(document: Document) -> bytes:
    return struct.pack(
        "<BBHHB",
        0x84,
        bits(document["faults"], METERING_ALARMS),
        int(document["power_w"]),
        int(document["voltage_v"]),
        round(document["power_factor"] * 100),
    )


ALARMS: dict[str, Callable[[Document], bytes]] = {
    "motion": _motion_alarm,
    "light-input": _light_alarm,
    "driver": _driver_alarm,
    "metering": _metering_alarm,
}


def _alarm(document: Document) -> bytes:
    return ALARMS[document["alarm"]](document)


def _dimming(document: Document) -> bytes:
    if "minutes" not in document:
        pairs = [(one["address"], one["level"]) for one in document["targets"]]
        each = [bytes((address(to), known(level))) for to, level in pairs]
        return b"\x01" + b"".join(each)
    return b"\x09" + b"".join(
        bytes((address(one["address"]), known(one["level"]), int(one["minutes"])))
        for one in document["targets"]
    )


def _request(document: Document) -> bytes:
    return bytes((0x05, bits(document["requested"], REQUESTS)))


def _open_drain(document: Document) -> bytes:
    return bytes((0x0C, document["on"]))


def _setting(document: Document) -> bytes:
    if "status_interval_s" in document:
        return struct.pack("<BI", 0x07, int(document["status_interval_s"]))
    if "usage_interval_s" in document:
        volts = known(document["voltage_v"])
        return struct.pack("<BIB", 0x0B, int(document["usage_interval_s"]), volts)
    if "group" in document:
        group = document["group"]
        address_le = bytes.fromhex(group["address"])[::-1]
        return bytes((0x52, int(group["slot"]))) + address_le
    delay = document["report_delay_s"]
    steps = UNKNOWN if delay is None else int(delay) // 5
    return bytes((0x2A, steps, int(document["report_limit_s"]) // 60))


WRITERS: dict[str, tuple[int, Callable[[Document], bytes]]] = {
    "status": (STATUS_PORT, _status),
    "usage": (USAGE_PORT, _usage),
    "setting": (SETTING_PORT, _setting),
    "dimming": (COMMAND_PORT, _dimming),
    "request": (COMMAND_PORT, _request),
    "open-drain": (COMMAND_PORT, _open_drain),
    "alarm": (ALARM_PORT, _alarm),
    "boot": (SYSTEM_PORT, _boot),
    "rejection": (SYSTEM_PORT, _rejection),
}
