"""
The pure half: what gateways say becomes the events that an MQTT gateway publishes.

A downlink becomes a ``dnmsg``. Of one that the gateway did not send nobody hears:
there is a DownlinkTxAck with status OK when it reports the frame, and none else.
"""

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import Any

from chirpstack_api import gw

from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.station.config import router_config, stamped
from chirpstack_embedded.station.frames import downlink_message, uplink_frame
from wire.chirpstack.topics import gateway_topic
from wire.errors import Malformed
from wire.eui64 import EUI64
from wire.lorawan.gps import gps_from_unix
from wire.station import DnTxed, TimeSync, Uplink, Version, parse_from_gateway

_MOST_SENT = 1024
_UINT32 = range(2**32)
_US = 1_000_000


@dataclass(slots=True)
class _Counts:
    """One gateway since its last report."""

    received: Counter[tuple[int, bytes]] = field(default_factory=Counter)
    emitted: Counter[tuple[int, bytes]] = field(default_factory=Counter)
    asked: int = 0


class Bridge:
    """Messages in, messages and gateway events out."""

    def __init__(self, prefix: str, plan: RegionPlan) -> None:
        self._prefix = prefix
        self._plan = plan
        self._config = router_config(plan)
        self._counts: dict[EUI64, _Counts] = {}
        self._sent: OrderedDict[int, gw.DownlinkFrame] = OrderedDict()
        self._messages: list[tuple[EUI64, str]] = []
        self._events: list[tuple[str, bytes]] = []

    def knows(self, gateway_id: EUI64) -> bool:
        """Whether a gateway is connected."""
        return gateway_id in self._counts

    def connect(self, gateway_id: EUI64) -> bool:
        """Note a connection; False when the gateway has one already."""
        if gateway_id in self._counts:
            return False
        self._counts[gateway_id] = _Counts()
        return True

    def disconnect(self, gateway_id: EUI64) -> None:
        """Forget a connection."""
        self._counts.pop(gateway_id, None)

    def messages(self) -> list[tuple[EUI64, str]]:
        """What to say, and to whom; drained."""
        drained, self._messages = self._messages, []
        return drained

    def events(self) -> list[tuple[str, bytes]]:
        """Topics and payloads, as an MQTT gateway would publish them; drained."""
        drained, self._events = self._events, []
        return drained

    def receive(self, gateway_id: EUI64, text: str, now: float) -> None:
        """Take one message; Malformed says what is wrong with it."""
        match parse_from_gateway(text):
            case Version():
                config = stamped(self._config, now)
                self._messages.append((gateway_id, str(config)))
                self._report(gateway_id, now)
            case Uplink() as uplink:
                self._up(gateway_id, uplink)
            case DnTxed(diid=diid):
                self._acknowledge(gateway_id, diid)
            case TimeSync(tx_time=tx_time) if tx_time is not None:
                gps_us = round(gps_from_unix(now) * _US)
                answer = TimeSync(tx_time=tx_time, gps_time_us=gps_us)
                self._messages.append((gateway_id, str(answer)))
            case _:
                raise Malformed("a gateway's timesync has a txtime")

    def send(self, frame: gw.DownlinkFrame, now: float) -> None:
        """Ask a connected gateway to send a frame; Illegal for what it cannot."""
        message = downlink_message(self._plan, frame, now)
        gateway_id = EUI64.parse(frame.gateway_id)
        self._messages.append((gateway_id, str(message)))
        self._counts[gateway_id].asked += 1
        self._sent[frame.downlink_id] = frame
        while len(self._sent) > _MOST_SENT:  # never reported
            self._sent.popitem(last=False)

    def report(self, now: float) -> None:
        """Let out the stats of every connected gateway."""
        for gateway_id in self._counts:
            self._report(gateway_id, now)

    def _up(self, gateway_id: EUI64, uplink: Uplink) -> None:
        message = uplink_frame(self._plan, gateway_id, uplink)
        self._count(gateway_id, "received", message.tx_info)
        self._emit(gateway_id, "up", message)

    def _acknowledge(self, gateway_id: EUI64, diid: int) -> None:
        # As the bridge does: whoever reports a frame is believed, once or twice.
        if diid not in _UINT32:
            raise Malformed(f"dntxed.diid has 32 bits, not {diid.bit_length()}")
        frame = self._sent.get(diid)
        if frame is not None:
            self._count(gateway_id, "emitted", frame.items[0].tx_info)
        ack = gw.DownlinkTxAck(
            gateway_id=str(gateway_id),
            downlink_id=diid,
            items=[gw.DownlinkTxAckItem(status=gw.OK)],
        )
        self._emit(gateway_id, "ack", ack)

    def _count(self, gateway_id: EUI64, what: str, tx_info: Any) -> None:
        counts = self._counts.get(gateway_id)
        if counts is not None:
            modulation = tx_info.modulation.SerializeToString(deterministic=True)
            counter: Counter[tuple[int, bytes]] = getattr(counts, what)
            counter[tx_info.frequency, modulation] += 1

    def _report(self, gateway_id: EUI64, now: float) -> None:
        counts = self._counts.get(gateway_id)
        if counts is None:
            return
        self._counts[gateway_id] = _Counts()
        self._emit(gateway_id, "stats", _stats(gateway_id, counts, now))

    def _emit(self, gateway_id: EUI64, kind: str, message: Any) -> None:
        topic = gateway_topic(self._prefix, gateway_id, "event", kind)
        self._events.append((topic, message.SerializeToString()))


def _stats(gateway_id: EUI64, counts: _Counts, now: float) -> gw.GatewayStats:
    received, emitted = counts.received.total(), counts.emitted.total()
    stats = gw.GatewayStats(
        gateway_id=str(gateway_id),
        rx_packets_received=received,
        rx_packets_received_ok=received,
        tx_packets_received=counts.asked,
        tx_packets_emitted=emitted,
        tx_packets_per_status={"OK": emitted} if emitted else {},
        rx_packets_per_frequency=_per_frequency(counts.received),
        tx_packets_per_frequency=_per_frequency(counts.emitted),
        rx_packets_per_modulation=_per_modulation(counts.received),
        tx_packets_per_modulation=_per_modulation(counts.emitted),
    )
    stats.time.FromMicroseconds(round(now * _US))
    return stats


def _per_frequency(counter: Counter[tuple[int, bytes]]) -> dict[int, int]:
    totals: Counter[int] = Counter()
    for (frequency_hz, _), number in counter.items():
        totals[frequency_hz] += number
    return dict(totals)


def _per_modulation(
    counter: Counter[tuple[int, bytes]],
) -> list[gw.PerModulationCount]:
    totals: Counter[bytes] = Counter()
    for (_, modulation), number in counter.items():
        totals[modulation] += number
    return [
        gw.PerModulationCount(modulation=gw.Modulation.FromString(octets), count=number)
        for octets, number in sorted(totals.items())
    ]
