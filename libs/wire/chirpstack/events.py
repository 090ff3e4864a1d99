"""
The events of ChirpStack's integration: each field is read when it is asked for.

The kind comes from the topic: documents do not name it. A field that is missing or
of the wrong type raises Malformed when it is read; `check` reads all of them at once,
for whoever stands at the door.
"""

import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final, NamedTuple, Self

from wire.chirpstack import documents as doc
from wire.chirpstack.instants import instant_of, is_newer, mark_of, ns_of
from wire.chirpstack.topics import DeviceTopic
from wire.errors import Malformed
from wire.lazily import UNREADABLE, lazy

UNKNOWN: Final = "unknown"
"""Device type of a device whose profile carries no `device_type` tag."""

_DEV_ADDR: Final = re.compile(r"[0-9a-f]{8}\Z")
_NOTHING: Final[Mapping[str, Any]] = {}
_COMMON: Final = ("dev_eui", "device_name", "device_type", "application_id", "time")

__all__ = [
    "UNKNOWN",
    "Acked",
    "Event",
    "Heard",
    "Joined",
    "Logged",
    "Status",
    "TxAcked",
    "Uplink",
    "event_of",
    "parse_event",
]


class Event:
    """
    One thing that happened to a device; it never changes.

    `document` is ChirpStack's whole JSON event, for whatever the fields here do not
    carry. `arrived_ns` (Unix ns) stands in where the server wrote no time of its own.
    A kind without a class of its own is just this.
    """

    FIELDS: ClassVar[tuple[str, ...]] = _COMMON

    id: str
    kind: str
    document: Mapping[str, Any]
    arrived_ns: int

    def __init__(self, kind: str, document: Any, *, id: str, arrived_ns: int) -> None:  # noqa: A002 - it is the event's id
        found = self.__dict__
        found["kind"], found["document"] = kind, document
        found["id"], found["arrived_ns"] = id, arrived_ns

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"an event does not change; asked to set {name}")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.kind} {self.id}>"

    def check(self) -> Self:
        """Read every field; Malformed says what is missing or of the wrong type."""
        for name in self.FIELDS:
            getattr(self, name)
        return self

    def refusal(self, error: Exception) -> Malformed:
        """Say what is wrong with the document."""
        found = f"no {error}" if isinstance(error, KeyError) else str(error)
        return Malformed(f"asked for a ChirpStack {self.kind!r} event; found {found}")

    @lazy
    def info(self) -> Mapping[str, Any]:
        """What the server knows of the device: `deviceInfo`."""
        found: Mapping[str, Any] = self.document["deviceInfo"]
        return found

    @lazy
    def tags(self) -> Mapping[str, str]:
        """The tags of the device and its profile."""
        return _mapping(self.info.get("tags") or _NOTHING)

    @lazy
    def dev_eui(self) -> str:
        """The device, in small letters."""
        return _text(self.info, "devEui").lower()

    @lazy
    def device_name(self) -> str:
        """The name the device has in ChirpStack."""
        return _text(self.info, "deviceName")

    @lazy
    def device_type(self) -> str:
        """The tag `device_type`, or `unknown`."""
        return _type(self.tags)

    @lazy
    def application_id(self) -> str:
        """The application the device belongs to."""
        return _text(self.info, "applicationId")

    @lazy
    def time(self) -> datetime:
        """When the network server heard of it."""
        return instant_of(self.arrived_ns)


class Heard(NamedTuple):
    """One gateway's reception of an uplink."""

    gateway_id: str
    rssi_dbm: int
    snr_db: float


class Uplink(Event):
    """
    A decoded uplink.

    `data` is what the device type's codec made of `payload`, empty when it made
    nothing; `message` is the codec's name for the kind of message.
    `mark` is this uplink's place in the life of the device: keep it, and ask
    `newer_than(mark)` later, because events may arrive out of order.
    """

    def check(self) -> Self:
        """Read every field, in one pass: this is the door that every uplink passes."""
        try:
            self.__dict__.update(_whole(self.document, self.arrived_ns))
        except UNREADABLE as error:
            raise self.refusal(error) from error
        return self

    def newer_than(self, mark: str | None) -> bool:
        """Tell whether this uplink is later in the device's life than that mark."""
        return is_newer(self.mark, mark)

    @lazy
    def data(self) -> Mapping[str, Any]:
        """What the codec made of the payload."""
        return _mapping(self.document.get("object") or _NOTHING)

    @lazy
    def message(self) -> str:
        """The codec's name for the kind of message, empty when it has none."""
        return str(self.data.get("message", ""))

    @lazy
    def payload(self) -> bytes:
        """The octets the device sent."""
        return b64decode(self.document.get("data") or "", validate=True)

    @lazy
    def f_port(self) -> int:
        """Port of the frame."""
        return int(self.document["fPort"])

    @lazy
    def f_cnt(self) -> int:
        """Counter of the frame, 32 bits."""
        return _counter(self.document)

    @lazy
    def dr(self) -> int:
        """Data rate."""
        return int(self.document["dr"])

    @lazy
    def dev_addr(self) -> str:
        """Address of the session, 8 hexadecimal digits in small letters."""
        return _address(self.document)

    @lazy
    def confirmed(self) -> bool:
        """Whether the device asked for an acknowledgement."""
        return bool(self.document.get("confirmed"))

    @lazy
    def heard_by(self) -> tuple[Heard, ...]:
        """Every gateway's reception, in the server's arbitrary order."""
        return tuple(map(_heard, self.document.get("rxInfo") or ()))

    @lazy
    def heard_ns(self) -> int:
        """When the network server heard it (Unix ns): its earliest `nsTime`."""
        return _heard_ns(self.document.get("rxInfo") or (), self.arrived_ns)

    @lazy
    def time(self) -> datetime:
        """When the network server heard it, never a gateway's clock."""
        return instant_of(self.heard_ns)

    @lazy
    def mark(self) -> str:
        """Its place in the life of the device: session, counter, server's clock."""
        return mark_of(self.dev_addr, self.f_cnt, self.heard_ns)


class Joined(Event):
    """The device joined and has this address from now on."""

    FIELDS: ClassVar[tuple[str, ...]] = (*_COMMON, "dev_addr")

    @lazy
    def dev_addr(self) -> str:
        """Address of the new session."""
        return _address(self.document)


class TxAcked(Event):
    """A gateway sent a downlink; `command_id` is the id the command was given."""

    FIELDS: ClassVar[tuple[str, ...]] = (*_COMMON, "command_id", "f_cnt_down")

    @lazy
    def command_id(self) -> str:
        """Id of the item in the device's queue, empty when it had none."""
        return str(self.document.get("queueItemId", ""))

    @lazy
    def gateway_id(self) -> str:
        """The gateway that sent it."""
        return str(self.document.get("gatewayId", ""))

    @lazy
    def f_cnt_down(self) -> int:
        """Counter of the downlink."""
        return int(self.document.get("fCntDown", 0))


class Acked(TxAcked):
    """The device answered a confirmed downlink, or (not `acknowledged`) did not."""

    @lazy
    def acknowledged(self) -> bool:
        """Whether it did."""
        return bool(self.document.get("acknowledged"))


class Status(Event):
    """The device's answer to DevStatusReq; battery is None on mains or unknown."""

    FIELDS: ClassVar[tuple[str, ...]] = (*_COMMON, "margin_db", "battery_percent")

    @lazy
    def margin_db(self) -> int:
        """Demodulation margin of the last DevStatusReq."""
        return int(self.document["margin"])

    @lazy
    def external_power(self) -> bool:
        """Whether it runs on mains."""
        return bool(self.document.get("externalPowerSource"))

    @lazy
    def battery_percent(self) -> float | None:
        """State of its battery."""
        unavailable = bool(self.document.get("batteryLevelUnavailable"))
        if self.external_power or unavailable:
            return None
        return float(self.document.get("batteryLevel", 0.0))


class Logged(Event):
    """The network server has something to say about the device."""

    FIELDS: ClassVar[tuple[str, ...]] = (*_COMMON, "context")

    @lazy
    def level(self) -> str:
        """INFO, WARNING or ERROR."""
        return str(self.document.get("level", ""))

    @lazy
    def code(self) -> str:
        """What kind of trouble it is."""
        return str(self.document.get("code", ""))

    @lazy
    def description(self) -> str:
        """The server's sentence."""
        return str(self.document.get("description", ""))

    @lazy
    def context(self) -> Mapping[str, str]:
        """Names and values that belong to it."""
        return _mapping(self.document.get("context") or _NOTHING)


_CLASSES: Final[Mapping[str, type[Event]]] = {
    "up": Uplink,
    "join": Joined,
    "txack": TxAcked,
    "ack": Acked,
    "status": Status,
    "log": Logged,
}


def event_of(kind: str, document: Any, *, id: str = "", arrived_ns: int = 0) -> Event:  # noqa: A002 - it is the event's id
    """Return the event of a decoded document; nothing of it is read yet."""
    return _CLASSES.get(kind, Event)(kind, document, id=id, arrived_ns=arrived_ns)


def parse_event(topic: str, payload: bytes, *, arrived_ns: int = 0) -> Event:
    """Read what came on a topic; Malformed for another topic or no JSON object."""
    where = DeviceTopic.parse(topic)
    if where.channel != "event":
        raise Malformed(f"{topic!r} carries commands, not events")
    return event_of(where.kind, doc.read_object(payload), arrived_ns=arrived_ns)


def _whole(document: Mapping[str, Any], arrived_ns: int) -> dict[str, Any]:
    """Return every field of an uplink, as they are read one by one."""
    info = document["deviceInfo"]
    tags = _mapping(info.get("tags") or _NOTHING)
    data = _mapping(document.get("object") or _NOTHING)
    receptions = document.get("rxInfo") or ()
    dev_addr, f_cnt = _address(document), _counter(document)
    heard_ns = _heard_ns(receptions, arrived_ns)
    return {
        "info": info,
        "tags": tags,
        "dev_eui": _text(info, "devEui").lower(),
        "device_name": _text(info, "deviceName"),
        "device_type": _type(tags),
        "application_id": _text(info, "applicationId"),
        "data": data,
        "message": str(data.get("message", "")),
        "payload": b64decode(document.get("data") or "", validate=True),
        "f_port": int(document["fPort"]),
        "f_cnt": f_cnt,
        "dr": int(document["dr"]),
        "dev_addr": dev_addr,
        "confirmed": bool(document.get("confirmed")),
        "heard_by": tuple([_heard(rx) for rx in receptions]),
        "heard_ns": heard_ns,
        "time": instant_of(heard_ns),
        "mark": mark_of(dev_addr, f_cnt, heard_ns),
    }


def _heard_ns(receptions: Sequence[Mapping[str, Any]], arrived_ns: int) -> int:
    times = [ns_of(rx["nsTime"]) for rx in receptions if "nsTime" in rx]
    return min(times) if times else arrived_ns


def _type(tags: Mapping[str, Any]) -> str:
    found = tags.get("device_type")
    return found if isinstance(found, str) and found else UNKNOWN


def _counter(document: Mapping[str, Any]) -> int:
    value = int(document["fCnt"])
    if not 0 <= value < 1 << 32:
        raise ValueError(f"fCnt = {value}, not a 32-bit counter")
    return value


def _heard(rx: Mapping[str, Any]) -> Heard:
    # Inside rxInfo the server leaves out every value that is 0.
    return Heard(
        rx.get("gatewayId", ""), int(rx.get("rssi", 0)), float(rx.get("snr", 0.0))
    )


def _address(document: Mapping[str, Any]) -> str:
    value = _text(document, "devAddr").lower()
    if not _DEV_ADDR.match(value):
        raise ValueError(f"devAddr = {value!r}, not 8 hexadecimal digits")
    return value


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} = {value!r}, not a text")
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} where an object belongs")
    return value
