"""What every step of the server works with, and what the steps leave behind."""

import heapq
import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from chirpstack_api import common, gw

from chirpstack_embedded.config import Configuration, Region
from chirpstack_embedded.core.documents import Document, device_info, log
from chirpstack_embedded.core.frame_log import FrameLine
from chirpstack_embedded.core.payloads import Payloads
from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.core.rendering import dump
from chirpstack_embedded.core.series import NoSeries, SeriesBook
from chirpstack_embedded.model import (
    Device,
    Gateway,
    Keys,
    McGroup,
    McItem,
    QueueItem,
)
from wire.chirpstack.topics import event_topic
from wire.eui64 import EUI64

FRAME_LIFETIME_S = 30.0


class DeviceBook(Protocol):
    """The devices the server knows; ``store.Devices`` is one."""

    def get(self, dev_eui: str) -> Device | None:
        """Return the device, or None."""

    def with_dev_addr(self, dev_addr: str) -> list[Device]:
        """Return the enabled devices with this DevAddr."""

    def with_queue(self) -> list[Device]:
        """Return the devices that have queue items."""

    def save(self, device: Device) -> None:
        """Have the device's state written."""

    def enqueue(self, device: Device, item: QueueItem) -> None:
        """Append an item; ``NotStored`` if its id exists."""

    def update_item(self, item: QueueItem) -> None:
        """Write an item's progress."""

    def delete_item(self, device: Device, item: QueueItem) -> None:
        """Remove an item."""

    def flush_queue(self, device: Device) -> None:
        """Remove all items."""

    def forget_unsaved(self) -> None:
        """Drop changes that were never saved, after a step that failed."""


class KeyBook(Protocol):
    """Root keys; ``store.DeviceKeys`` is one."""

    def get(self, dev_eui: str) -> Keys | None:
        """Return the keys, or None."""

    def use_dev_nonce(self, dev_eui: str, join_eui: str, dev_nonce: int) -> int | None:
        """Burn a DevNonce; return the JoinNonce, None if it was used."""


class GatewayBook(Protocol):
    """The gateways the server knows; ``store.Gateways`` is one."""

    def view(self, gateway_id: str) -> Gateway | None:
        """Return the gateway, or None."""

    def note_stats(
        self,
        gateway_id: str,
        metadata: Mapping[str, str],
        location: common.Location,
        now: float,
    ) -> bool:
        """Write what stats changed; False for an unknown gateway."""


class MulticastBook(Protocol):
    """Multicast groups and their queues; ``store.MulticastGroups`` is one."""

    def get(self, group_id: str) -> McGroup | None:
        """Return the group, or None."""

    def due(self, now: float, limit: int, locked_until: float) -> list[McItem]:
        """Return and lock the items whose time has come."""

    def delete_item(self, item_id: str) -> bool:
        """Remove an item; False if it is gone already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One integration event, rendered."""

    kind: str
    application_id: str
    dev_eui: str
    time_ns: int
    payload: bytes
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def views(self) -> tuple[tuple[str, str], ...]:
        """The log view it shows in."""
        return (("device-event", self.dev_eui),)

    @property
    def description(self) -> str:
        """What a log view calls it."""
        return self.kind

    def body(self) -> str:
        """Return the document as a log view shows it."""
        return self.payload.decode()

    @property
    def topic(self) -> str:
        """Where it is published (contract §3.1)."""
        return event_topic(self.application_id, EUI64.parse(self.dev_eui), self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transmission:
    """One downlink for one gateway."""

    region_config_id: str
    gateway_id: str
    frame: gw.DownlinkFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFrame:
    """What a tx ack will be about (contract §1.8)."""

    frame: gw.DownlinkFrame
    expires_at: float
    dev_eui: str
    f_cnt_down: int
    queue_item_id: str | None
    is_join_accept: bool = False
    multicast_item_id: str | None = None
    carries_item: tuple[bool, ...] = ()
    """Per item of the frame: whether the queue item is in it."""


@dataclass(slots=True, kw_only=True)
class Context:
    """The server's books and its outgoing trays."""

    configuration: Configuration
    devices: DeviceBook
    keys: KeyBook
    gateways: GatewayBook
    multicast: MulticastBook
    payloads: Payloads
    rng: random.Random
    plans: Mapping[str, RegionPlan]
    series: SeriesBook = field(default_factory=NoSeries)
    new_uuid: Callable[[], uuid.UUID] = uuid.uuid4
    events: list[Event] = field(default_factory=list)
    transmissions: list[Transmission] = field(default_factory=list)
    frames: dict[int, SentFrame] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    frame_lines: list[FrameLine] = field(default_factory=list)
    _frame_ends: list[tuple[float, int]] = field(default_factory=list)

    def region(self, region_config_id: str) -> Region:
        """Return an active region's configuration."""
        return self.plans[region_config_id].region

    def emit(
        self,
        kind: str,
        device: Device,
        document: Document,
        time_ns: int,
        properties: Mapping[str, str] | None = None,
    ) -> None:
        """Put an event into the tray."""
        self.events.append(
            Event(
                kind=kind,
                application_id=device.application.id,
                dev_eui=device.dev_eui,
                time_ns=time_ns,
                payload=dump(document),
                properties=properties or {},
            )
        )

    def emit_log(
        self,
        device: Device,
        *,
        time_ns: int,
        level: str,
        code: str,
        description: str,
        context: Mapping[str, str] | None = None,
    ) -> None:
        """Put a ``log`` event into the tray."""
        document = log(
            time_ns=time_ns,
            info=device_info(device),
            level=level,
            code=code,
            description=description,
            context=context or {},
        )
        self.emit("log", device, document, time_ns, {"Level": level, "Code": code})

    def send(
        self, region_config_id: str, frame: gw.DownlinkFrame, sent: SentFrame
    ) -> None:
        """Put a downlink into the tray and remember it for its tx ack."""
        self.transmissions.append(
            Transmission(
                region_config_id=region_config_id,
                gateway_id=frame.gateway_id,
                frame=frame,
            )
        )
        self.frames[frame.downlink_id] = sent
        heapq.heappush(self._frame_ends, (sent.expires_at, frame.downlink_id))

    def forget_frames(self, now: float) -> None:
        """Drop frames whose tx ack would come too late."""
        while self._frame_ends and self._frame_ends[0][0] <= now:
            _, downlink_id = heapq.heappop(self._frame_ends)
            self.frames.pop(downlink_id, None)

    def new_downlink_id(self) -> int:
        """Return a random 32-bit id."""
        return self.rng.getrandbits(32)

    def warn(self, sentence: str) -> None:
        """Note a line for the log."""
        self.warnings.append(sentence)
