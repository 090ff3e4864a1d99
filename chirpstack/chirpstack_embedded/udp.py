"""
Gateways that speak Semtech's UDP, as chirpstack-gateway-bridge makes them look.

What they push becomes the events an MQTT gateway publishes; what the server sends
becomes a PULL_RESP for the item at hand. An item that the gateway refuses is followed
by the next one, and the DownlinkTxAck tells what became of each.
"""

import logging
import socket
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from chirpstack_api import common, gw

from chirpstack_embedded.adapters.gateway_backend import OnMessage, OnRefused
from chirpstack_embedded.core.context import Transmission
from chirpstack_embedded.errors import ChirpStackError
from wire.chirpstack.topics import gateway_topic
from wire.errors import Malformed
from wire.eui64 import EUI64
from wire.semtech import (
    CRC_OK,
    NO_ERROR,
    TMST_MODULUS,
    PullAck,
    PullData,
    PullResp,
    PushAck,
    PushData,
    RxPk,
    Stat,
    TxAck,
    TxPk,
    parse,
)

Address = tuple[str, int]

TOKENS = 2**16
MOST_WAITING = 4096
DATAGRAM = 65_536
LOOK_UP_S = 0.5
TMST_PER_S = 1_000_000
CODE_RATES = {"4/5": gw.CR_4_5, "4/6": gw.CR_4_6, "4/7": gw.CR_4_7, "4/8": gw.CR_4_8}
CODING_RATES = {code: name for name, code in CODE_RATES.items()}

logger = logging.getLogger(__name__)


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
        for packet in push.received:
            if packet.crc_status == CRC_OK:
                self._emit(push.gateway_id, "up", _uplink(push.gateway_id, packet))
        if push.stat is not None:
            self._emit(push.gateway_id, "stats", _stats(push.gateway_id, push.stat))

    def _emit(self, gateway_id: EUI64, kind: str, message: Any) -> None:
        topic = gateway_topic(self._prefix, gateway_id, "event", kind)
        self._events.append((topic, message.SerializeToString()))

    def _ask(self, waiting: _Waiting) -> None:
        gateway_id = EUI64.parse(waiting.frame.gateway_id)
        while waiting.at < len(waiting.frame.items):
            packet = _packet(waiting.frame.items[waiting.at])
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
        waiting.statuses[waiting.at] = gw.OK if is_ok else _status(ack.error)
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


def _uplink(gateway_id: EUI64, packet: RxPk) -> gw.UplinkFrame:
    context = packet.tmst.to_bytes(4, "big")
    drawn = blake2b(gateway_id + context + packet.phy_payload, digest_size=4)
    message = gw.UplinkFrame(phy_payload=packet.phy_payload)
    message.tx_info.frequency = packet.frequency_hz
    if packet.spreading_factor:
        lora = message.tx_info.modulation.lora
        lora.spreading_factor = packet.spreading_factor
        lora.bandwidth = packet.bandwidth_hz
        lora.code_rate = CODE_RATES.get(packet.coding_rate, gw.CR_UNDEFINED)
    else:
        message.tx_info.modulation.fsk.datarate = packet.bandwidth_hz % 2**32
    message.rx_info.gateway_id = str(gateway_id)
    message.rx_info.uplink_id = int.from_bytes(drawn.digest())
    message.rx_info.rssi = max(-(2**31), min(round(packet.rssi_dbm), 2**31 - 1))
    message.rx_info.snr = packet.snr_db
    message.rx_info.channel = packet.channel % 2**32
    message.rx_info.rf_chain = packet.rf_chain % 2**32
    message.rx_info.context = context
    message.rx_info.crc_status = gw.CRC_OK
    _set_time(message.rx_info.gw_time, packet.time)
    return message


def _stats(gateway_id: EUI64, stat: Stat) -> gw.GatewayStats:
    message = gw.GatewayStats(
        gateway_id=str(gateway_id),
        rx_packets_received=stat.received % 2**32,
        rx_packets_received_ok=stat.received_ok % 2**32,
        tx_packets_received=stat.downlinks % 2**32,
        tx_packets_emitted=stat.emitted % 2**32,
    )
    if stat.latitude is not None and stat.longitude is not None:
        message.location.latitude = stat.latitude
        message.location.longitude = stat.longitude
        message.location.altitude = stat.altitude_m or 0.0
        message.location.source = common.LocationSource.GPS
    _set_time(message.time, stat.time.replace(" GMT", "+00:00"))
    return message


def _set_time(timestamp: Any, text: str | None) -> None:
    """Set an instant if the text is one; gateways without a clock say nonsense."""
    with suppress(ValueError, OverflowError):
        timestamp.FromDatetime(datetime.fromisoformat(text or ""))


def _packet(item: gw.DownlinkFrameItem) -> TxPk | None:
    """An item as this protocol says it; None for what it cannot say."""
    tx_info = item.tx_info
    lora = tx_info.modulation.lora
    when = _when(tx_info)
    if when is None or lora.code_rate not in CODING_RATES:
        return None
    return TxPk(
        frequency_hz=tx_info.frequency,
        power_dbm=tx_info.power,
        spreading_factor=lora.spreading_factor,
        bandwidth_hz=lora.bandwidth,
        phy_payload=item.phy_payload,
        coding_rate=CODING_RATES[lora.code_rate],
        iq_inverted=lora.polarization_inversion,
        **when,
    )


def _when(tx_info: gw.DownlinkTxInfo) -> dict[str, Any] | None:
    timing = tx_info.timing
    match timing.WhichOneof("parameters"):
        case "immediately":
            return {"immediately": True}
        case "delay":
            delay_us = round(_seconds(timing.delay.delay) * TMST_PER_S)
            counted = int.from_bytes(tx_info.context, "big")
            return {"tmst": (counted + delay_us) % TMST_MODULUS}
        case "gps_epoch":
            since_epoch = timing.gps_epoch.time_since_gps_epoch
            return {"gps_ms": round(_seconds(since_epoch) * 1000)}
        case _:
            return None


def _seconds(duration: Any) -> float:
    seconds: float = duration.seconds + duration.nanos / 1e9
    return seconds


def _status(error: str) -> int:
    """The status of that name; what ChirpStack has no name for is internal."""
    known = gw.TxAckStatus.keys()
    return int(gw.TxAckStatus.Value(error)) if error in known else gw.INTERNAL_ERROR


class UdpListener:
    """The socket of the bridge."""

    def __init__(
        self,
        region_config_id: str,
        prefix: str,
        bind: Address,
        *,
        on_message: OnMessage,
        on_refused: OnRefused = lambda *_: None,
    ) -> None:
        self._region_config_id = region_config_id
        self._bridge = Bridge(prefix)
        self._bind = bind
        self._on_message = on_message
        self._on_refused = on_refused
        self._lock = threading.Lock()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(LOOK_UP_S)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="udp", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._socket.getsockname()[1])

    @property
    def is_ready(self) -> bool:
        """Whether it listens."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Listen; one sentence when somebody else does already."""
        try:
            self._socket.bind(self._bind)
        except OSError as error:
            host, port = self._bind
            raise ChirpStackError(f"cannot listen on {host}:{port}: {error}") from error
        self._thread.start()
        logger.info("gw.udp.listen host=%s port=%d", self._bind[0], self.port)

    def stop(self) -> None:
        """End the thread, then close the socket."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()

    def send(self, transmission: Transmission, *, as_json: bool) -> bool:  # noqa: ARG002 - the datagram's own JSON is the only way
        """Send one downlink by UDP to a gateway that came by UDP; False to others."""
        with self._lock:
            is_ours = self._bridge.knows(EUI64.parse(transmission.gateway_id))
            if is_ours:
                self._bridge.send(transmission.frame)
        if is_ours:
            self._let_out()
        return is_ours

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                datagram, source = self._socket.recvfrom(DATAGRAM)
            except OSError:
                continue  # nothing came, or an ICMP complaint about what we sent
            try:
                with self._lock:
                    self._bridge.receive(datagram, source)
            except Malformed as fault:
                self._on_refused(
                    "malformed", f"protocol=udp source={source} reason={fault}"
                )
            self._let_out()

    def _let_out(self) -> None:
        with self._lock:
            datagrams, events = self._bridge.datagrams(), self._bridge.events()
        for address, datagram in datagrams:
            with suppress(OSError):
                self._socket.sendto(datagram, address)
        for topic, payload in events:
            self._on_message(self._region_config_id, topic, payload)
