"""
The events of ChirpStack's integration, read tolerantly from their documents.

The kind comes from the topic: documents do not name it. Fields that a kind lacks,
or that a future server renames, read as their defaults; only bytes that are no JSON
object are Malformed. Instants are Unix seconds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from wire.chirpstack import documents as doc
from wire.chirpstack.topics import DeviceTopic
from wire.errors import Malformed
from wire.eui64 import EUI64

NO_DEVICE: Final = EUI64(bytes(8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every kind has; a kind without a class of its own is just this."""

    kind: str
    dev_eui: EUI64
    application_id: str
    deduplication_id: str
    """Absent in several kinds, then empty."""
    time_s: float | None
    """The receiving gateway's clock when it has one: shown, never compared."""
    device_name: str
    device_profile_name: str
    tags: Mapping[str, str]
    document: Mapping[str, Any] = field(repr=False)
    """The whole document as it was published."""

    @property
    def device_type(self) -> str:
        """The tag ``device_type``, or ``unknown``."""
        return self.tags.get("device_type") or "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """One gateway's reception of an uplink."""

    gateway_id: str
    rssi_dbm: int
    snr_db: float
    ns_time_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpEvent(Event):
    """
    An uplink. ``object`` is None when no codec produced one.

    ``f_port`` 0 also stands for a frame without port. ``receptions`` are in the
    server's arbitrary order.
    """

    dev_addr: str
    adr: bool
    dr: int
    f_cnt: int
    f_port: int
    confirmed: bool
    data: bytes
    object: Mapping[str, Any] | None
    frequency_hz: int
    spreading_factor: int
    receptions: tuple[Reception, ...]

    @property
    def ns_time_s(self) -> float | None:
        """Server's instant of reception, the latest of all gateways' copies."""
        times = [r.ns_time_s for r in self.receptions if r.ns_time_s is not None]
        return max(times, default=None)

    @property
    def best(self) -> Reception | None:
        """The reception with the best SNR, then RSSI."""
        return max(self.receptions, key=lambda r: (r.snr_db, r.rssi_dbm), default=None)

    @property
    def rssi_dbm(self) -> int | None:
        """RSSI of the best reception."""
        return self.best.rssi_dbm if self.best else None

    @property
    def snr_db(self) -> float | None:
        """SNR of the best reception."""
        return self.best.snr_db if self.best else None


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinEvent(Event):
    """A device was accepted and got this address."""

    dev_addr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AckEvent(Event):
    """A confirmed downlink was acknowledged by the device, or was not."""

    queue_item_id: str
    acknowledged: bool
    f_cnt_down: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TxAckEvent(Event):
    """A gateway took a downlink for transmission."""

    queue_item_id: str
    downlink_id: int
    f_cnt_down: int
    gateway_id: str
    frequency_hz: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusEvent(Event):
    """A device's answer about battery and margin; the level is in percent."""

    margin_db: int
    external_power_source: bool
    battery_level_unavailable: bool
    battery_level: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEvent(Event):
    """The server complains about a device; its context has strings only."""

    level: str
    code: str
    description: str
    context: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationEvent(Event):
    """Where a device is, in degrees and metres."""

    latitude: float
    longitude: float
    altitude_m: float


def parse_event(topic: str, payload: bytes) -> Event:
    """Read what arrived on a topic; Malformed for another topic or no JSON object."""
    where = DeviceTopic.parse(topic)
    if where.channel != "event":
        raise Malformed(f"{topic!r} carries commands, not events")
    return event_of(where, doc.read_object(payload))


def event_of(topic: DeviceTopic, document: Mapping[str, Any]) -> Event:
    """Read an already decoded document."""
    reader = _READERS.get(topic.kind)
    common = _common(topic, document)
    return reader(common, document) if reader else Event(**common)


def _common(topic: DeviceTopic, document: Mapping[str, Any]) -> dict[str, Any]:
    info = doc.inner(document, "deviceInfo")
    return {
        "kind": topic.kind,
        "dev_eui": topic.dev_eui,
        "application_id": topic.application_id,
        "deduplication_id": doc.text(document, "deduplicationId"),
        "time_s": doc.instant(document, "time"),
        "device_name": doc.text(info, "deviceName"),
        "device_profile_name": doc.text(info, "deviceProfileName"),
        "tags": _strings(doc.inner(info, "tags")),
        "document": document,
    }


def _strings(mapping: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in mapping.items() if isinstance(value, str)}


def _reception(info: Mapping[str, Any]) -> Reception:
    return Reception(
        gateway_id=doc.text(info, "gatewayId"),
        rssi_dbm=doc.whole(info, "rssi"),
        snr_db=doc.number(info, "snr"),
        ns_time_s=doc.instant(info, "nsTime"),
    )


def _up(common: dict[str, Any], document: Mapping[str, Any]) -> UpEvent:
    tx_info = doc.inner(document, "txInfo")
    lora = doc.inner(doc.inner(tx_info, "modulation"), "lora")
    decoded = document.get("object")
    return UpEvent(
        **common,
        dev_addr=doc.text(document, "devAddr"),
        adr=doc.flag(document, "adr"),
        dr=doc.whole(document, "dr"),
        f_cnt=doc.whole(document, "fCnt"),
        f_port=doc.whole(document, "fPort"),
        confirmed=doc.flag(document, "confirmed"),
        data=doc.octets(document, "data"),
        object=decoded if isinstance(decoded, dict) else None,
        frequency_hz=doc.whole(tx_info, "frequency"),
        spreading_factor=doc.whole(lora, "spreadingFactor"),
        receptions=tuple(map(_reception, doc.items(document, "rxInfo"))),
    )


def _join(common: dict[str, Any], document: Mapping[str, Any]) -> JoinEvent:
    return JoinEvent(**common, dev_addr=doc.text(document, "devAddr"))


def _ack(common: dict[str, Any], document: Mapping[str, Any]) -> AckEvent:
    return AckEvent(
        **common,
        queue_item_id=doc.text(document, "queueItemId"),
        acknowledged=doc.flag(document, "acknowledged"),
        f_cnt_down=doc.whole(document, "fCntDown"),
    )


def _txack(common: dict[str, Any], document: Mapping[str, Any]) -> TxAckEvent:
    return TxAckEvent(
        **common,
        queue_item_id=doc.text(document, "queueItemId"),
        downlink_id=doc.whole(document, "downlinkId"),
        f_cnt_down=doc.whole(document, "fCntDown"),
        gateway_id=doc.text(document, "gatewayId"),
        frequency_hz=doc.whole(doc.inner(document, "txInfo"), "frequency"),
    )


def _status(common: dict[str, Any], document: Mapping[str, Any]) -> StatusEvent:
    return StatusEvent(
        **common,
        margin_db=doc.whole(document, "margin"),
        external_power_source=doc.flag(document, "externalPowerSource"),
        battery_level_unavailable=doc.flag(document, "batteryLevelUnavailable"),
        battery_level=doc.number(document, "batteryLevel"),
    )


def _log(common: dict[str, Any], document: Mapping[str, Any]) -> LogEvent:
    return LogEvent(
        **common,
        level=doc.text(document, "level"),
        code=doc.text(document, "code"),
        description=doc.text(document, "description"),
        context=_strings(doc.inner(document, "context")),
    )


def _location(common: dict[str, Any], document: Mapping[str, Any]) -> LocationEvent:
    place = doc.inner(document, "location")
    return LocationEvent(
        **common,
        latitude=doc.number(place, "latitude"),
        longitude=doc.number(place, "longitude"),
        altitude_m=doc.number(place, "altitude"),
    )


_READERS: dict[str, Callable[[dict[str, Any], Mapping[str, Any]], Event]] = {
    "up": _up,
    "join": _join,
    "ack": _ack,
    "txack": _txack,
    "status": _status,
    "log": _log,
    "location": _location,
}
