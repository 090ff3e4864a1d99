"""
What gateways say, read and put together before anybody asks whose it is.

Pure: feed it, ask when to wake it, empty its tray. It knows no device and no gateway,
so it may run in a process of its own; what it found is made of plain tuples.
"""

from collections import Counter
from typing import NamedTuple

from chirpstack_embedded.core.deduplication import Deduplication
from chirpstack_embedded.core.gateway_codec import (
    GatewayMessage,
    Unreadable,
    read_gateway_message,
)
from chirpstack_embedded.core.heard import HeardRx, heard_rx
from chirpstack_embedded.core.rendering import nanoseconds, timestamp_text


class Collected(NamedTuple):
    """One frame, with all receptions of its window."""

    region_config_id: str
    phy_payload: bytes
    tx_info: bytes
    """A serialised ``gw.UplinkTxInfo``."""
    receptions: list[HeardRx]


class Said(NamedTuple):
    """Something else a gateway said: ``stats`` or ``ack``, serialised."""

    region_config_id: str
    kind: str
    gateway_id: str
    message: bytes


class Refused(NamedTuple):
    """A message that went no further: a counter's label and details for the log."""

    what: str
    cause: str
    details: str


Finding = Collected | Said | Refused


class Collector:
    """De-duplicates the uplinks of all regions."""

    def __init__(
        self, deduplication_delay_s: float, *, strict_gateway_identity: bool = False
    ) -> None:
        self._deduplication = Deduplication(deduplication_delay_s)
        self._is_strict = strict_gateway_identity
        self._speaks_json: dict[str, bool] = {}
        self._found: list[Finding] = []
        self._received: Counter[str] = Counter()

    def receive(
        self, region_config_id: str, topic: str, payload: bytes, now: float
    ) -> None:
        """Take what a gateway published."""
        try:
            self._receive(region_config_id, topic, payload, now)
        except Exception as error:  # noqa: BLE001 - a fault of one message must not stop the others
            self._found.append(Refused("gw", "error", repr(error)))

    def tick(self, now: float) -> None:
        """Close the windows that are over."""
        for (region, tx_info, phy_payload), receptions in self._deduplication.due(now):
            self._found.append(Collected(region, phy_payload, tx_info, receptions))

    def next_deadline(self) -> float | None:
        """When ``tick`` has something to do."""
        return self._deduplication.next_deadline()

    def found(self) -> list[Finding]:
        """Empty the tray."""
        found, self._found = self._found, []
        return found

    def received(self) -> Counter[str]:
        """How many messages of each kind came since the last look."""
        received, self._received = self._received, Counter()
        return received

    def speaks_json(self, gateway_id: str) -> bool:
        """Whether a gateway last sent JSON; one never heard gets protobuf."""
        return self._speaks_json.get(gateway_id, False)

    def _receive(
        self, region_config_id: str, topic: str, payload: bytes, now: float
    ) -> None:
        read = read_gateway_message(topic, payload)
        if isinstance(read, Unreadable):
            self._found.append(Refused("gw", read.cause, read.details))
            return
        if self._is_strict and read.gateway_id.lower() != _of_topic(topic):
            details = f"topic={topic!r:.120} gateway_id={read.gateway_id!r:.40}"
            self._found.append(Refused("gw", "foreign_gateway_id", details))
            return
        self._speaks_json[read.gateway_id.lower()] = read.is_json
        self._received[read.kind] += 1
        if read.kind == "up":
            self._collect(region_config_id, read, now)
            return
        message = read.message.SerializeToString()
        self._found.append(Said(region_config_id, read.kind, read.gateway_id, message))

    def _collect(self, region_config_id: str, read: GatewayMessage, now: float) -> None:
        frame = read.message
        if not frame.HasField("tx_info") or not frame.HasField("rx_info"):
            details = f"gateway_id={read.gateway_id}"
            self._found.append(Refused("up", "no_tx_or_rx_info", details))
            return
        tx_info = frame.tx_info.SerializeToString(deterministic=True)
        rx = heard_rx(frame.rx_info, timestamp_text(nanoseconds(now)))
        self._deduplication.add((region_config_id, tx_info, frame.phy_payload), rx, now)


def _of_topic(topic: str) -> str:
    """Return the gateway's id in ``[prefix/]gateway/<id>/event/<kind>``."""
    return topic.rpartition("/event/")[0].rpartition("/")[2].lower()
