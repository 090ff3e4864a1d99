"""
Semtech's packet forwarder, for one gateway: UDP, nothing repeated, nothing kept.

A gateway is online while its PULL_DATA are answered: only then can it be reached.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import cast

from gateway_sim.gateway import Downlink, Gateway, TxAck, Uplink
from gateway_sim.packets import error, received, report, requested
from wire.errors import Malformed
from wire.semtech import (
    PullAck,
    PullData,
    PullResp,
    PushAck,
    PushData,
    RxPk,
    Stat,
    parse,
)
from wire.semtech import TxAck as TxAckPacket

KEEP_ALIVE_S = 5.0
RETRY_S = 1.0
SILENT_S = 3 * KEEP_ALIVE_S
TOKENS = 2**16

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where the server (or a gateway bridge) listens."""

    host: str
    port: int


class UdpForwarder(asyncio.DatagramProtocol):
    """One gateway's socket."""

    def __init__(
        self,
        gateway: Gateway,
        *,
        server: Server,
        on_downlink: Callable[[Gateway, Downlink], None],
        on_refused: Callable[[], None],
        on_online: Callable[["UdpForwarder"], None],
    ) -> None:
        self.gateway = gateway
        self._gateway_id = gateway.place.gateway_id
        self._server = server
        self._on_downlink = on_downlink
        self._on_refused = on_refused
        self._on_online = on_online
        self._transport: asyncio.DatagramTransport | None = None
        self._tokens = count()
        self._answered_s = float("-inf")
        self._online = False
        self._pushed = self._acked = 0

    @property
    def online(self) -> bool:
        """Whether the server answers."""
        return self._online

    def up(self, uplink: Uplink) -> bool:
        """Push an uplink; False when the server is out of reach."""
        if not self._online:
            return False
        self._push(self._data(received=(received(uplink),)))
        return True

    def ack(self, ack: TxAck) -> bool:
        """Answer a PULL_RESP; False when the server is out of reach."""
        [status] = ack.statuses
        answer = TxAckPacket(
            token=ack.downlink_id, gateway_id=self._gateway_id, error=error(status)
        )
        return self._send(bytes(answer))

    def stats(self, now: float) -> None:
        """Report what happened since the last report."""
        if self._online:
            percent = 100 * self._acked / self._pushed if self._pushed else 100.0
            self._pushed = self._acked = 0
            stat = report(self.gateway.stats(now), acked_percent=percent)
            self._push(self._data(stat=stat))

    async def run(self) -> None:
        """Keep the way back open until cancelled."""
        try:
            while True:
                await self._pull()
                await asyncio.sleep(KEEP_ALIVE_S if self._online else RETRY_S)
        finally:
            self.cut()

    async def close(self) -> None:
        """Leave; nobody is told, this protocol has no word for it."""
        self.cut()

    def cut(self) -> None:
        """Be gone from one moment to the next."""
        self._online = False
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    async def _pull(self) -> None:
        loop = asyncio.get_running_loop()
        if self._online and loop.time() - self._answered_s > SILENT_S:
            self._lose("silent")
        if self._transport is None:
            remote = (self._server.host, self._server.port)
            try:
                await loop.create_datagram_endpoint(lambda: self, remote_addr=remote)
            except OSError as fault:
                log.warning(
                    "gateway.udp.refused gateway_id=%s error=%s",
                    *(self._gateway_id, fault),
                )
                return
        pull = PullData(token=self._token(), gateway_id=self._gateway_id)
        self._send(bytes(pull))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there (ICMP)."""
        if self._online:
            self._lose(str(exc))

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Take what the server says."""
        del addr
        try:
            packet = parse(data)
        except Malformed as fault:
            self._refuse(str(fault))
            return
        match packet:
            case PullAck():
                self._reached()
            case PushAck():
                self._acked += 1
            case PullResp():
                self._on_downlink(self.gateway, requested(packet))
            case _:
                self._refuse(f"a server sends no {type(packet).__name__}")

    def _refuse(self, reason: str) -> None:
        log.warning(
            "gateway.down.drop gateway_id=%s reason=%s", self._gateway_id, reason
        )
        self._on_refused()

    def _reached(self) -> None:
        self._answered_s = asyncio.get_running_loop().time()
        if not self._online:
            log.info("gateway.udp.online gateway_id=%s", self._gateway_id)
            self._online = True
            self._on_online(self)

    def _lose(self, reason: str) -> None:
        self._online = False
        log.warning(
            "gateway.udp.offline gateway_id=%s reason=%s", self._gateway_id, reason
        )

    def _token(self) -> int:
        return next(self._tokens) % TOKENS

    def _data(
        self, received: tuple[RxPk, ...] = (), stat: Stat | None = None
    ) -> PushData:
        return PushData(
            token=self._token(),
            gateway_id=self._gateway_id,
            received=received,
            stat=stat,
        )

    def _push(self, packet: PushData) -> None:
        self._pushed += 1
        self._send(bytes(packet))

    def _send(self, datagram: bytes) -> bool:
        if self._transport is None:
            return False
        self._transport.sendto(datagram)
        return True
