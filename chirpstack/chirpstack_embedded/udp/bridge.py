"""The pure half of the bridge: datagrams in, datagrams and gateway events out."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from chirpstack_api import gw

from chirpstack_embedded.udp.translation import (
    gateway_stats,
    tx_packet,
    tx_status,
    uplink_frame,
)
from wire.chirpstack.topics import gateway_topic
from wire.errors import Malformed
from wire.eui64 import EUI64
from wire.semtech import (
    CRC_OK,
    NO_ERROR,
    PullAck,
    PullData,
    PullResp,
    PushAck,
    PushData,
    TxAck,
    parse,
)

Address = tuple[str, int]
TOKENS = 2**16
MOST_WAITING = 4096


@dataclass(slots=True)
class _Waiting:
    """A downlink whose item ``at`` a gateway was asked to send."""

    frame: gw.DownlinkFrame
    statuses: list[int]
    at: int = 0


class Bridge:
    """The pure half: datagrams in, datagrams and gateway events out."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._ways_back: dict[EUI64, Address] = {}
        self._waiting: OrderedDict[int, _Waiting] = OrderedDict()
        self._next_token = 0
        self._datagrams: list[tuple[Address, bytes]] = []
        self._events: list[tuple[str, bytes]] = []

    def knows(self, gateway_id: EUI64) -> bool:
        """Whether a gateway has opened a way back."""
        return gateway_id in self._ways_back

    def datagrams(self) -> list[tuple[Address, bytes]]:
        """What to send, and where; drained."""
        drained, self._datagrams = self._datagrams, []
        return drained

    def events(self) -> list[tuple[str, bytes]]:
        """Topics and payloads, as an MQTT gateway would publish them; drained."""
        drained, self._events = self._events, []
        return drained

    def receive(self, datagram: bytes, source: Address) -> None:
        """Take one datagram; Malformed says what is wrong with it."""
        match parse(datagram):
            case PushData() as push:
                self._datagrams.append((source, bytes(PushAck(token=push.token))))
                self._push(push)
            case PullData(token=token, gateway_id=gateway_id):
                self._ways_back[gateway_id] = source
                self._datagrams.append((source, bytes(PullAck(token=token))))
            case TxAck() as ack:
                self._settle(ack)
            case other:
                raise Malformed(f"{type(other).__name__} is what a server says")

    def send(self, frame: gw.DownlinkFrame) -> None:
        """Ask a gateway that is known to send the first item it can."""
        ignored = [gw.IGNORED] * len(frame.items)
        self._ask(_Waiting(frame=frame, statuses=ignored))

    def _push(self, push: PushData) -> None:
        gateway_id = push.gateway_id
        for packet in push.received:
            if packet.crc_status == CRC_OK:
                self._emit(gateway_id, "up", uplink_frame(gateway_id, packet))
        if push.stat is not None:
            self._emit(gateway_id, "stats", gateway_stats(gateway_id, push.stat))

    def _emit(self, gateway_id: EUI64, kind: str, message: Any) -> None:
        topic = gateway_topic(self._prefix, gateway_id, "event", kind)
        self._events.append((topic, message.SerializeToString()))

    def _ask(self, waiting: _Waiting) -> None:
        gateway_id = EUI64.parse(waiting.frame.gateway_id)
        while waiting.at < len(waiting.frame.items):
            packet = tx_packet(waiting.frame.items[waiting.at])
            if packet is not None:
                token = self._token(waiting)
                datagram = bytes(PullResp(token=token, packet=packet))
                self._datagrams.append((self._ways_back[gateway_id], datagram))
                return
            waiting.statuses[waiting.at] = gw.INTERNAL_ERROR
            waiting.at += 1
        self._acknowledge(gateway_id, waiting)

    def _token(self, waiting: _Waiting) -> int:
        token, self._next_token = self._next_token, (self._next_token + 1) % TOKENS
        self._waiting[token] = waiting
        while len(self._waiting) > MOST_WAITING:  # gateways that never answer
            self._waiting.popitem(last=False)
        return token

    def _settle(self, ack: TxAck) -> None:
        waiting = self._waiting.get(ack.token)
        if waiting is None or waiting.frame.gateway_id != str(ack.gateway_id):
            return  # of an earlier run, or said twice
        del self._waiting[ack.token]
        is_ok = ack.error == NO_ERROR
        waiting.statuses[waiting.at] = gw.OK if is_ok else tx_status(ack.error)
        waiting.at += 1
        if is_ok:
            self._acknowledge(ack.gateway_id, waiting)
        else:
            self._ask(waiting)

    def _acknowledge(self, gateway_id: EUI64, waiting: _Waiting) -> None:
        items = [gw.DownlinkTxAckItem(status=status) for status in waiting.statuses]
        ack = gw.DownlinkTxAck(
            gateway_id=str(gateway_id),
            downlink_id=waiting.frame.downlink_id,
            items=items,
        )
        self._emit(gateway_id, "ack", ack)
