"""
The text of a device's QR code: LoRa Alliance TR005, schema D0.

``LW:D0:<JoinEUI>:<DevEUI>:<ProfileID>[:O…][:S…][:P…][:C…]``, upper case. The
checksum covers everything before its colon with CRC-16/MODBUS; that is what makes
the recommendation's own example end in ``CAF2C``.
"""

import re
from dataclasses import dataclass
from typing import Self

from wire.errors import Illegal, Malformed
from wire.eui64 import EUI64

_HEAD = ("LW", "D0")
_FIXED = 5
_PROFILE = re.compile(r"[0-9A-F]{8}")
_HEX4 = re.compile(r"[0-9A-F]{4}")
# QR alphanumeric mode, without the colon that separates fields.
_TEXT = re.compile(r"[0-9A-Z $%*+\-./]*")
_OPTIONS = "OSPC"
_NAMES = {"O": "owner token", "S": "serial number", "P": "proprietary field"}


def crc16_modbus(data: bytes) -> int:
    """CRC-16/MODBUS: polynomial 8005 reflected, initially FFFF."""
    crc = 0xFFFF
    for octet in data:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 * (crc & 1)
    return crc


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLabel:
    """What a label says; ``vendor_id`` and ``vendor_profile_id`` are ProfileID."""

    join_eui: EUI64
    dev_eui: EUI64
    vendor_id: int
    vendor_profile_id: int
    owner_token: str = ""
    serial_number: str = ""
    proprietary: str = ""
    checked: bool = False
    """Whether the label carried a checksum, which then was right."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a QR code, either case; Malformed says what is wrong."""
        text = text.strip().upper()
        fields = text.split(":")
        if tuple(fields[:2]) != _HEAD:
            raise Malformed(f"a device label begins with LW:D0:, this is {text[:20]!r}")
        if len(fields) < _FIXED:
            raise Malformed(
                "a device label has JoinEUI, DevEUI and ProfileID, this one has"
                f" {len(fields) - 2} of the 3 fields"
            )
        join_eui, dev_eui, profile = fields[2:_FIXED]
        if not _PROFILE.fullmatch(profile):
            raise Malformed(f"ProfileID is 8 hexadecimal digits, not {profile!r}")
        options = _options(fields[_FIXED:])
        _check(text, options)
        return cls(
            join_eui=EUI64.parse(join_eui),
            dev_eui=EUI64.parse(dev_eui),
            vendor_id=int(profile[:4], 16),
            vendor_profile_id=int(profile[4:], 16),
            owner_token=options.get("O", ""),
            serial_number=options.get("S", ""),
            proprietary=options.get("P", ""),
            checked="C" in options,
        )

    def text(self, *, checksum: bool = True) -> str:
        """Return the text for the QR code, or raise Illegal."""
        parts = [*_HEAD, str(self.join_eui).upper(), str(self.dev_eui).upper()]
        parts.append(self._profile_id())
        options = (self.owner_token, self.serial_number, self.proprietary)
        for letter, value in zip(_OPTIONS, options, strict=False):
            if not _TEXT.fullmatch(value):
                raise Illegal(f"{_NAMES[letter]} {value!r} cannot stand in a QR label")
            if value:
                parts.append(letter + value)
        body = ":".join(parts)
        return f"{body}:C{crc16_modbus(body.encode()):04X}" if checksum else body

    def _profile_id(self) -> str:
        for half in (self.vendor_id, self.vendor_profile_id):
            if not 0 <= half < 1 << 16:
                raise Illegal(f"each half of ProfileID has 16 bits, {half} has not")
        return f"{self.vendor_id:04X}{self.vendor_profile_id:04X}"


def _options(fields: list[str]) -> dict[str, str]:
    options: dict[str, str] = {}
    for field in fields:
        letter, value = field[:1], field[1:]
        if letter not in _OPTIONS or not letter:
            raise Malformed(f"field {field!r} does not begin with O, S, P or C")
        if letter in options:
            raise Malformed(f"field {letter} stands twice")
        if not _TEXT.fullmatch(value):
            raise Malformed(f"field {field!r} has characters a QR label cannot have")
        options[letter] = value
    return options


def _check(text: str, options: dict[str, str]) -> None:
    if "C" not in options:
        return
    body, _, found = text.rpartition(":C")
    if not _HEX4.fullmatch(found):
        raise Malformed(f"the checksum is last and 4 hexadecimal digits, not {found!r}")
    expected = f"{crc16_modbus(body.encode()):04X}"
    if found != expected:
        raise Malformed(
            f"the checksum is {found} but the fields make {expected}:"
            " a character was misread"
        )
