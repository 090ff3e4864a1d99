"""
ChirpStack's JSON, byte for byte where it is deterministic (contract §3.2).

``gw.*`` and ``common.*`` messages omit their defaults; the ``integration.*``
documents around them are written key by key in ``core.documents``.
"""

import base64
import math
import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any

import orjson
from chirpstack_api import common, gw

NANO = 1_000_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_S = -62_135_596_800
_LAST_S = 253_402_300_799

Renderer = Callable[[Any], Any]


def verbatim(json: bytes) -> Any:
    """Return what ``dump`` writes as it is: JSON that was rendered before."""
    return orjson.Fragment(json)


def dump(document: Mapping[str, Any]) -> bytes:
    """Return the document as compact JSON in the order of its keys."""
    # What orjson returns holds its whole buffer, 4 kB or more; events are kept.
    return bytes(memoryview(orjson.dumps(document)))


def nanoseconds(now: float) -> int:
    """Return an instant in Unix seconds as whole nanoseconds, µs exact."""
    return round(now * 1_000_000) * 1000


@lru_cache(maxsize=4096)
def timestamp_text(instant_ns: int) -> str:
    """Return RFC 3339 with a numeric offset and 0, 3, 6 or 9 fraction digits."""
    seconds, nanos = divmod(instant_ns, NANO)
    return f"{_whole_seconds(seconds)}{_fraction(nanos)}+00:00"


def duration_text(seconds: int, nanos: int) -> str:
    """Return a duration such as ``1s`` or ``0.500s``."""
    sign = "-" if seconds < 0 or nanos < 0 else ""
    return f"{sign}{abs(seconds)}{_fraction(abs(nanos))}s"


def single(value: float) -> float:
    """Return the float32 nearest to ``value``, as a Python float."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def float32(value: float) -> float:
    """Return the double whose text is the shortest that round-trips as a float32."""
    return _shortest(value) if value and math.isfinite(value) else value


@lru_cache(maxsize=4096)
def _shortest(value: float) -> float:
    wanted = struct.pack("<f", value)
    for digits in range(1, 9):
        candidate = float(f"{value:.{digits}g}")
        if _packs_to(candidate, wanted):
            return candidate
    return float(f"{value:.9g}")


def base64_text(data: bytes) -> str:
    """Return standard, padded base64."""
    return base64.b64encode(data).decode("ascii")


def render_message(message: Any) -> dict[str, Any]:
    """Return a ``gw.*`` or ``common.*`` message as a document without defaults."""
    document: dict[str, Any] = {}
    for name, attribute, has_presence, render in _plan(message.DESCRIPTOR):
        if has_presence:
            if message.HasField(attribute):
                document[name] = render(getattr(message, attribute))
        elif value := getattr(message, attribute):
            document[name] = render(value)
    return document


def render_rx_head(rx: gw.UplinkRxInfo, ns_time: str) -> dict[str, Any]:
    """Return the keys before ``location``, with the server's own ``nsTime``."""
    document: dict[str, Any] = {}
    if rx.gateway_id:
        document["gatewayId"] = rx.gateway_id
    if rx.uplink_id:
        document["uplinkId"] = rx.uplink_id
    if rx.HasField("gw_time"):
        document["gwTime"] = _timestamp(rx.gw_time)
    document["nsTime"] = ns_time
    if rx.HasField("time_since_gps_epoch"):
        document["timeSinceGpsEpoch"] = _duration(rx.time_since_gps_epoch)
    if rx.HasField("fine_time_since_gps_epoch"):
        document["fineTimeSinceGpsEpoch"] = _duration(rx.fine_time_since_gps_epoch)
    if rx.rssi:
        document["rssi"] = rx.rssi
    if rx.snr:
        document["snr"] = float32(rx.snr)
    if rx.channel:
        document["channel"] = rx.channel
    if rx.rf_chain:
        document["rfChain"] = rx.rf_chain
    if rx.board:
        document["board"] = rx.board
    if rx.antenna:
        document["antenna"] = rx.antenna
    return document


def render_rx_tail(rx: gw.UplinkRxInfo) -> dict[str, Any]:
    """Return the keys after ``location``."""
    document: dict[str, Any] = {}
    if rx.context:
        document["context"] = base64_text(rx.context)
    if rx.metadata:
        document["metadata"] = dict(rx.metadata)
    if rx.crc_status:
        document["crcStatus"] = _CRC_STATUS.get(rx.crc_status, rx.crc_status)
    return document


@lru_cache(maxsize=4096)
def location_json(location: bytes) -> bytes:
    """Return the JSON of a serialised ``common.Location``."""
    return dump(render_message(common.Location.FromString(location)))


def _timestamp(stamp: Any) -> str:
    return timestamp_text(stamp.seconds * NANO + stamp.nanos)


def _duration(span: Any) -> str:
    return duration_text(span.seconds, span.nanos)


_CRC_STATUS = {value: name for name, value in gw.CRCStatus.items()}


@cache
def _plan(descriptor: Any) -> tuple[tuple[str, str, bool, Renderer], ...]:
    # DESCRIPTOR.fields is in declaration order, which is the order of the keys.
    return tuple(
        (field.json_name, field.name, field.has_presence, _renderer(field))
        for field in descriptor.fields
    )


def _renderer(field: Any) -> Renderer:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        value = field.message_type.fields_by_name["value"]
        item = _single(value)
        return lambda mapping: {str(key): item(entry) for key, entry in mapping.items()}
    render = _single(field)
    if field.is_repeated:
        return lambda values: [render(value) for value in values]
    return render


def _single(field: Any) -> Renderer:
    if field.message_type is not None:
        return _MESSAGES.get(field.message_type.full_name, render_message)
    if field.enum_type is not None:
        return _enum(field.enum_type)
    return _SCALARS.get(field.cpp_type, _same)


def _enum(enum_type: Any) -> Renderer:
    names = {value.number: value.name for value in enum_type.values}
    return lambda number: names.get(number, number)


def _same(value: Any) -> Any:
    return value


def _bytes_or_text(value: bytes | str) -> str:
    return value if isinstance(value, str) else base64_text(value)


_MESSAGES: dict[str, Renderer] = {
    "google.protobuf.Timestamp": _timestamp,
    "google.protobuf.Duration": _duration,
}
# Descriptor.CPPTYPE_*: 2 and 4 are 64-bit (texts), 6 is float, 9 is string or bytes.
_SCALARS: dict[int, Renderer] = {2: str, 4: str, 6: float32, 9: _bytes_or_text}


def _packs_to(candidate: float, wanted: bytes) -> bool:
    try:
        return struct.pack("<f", candidate) == wanted
    except OverflowError:  # the rounded text lies beyond the largest float32
        return False


@lru_cache(maxsize=64)
def _whole_seconds(seconds: int) -> str:
    # A gateway may claim any year; protobuf's own range is 1 to 9999.
    instant = _EPOCH + timedelta(seconds=min(max(seconds, _FIRST_S), _LAST_S))
    return instant.strftime("%Y-%m-%dT%H:%M:%S").zfill(19)


def _fraction(nanos: int) -> str:
    if nanos == 0:
        return ""
    if nanos % 1_000_000 == 0:
        return f".{nanos // 1_000_000:03}"
    if nanos % 1000 == 0:
        return f".{nanos // 1000:06}"
    return f".{nanos:09}"
