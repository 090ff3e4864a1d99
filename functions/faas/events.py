"""What happened to a device, as the handlers see it."""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from faas.errors import NotAnEvent

UNKNOWN: Final = "unknown"
"""Device type of a device whose profile carries no `device_type` tag."""

RESET_AFTER_NS: Final = 60 * 10**9
"""
A lower counter of the same address is news when the server heard it this much later.

ChirpStack publishes without order, but seconds apart, never minutes; a counter
that falls after a minute is a device that was reset.
"""

_DEV_ADDR: Final = re.compile(r"[0-9a-f]{8}\Z")
_INSTANT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)\Z",
    re.ASCII,
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING: Final[Mapping[str, Any]] = {}

__all__ = [
    "UNKNOWN",
    "Acked",
    "Event",
    "Heard",
    "Joined",
    "Logged",
    "Status",
    "Tick",
    "TxAcked",
    "Uplink",
    "is_newer",
    "mark_of",
    "ns_of",
    "parse_event",
    "tick",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """
    One thing that happened to a device.

    `time` is when the network server heard of it. `document` is ChirpStack's
    whole JSON event, for whatever the fields here do not carry.
    """

    id: str
    kind: str
    time: datetime
    dev_eui: str
    device_name: str
    device_type: str
    application_id: str
    tags: Mapping[str, str]
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One gateway's reception of an uplink."""

    gateway_id: str
    rssi_dbm: int
    snr_db: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplink(Event):
    """
    A decoded uplink.

    `data` is what the device type's codec made of `payload`, empty when it made
    nothing; `message` is the codec's name for the kind of message.
    `mark` is this uplink's place in the life of the device: keep it, and ask
    `newer_than(mark)` later, because events may arrive out of order.
    """

    data: Mapping[str, Any]
    message: str
    payload: bytes
    f_port: int
    f_cnt: int
    dr: int
    dev_addr: str
    confirmed: bool
    heard_by: tuple[Heard, ...]
    mark: str

    def newer_than(self, mark: str | None) -> bool:
        """Tell whether this uplink is later in the device's life than that mark."""
        return is_newer(self.mark, mark)


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined(Event):
    """The device joined and has this address from now on."""

    dev_addr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TxAcked(Event):
    """A gateway sent a downlink; `command_id` is the id the command was given."""

    command_id: str
    gateway_id: str
    f_cnt_down: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Acked(Event):
    """The device answered a confirmed downlink, or (not `acknowledged`) did not."""

    command_id: str
    acknowledged: bool
    f_cnt_down: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Event):
    """The device's answer to DevStatusReq; battery is None on mains or unknown."""

    margin_db: int
    battery_percent: float | None
    external_power: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged(Event):
    """The network server has something to say about the device."""

    level: str
    code: str
    description: str
    context: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick(Event):
    """It is time for `function`; `time` is the planned instant, not the clock's."""

    function: str


def tick(function: str, instant_ms: int) -> Tick:
    """Return the tick of a scheduled function at that instant (Unix ms)."""
    return Tick(
        id=f"{function}-{instant_ms}",
        kind="tick",
        time=_instant(instant_ms * 10**6),
        dev_eui="",
        device_name="",
        device_type=UNKNOWN,
        application_id="",
        tags=_NOTHING,
        document=_NOTHING,
        function=function,
    )


def ns_of(text: str) -> int:
    """Unix nanoseconds of an RFC 3339 instant (`Z` or offset, 0 to 9 digits)."""
    found = _INSTANT.match(text)
    if found is None:
        raise ValueError(f"{text!r} is no instant of RFC 3339")
    whole, digits, offset = found.groups()
    return _seconds(whole + offset) * 10**9 + int((digits or "0").ljust(9, "0"))


@lru_cache(maxsize=1024)  # at any rate, many events share a second
def _seconds(text: str) -> int:
    since = datetime.fromisoformat(text) - _EPOCH
    if since.days < 0:
        raise ValueError(f"{text!r} is before 1970")
    return since.days * 86_400 + since.seconds


def mark_of(dev_addr: str, f_cnt: int, heard_ns: int) -> str:
    """Write down a place in a device's life: session, counter, server's clock."""
    return f"{dev_addr}:{f_cnt}:{heard_ns:019d}"


def is_newer(mark: str, than: str | None) -> bool:
    """
    Tell whether one mark is later than another; anything is later than none.

    Within a session (one DevAddr) the frame counter decides, between sessions
    the server's clock. Gateways' clocks are never compared.
    """
    if not than:
        return True
    dev_addr, f_cnt, heard_ns = mark.split(":")
    old_addr, old_f_cnt, old_heard_ns = than.split(":")
    if dev_addr != old_addr:
        return heard_ns > old_heard_ns
    later_ns = int(heard_ns) - int(old_heard_ns)
    return int(f_cnt) > int(old_f_cnt) or later_ns > RESET_AFTER_NS


def parse_event(kind: str, document: Any, *, event_id: str, arrived_ns: int) -> Event:
    """
    Read ChirpStack's JSON event of that kind.

    `arrived_ns` (Unix ns) stands in where the server wrote no time of its own.
    `NotAnEvent` says what was missing or of the wrong type.
    """
    try:
        info = document["deviceInfo"]
        tags = info.get("tags") or _NOTHING
        common = {
            "id": event_id,
            "kind": kind,
            "dev_eui": _text(info, "devEui").lower(),
            "device_name": _text(info, "deviceName"),
            "device_type": _type_of(tags),
            "application_id": _text(info, "applicationId"),
            "tags": tags,
            "document": document,
        }
        return _READERS.get(kind, _other)(document, common, arrived_ns)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise NotAnEvent(
            f"asked for a ChirpStack {kind!r} event; found {_said(error)}"
        ) from error


def heard_ns_of(document: Mapping[str, Any], arrived_ns: int) -> int:
    """When the network server heard an uplink: its earliest `nsTime`."""
    times = [rx["nsTime"] for rx in document.get("rxInfo") or () if "nsTime" in rx]
    return min(map(ns_of, times), default=arrived_ns)


def _uplink(doc: Mapping[str, Any], common: dict[str, Any], arrived_ns: int) -> Event:
    heard_ns = heard_ns_of(doc, arrived_ns)
    data = _mapping(doc.get("object") or _NOTHING)
    dev_addr, f_cnt = _address(doc), _counter(doc)
    return Uplink(
        **common,
        time=_instant(heard_ns),
        data=data,
        message=str(data.get("message", "")),
        payload=base64.b64decode(doc.get("data") or "", validate=True),
        f_port=int(doc["fPort"]),
        f_cnt=f_cnt,
        dr=int(doc["dr"]),
        dev_addr=dev_addr,
        confirmed=bool(doc.get("confirmed")),
        heard_by=tuple(map(_heard, doc.get("rxInfo") or ())),
        mark=mark_of(dev_addr, f_cnt, heard_ns),
    )


def _heard(rx: Mapping[str, Any]) -> Heard:
    # Inside rxInfo the server leaves out every value that is 0.
    return Heard(
        gateway_id=rx.get("gatewayId", ""),
        rssi_dbm=int(rx.get("rssi", 0)),
        snr_db=float(rx.get("snr", 0.0)),
    )


def _joined(doc: Mapping[str, Any], common: dict[str, Any], arrived_ns: int) -> Event:
    return Joined(**common, time=_instant(arrived_ns), dev_addr=_address(doc))


def _tx_acked(doc: Mapping[str, Any], common: dict[str, Any], arrived_ns: int) -> Event:
    return TxAcked(
        **common,
        time=_instant(arrived_ns),
        command_id=doc.get("queueItemId", ""),
        gateway_id=doc.get("gatewayId", ""),
        f_cnt_down=int(doc.get("fCntDown", 0)),
    )


def _acked(doc: Mapping[str, Any], common: dict[str, Any], arrived_ns: int) -> Event:
    return Acked(
        **common,
        time=_instant(arrived_ns),
        command_id=doc.get("queueItemId", ""),
        acknowledged=bool(doc.get("acknowledged")),
        f_cnt_down=int(doc.get("fCntDown", 0)),
    )


def _status(doc: Mapping[str, Any], common: dict[str, Any], arrived_ns: int) -> Event:
    mains = bool(doc.get("externalPowerSource"))
    unknown = mains or bool(doc.get("batteryLevelUnavailable"))
    return Status(
        **common,
        time=_instant(arrived_ns),
        margin_db=int(doc["margin"]),
        battery_percent=None if unknown else float(doc.get("batteryLevel", 0.0)),
        external_power=mains,
    )


def _logged(doc: Mapping[str, Any], common: dict[str, Any], arrived_ns: int) -> Event:
    return Logged(
        **common,
        time=_instant(arrived_ns),
        level=doc.get("level", ""),
        code=doc.get("code", ""),
        description=doc.get("description", ""),
        context=_mapping(doc.get("context") or _NOTHING),
    )


def _other(_: Mapping[str, Any], common: dict[str, Any], arrived_ns: int) -> Event:
    return Event(**common, time=_instant(arrived_ns))


_Reader = Callable[[Mapping[str, Any], dict[str, Any], int], Event]

_READERS: Final[Mapping[str, _Reader]] = {
    "up": _uplink,
    "join": _joined,
    "txack": _tx_acked,
    "ack": _acked,
    "status": _status,
    "log": _logged,
}


def _type_of(tags: Mapping[str, Any]) -> str:
    found = tags.get("device_type")
    return found if isinstance(found, str) and found else UNKNOWN


def _address(document: Mapping[str, Any]) -> str:
    value = _text(document, "devAddr").lower()
    if not _DEV_ADDR.match(value):
        raise ValueError(f"devAddr = {value!r}, not 8 hexadecimal digits")
    return value


def _counter(document: Mapping[str, Any]) -> int:
    value = int(document["fCnt"])
    if not 0 <= value < 1 << 32:
        raise ValueError(f"fCnt = {value}, not a 32-bit counter")
    return value


def _instant(ns: int) -> datetime:
    return datetime.fromtimestamp(ns / 1e9, UTC)


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} = {value!r}, not a text")
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{value!r} where an object belongs")
    return value


def _said(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)
