"""
The root keys of a city's devices: a CSV, `dev_eui,app_key`, for its owner's eyes only.

The simulated devices and the server read the same file, so it is made before either
starts. A key that is there is never changed.
"""

import csv
import os
import secrets
from collections.abc import Iterable, Mapping
from io import StringIO
from pathlib import Path

from wire.declared import DeclaredCity
from wire.errors import Malformed
from wire.eui64 import EUI64

HEADER = ("dev_eui", "app_key")
KEY_BYTES = 16
OWNER_ONLY = 0o600


class BadKeys(Exception):
    """The key file cannot be used; `faults` has a line for each reason."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


def ensure_keys(path: Path, city: DeclaredCity) -> dict[str, str]:
    """
    Return DevEUI → AppKey (hex, lower case) of at least every device of the city.

    Devices in the box are included: they have left the factory with a key. Missing
    keys are drawn from the system's random source and written before this returns.
    """
    keys = read_keys(path) if path.exists() else {}
    missing = [
        str(device.dev_eui)
        for device in city.devices
        if str(device.dev_eui) not in keys
    ]
    if missing:
        keys |= {dev_eui: secrets.token_hex(KEY_BYTES) for dev_eui in missing}
        write_keys(path, keys)
    return keys


def read_keys(path: Path) -> dict[str, str]:
    """Read a key file; raises `BadKeys` with every fault and never quotes a key."""
    try:
        return parse_keys(path.read_text("utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise BadKeys([f"{path} cannot be read: {error}"]) from error


def parse_keys(text: str, name: str = "keys.csv") -> dict[str, str]:
    """Read the text of a key file."""
    keys: dict[str, str] = {}
    faults: list[str] = []
    try:
        rows = list(csv.reader(StringIO(text.removeprefix("\ufeff")), strict=True))
    except csv.Error as error:
        raise BadKeys([f"{name} is not CSV: {error}"]) from error
    if not rows or tuple(rows[0]) != HEADER:
        raise BadKeys([f"{name} begins with the line {','.join(HEADER)}"])
    for line, row in enumerate(rows[1:], start=2):
        fault = _take(row, keys)
        if fault:
            faults.append(f"{name}:{line}: {fault}")
    if faults:
        raise BadKeys(faults)
    return keys


def _take(row: list[str], keys: dict[str, str]) -> str:
    if not row:
        return ""
    if len(row) != len(HEADER):
        return f"has {len(row)} cells, a row has {len(HEADER)}"
    try:
        dev_eui = str(EUI64.parse(row[0]))
    except Malformed as fault:
        return f"dev_eui: {fault}"
    key = parse_key(row[1])
    if key is None:
        return "app_key is not 32 hexadecimal digits"
    if dev_eui in keys:
        return f"dev_eui {dev_eui} stands twice"
    keys[dev_eui] = key
    return ""


def parse_key(text: str) -> str | None:
    """Return an AES key as 32 lower-case hex digits, or nothing if it is none."""
    cleaned = text.strip().lower().replace(":", "").replace("-", "").replace(" ", "")
    if len(cleaned) != 2 * KEY_BYTES or not set(cleaned) <= set("0123456789abcdef"):
        return None
    return cleaned


def write_keys(path: Path, keys: Mapping[str, str]) -> None:
    """Replace the key file in one step; nobody else may read it at any moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    lines = [",".join(HEADER), *(f"{eui},{key}" for eui, key in keys.items())]
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
