"""
What is known of a device when the doctor judges: values, no I/O.

Instants are Unix seconds of our clock; what a server or gateway stamped is its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

__all__ = [
    "PATIENCE_S",
    "Answer",
    "DeviceFacts",
    "Event",
    "Facts",
    "Frame",
    "GatewayFacts",
    "Heard",
    "ago",
]

PATIENCE_S: Final = 2.0
"""A gateway acknowledges a downlink at once; after so long it will not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFacts:
    """The device in ChirpStack; ``f_cnt_up`` None: it has no session."""

    name: str
    tenant_id: str
    disabled: bool = False
    region: str = "EU868"
    region_config_id: str = ""
    supports_otaa: bool = True
    supports_class_c: bool = False
    uplink_interval_s: int = 0
    app_key: str = field(default="", repr=False)
    dev_addr: str = ""
    f_cnt_up: int | None = None
    last_seen_at: float | None = None
    waiting: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayFacts:
    """A registered gateway; ``region`` is what ChirpStack noted at its last report."""

    gateway_id: str
    name: str
    tenant_id: str
    state: str
    last_seen_at: float | None = None
    region: str = ""
    private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """
    An event of the device: kind, log code and text, and who heard it best.

    ``time`` is the server's, ``noted_at`` when it reached us, ``frame_id`` ChirpStack's
    name of the frame it comes from.
    """

    kind: str
    time: float
    noted_at: float = float("-inf")
    frame_id: str = ""
    code: str = ""
    description: str = ""
    gateway_id: str = ""
    rssi_dbm: int = 0
    snr_db: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A line of the server's frame log: ``JoinRequest``, ``UnconfirmedDataUp``."""

    kind: str
    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A frame of the device that a gateway forwarded while we listened."""

    at: float
    gateway_id: str
    is_join: bool
    context: bytes = b""
    mic_is_good: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A downlink for the device while we listened; ``status`` None: no tx ack yet."""

    at: float
    gateway_id: str
    downlink_id: int
    is_join: bool
    asked_at: float | None = None
    status: str | None = None

    @property
    def took_s(self) -> float | None:
        """From the uplink at the broker to its answer at the broker."""
        return None if self.asked_at is None else self.at - self.asked_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything the verdict rests on."""

    dev_eui: str
    now: float
    device: DeviceFacts | None = None
    backwards: str = ""
    """The DevEUI with its octets turned round, if ChirpStack knows that one."""
    gateways: Sequence[GatewayFacts] = ()
    events: Sequence[Event] = ()
    frames: Sequence[Frame] = ()
    heard: Sequence[Heard] = ()
    answers: Sequence[Answer] = ()
    listened_s: float = 0.0

    def last(self, kind: str, code: str = "") -> Event | None:
        """Return the newest event of a kind (and code)."""
        found = [e for e in self.events if e.kind == kind and code in {"", e.code}]
        return max(found, key=lambda event: event.time, default=None)

    def at(self, kind: str, code: str = "") -> float:
        """Return when the newest such event was, long ago if there is none."""
        found = self.last(kind, code)
        return found.time if found else float("-inf")

    def gateway(self, gateway_id: str) -> GatewayFacts | None:
        """Return a registered gateway."""
        return next((g for g in self.gateways if g.gateway_id == gateway_id), None)


def ago(at: float, now: float) -> str:
    """Return how long ago, in the largest whole unit."""
    seconds = max(0.0, now - at)
    for unit, length_s in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length_s:
            return f"{seconds // length_s:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"
