"""
Cayenne LPP as the real server reads and writes it (contract §4.3).

An object is ``{type: {channel: value}}``; values of several numbers are objects.
Arithmetic is the real server's: division after decoding, truncation towards zero and
saturation before encoding, so 2.55 V becomes 254 hundredths.
"""

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_DECODE = "CayenneLpp decode: Decode Cayenne LPP payload"
_ENCODE = "CayenneLpp encode: Encode Cayenne LPP payload"
_HEADER_SIZE = 2
_CHANNEL = re.compile(r"\+?[0-9]+")
_CHANNEL_MAX = 255


class CayenneError(Exception):
    """A payload or an object that is no Cayenne LPP, in the real server's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One big-endian number of ``size`` octets, in ``1 / scale`` units."""

    size: int
    scale: int = 1
    signed: bool = False

    def read(self, octets: bytes) -> float:
        """Return the value."""
        return int.from_bytes(octets, signed=self.signed) / self.scale

    def write(self, value: float) -> bytes:
        """Return the octets of a value: truncated, saturated."""
        scaled = value * self.scale
        whole = 0 if scaled != scaled else _truncated(scaled)  # noqa: PLR0124 - NaN alone differs from itself
        if self.size == _WORD:
            return struct.pack(">i", _within(whole, 32, signed=True))[1:]
        whole = _within(whole, 8 * self.size, signed=self.signed)
        return whole.to_bytes(self.size, signed=self.signed)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataType:
    """A type id, its key in objects and its numbers; unnamed if there is one."""

    id: int
    key: str
    numbers: tuple[Number, ...]
    names: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many octets a value has."""
        return sum(number.size for number in self.numbers)


_WORD = 3  # GPS positions: the low 24 bits of a saturated 32-bit number
_FLAG, _U16, _U32 = Number(size=1), Number(size=2), Number(size=4)
_XYZ = ("x", "y", "z")


def _scaled(size: int, scale: int, *, signed: bool = False) -> tuple[Number]:
    return (Number(size=size, scale=scale, signed=signed),)


TYPES = (
    DataType(id=0, key="digitalInput", numbers=(_FLAG,)),
    DataType(id=1, key="digitalOutput", numbers=(_FLAG,)),
    DataType(id=2, key="analogInput", numbers=_scaled(2, 100, signed=True)),
    DataType(id=3, key="analogOutput", numbers=_scaled(2, 100, signed=True)),
    DataType(id=100, key="genericSensor", numbers=(_U32,)),
    DataType(id=101, key="illuminanceSensor", numbers=(_U16,)),
    DataType(id=102, key="presenceSensor", numbers=(_FLAG,)),
    DataType(id=103, key="temperatureSensor", numbers=_scaled(2, 10, signed=True)),
    DataType(id=104, key="humiditySensor", numbers=_scaled(1, 2)),
    DataType(
        id=113,
        key="accelerometer",
        numbers=_scaled(2, 1000, signed=True) * 3,
        names=_XYZ,
    ),
    DataType(id=115, key="barometer", numbers=_scaled(2, 10)),
    DataType(id=116, key="voltage", numbers=_scaled(2, 100)),
    DataType(id=117, key="current", numbers=_scaled(2, 1000)),
    DataType(id=118, key="frequency", numbers=(_U32,)),
    DataType(id=120, key="percentage", numbers=(_FLAG,)),
    DataType(id=121, key="altitude", numbers=_scaled(2, 1, signed=True)),
    DataType(id=125, key="concentration", numbers=(_U16,)),
    DataType(id=128, key="power", numbers=(_U16,)),
    DataType(id=130, key="distance", numbers=_scaled(4, 1000)),
    DataType(id=131, key="energy", numbers=_scaled(4, 1000)),
    DataType(id=132, key="direction", numbers=(_U16,)),
    DataType(id=133, key="unix_time", numbers=(_U32,)),
    DataType(
        id=134, key="gyrometer", numbers=_scaled(2, 100, signed=True) * 3, names=_XYZ
    ),
    DataType(id=135, key="color", numbers=(_FLAG,) * 3, names=("r", "g", "b")),
    DataType(
        id=136,
        key="gpsLocation",
        numbers=(
            *_scaled(_WORD, 10_000, signed=True) * 2,
            *_scaled(_WORD, 100, signed=True),
        ),
        names=("latitude", "longitude", "altitude"),
    ),
    DataType(id=142, key="switch", numbers=(_FLAG,)),
)
_BY_ID = {kind.id: kind for kind in TYPES}
_BY_KEY = {kind.key: kind for kind in TYPES}


def decode(octets: bytes) -> dict[str, Any]:
    """Return the object of a payload; ``CayenneError`` if it is none."""
    found: dict[int, dict[int, Any]] = {}
    at = 0
    while at + _HEADER_SIZE <= len(octets):
        channel, id_ = octets[at], octets[at + 1]
        kind = _BY_ID.get(id_)
        if kind is None:
            raise CayenneError(f"{_DECODE}: Invalid data type: {id_}")
        at += _HEADER_SIZE
        value = octets[at : at + kind.size]
        if len(value) < kind.size:
            raise CayenneError(f"{_DECODE}: failed to fill whole buffer")
        found.setdefault(id_, {})[channel] = _value(kind, value)
        at += kind.size
    return {
        kind.key: {str(channel): value for channel, value in sorted(values.items())}
        for kind in TYPES
        if (values := found.get(kind.id))
    }


def encode(document: Mapping[str, Any]) -> bytes:
    """Return the payload of an object; ``CayenneError`` if it cannot be one."""
    values = {key: _channels(key, document[key]) for key in sorted(document)}
    return b"".join(
        bytes((channel, kind.id)) + octets
        for kind in TYPES
        for channel, octets in sorted(values.get(kind.key, {}).items())
    )


def _value(kind: DataType, octets: bytes) -> Any:
    numbers: list[float] = []
    for number in kind.numbers:
        numbers.append(number.read(octets[: number.size]))
        octets = octets[number.size :]
    return dict(zip(kind.names, numbers, strict=True)) if kind.names else numbers[0]


def _channels(key: str, values: Any) -> dict[int, bytes]:
    kind = _BY_KEY.get(key)
    if kind is None:
        raise CayenneError(f"{_ENCODE}: Unexpected key '{key}' in payload")
    if not isinstance(values, Mapping):
        return {}
    found = {}
    for text in sorted(values):
        channel = _channel(key, text)
        octets = _octets(kind, values[text])
        if octets is not None:
            found[channel] = octets
    return found


def _channel(key: str, text: str) -> int:
    if not text:
        raise CayenneError(f"{_ENCODE}: {key}: cannot parse integer from empty string")
    if not _CHANNEL.fullmatch(text):
        raise CayenneError(f"{_ENCODE}: {key}: invalid digit found in string")
    if int(text) > _CHANNEL_MAX:
        raise CayenneError(f"{_ENCODE}: {key}: number too large to fit in target type")
    return int(text)


def _octets(kind: DataType, value: Any) -> bytes | None:
    if not kind.names:
        return kind.numbers[0].write(value) if _is_number(value) else None
    parts: Mapping[str, Any] = dict.fromkeys(kind.names, 0.0)
    if isinstance(value, Mapping):
        parts = value
    for name in kind.names:
        if name not in parts:
            raise CayenneError(f"{_ENCODE}: {kind.key}: {name} field is missing")
    return b"".join(
        number.write(_number_or_zero(parts[name]))
        for name, number in zip(kind.names, kind.numbers, strict=True)
    )


def _number_or_zero(value: Any) -> float:
    return float(value) if _is_number(value) else 0.0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _truncated(value: float) -> int:
    limit = float(2**40)  # an infinity has no whole part
    return int(max(-limit, min(limit, value)))


def _within(value: int, bits: int, *, signed: bool) -> int:
    low, high = (
        (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    )
    return max(low, min(high, value))
