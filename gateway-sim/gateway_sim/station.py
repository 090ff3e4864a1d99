"""
Basics Station, for one gateway: a websocket to the network server, kept up.

The server is asked at ``/router-info`` where to connect. A connection that breaks is
made again with a back-off; after a few failures the server is asked again.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from gateway_sim.gateway import Downlink, Gateway, TxAck, Uplink
from gateway_sim.lns import Filter, Station
from wire.errors import Malformed
from wire.station import (
    DISCOVERY_PATH,
    Complaint,
    DnMsg,
    DnSched,
    FromServer,
    RefusedCommand,
    RouterConfig,
    RouterInfo,
    RouterInfoRequest,
    TimeSync,
    Version,
    parse_from_server,
)

DEFAULT_URI = "ws://127.0.0.1:3001"
FIRST_RETRY_S = 0.25
LAST_RETRY_S = 8.0
TRIES = 5
ANSWER_S = 10.0
GOODBYE_S = 1.0
MOST_UNSENT = 1_000
TIME_SYNC_S = 300.0
VERSION = Version(
    station="garonne", firmware="simulated", package="gateway-sim", model="simulator"
)
BROKEN = (OSError, TimeoutError, WebSocketException, Malformed)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LnsServer:
    """Where discovery listens: ``ws://host:port`` or ``wss://host:port``."""

    uri: str


class StationForwarder:
    """One gateway's connection."""

    def __init__(
        self,
        gateway: Gateway,
        *,
        server: LnsServer,
        on_downlink: Callable[[Gateway, Downlink], None],
        on_refused: Callable[[], None],
        on_filtered: Callable[[Filter], None],
        on_online: Callable[["StationForwarder"], None],
    ) -> None:
        self.gateway = gateway
        self._gateway_id = gateway.place.gateway_id
        self._station = Station(gateway)
        self._server = server
        self._on_downlink = on_downlink
        self._on_refused = on_refused
        self._on_filtered = on_filtered
        self._on_online = on_online
        self._connection: ClientConnection | None = None
        self._unsent: asyncio.Queue[str] = asyncio.Queue(MOST_UNSENT)
        self._online = False

    @property
    def online(self) -> bool:
        """Whether the server has configured this gateway and is still there."""
        return self._online

    def up(self, uplink: Uplink) -> bool:
        """Forward an uplink; False when it is filtered or the server out of reach."""
        if not self._online:
            return False
        message = self._station.up(uplink)
        if isinstance(message, Filter):
            log.info(
                "gateway.up.filter gateway_id=%s cause=%s", self._gateway_id, message
            )
            self._on_filtered(message)
            return False
        return self._say(str(message))

    def ack(self, ack: TxAck) -> bool:
        """Report a frame when it is on the air; of a refusal nobody hears."""
        report = self._station.transmitted(ack)
        if report is None:
            return False
        wait_s = max(0.0, (ack.start_s or 0.0) - time.time())
        asyncio.get_running_loop().call_later(wait_s, self._say, str(report))
        return True

    def stats(self, now: float) -> None:
        """Start a new count; the server counts for itself in this protocol."""
        self.gateway.stats(now)

    async def run(self) -> None:
        """Keep the connection up until cancelled."""
        uri, tries, retry_s = "", 0, FIRST_RETRY_S
        while True:
            try:
                uri = uri or await self._discover()
                await self._serve(uri)
            except BROKEN as fault:
                log.warning(
                    "gateway.station.broken gateway_id=%s error=%s retry_s=%.2f",
                    *(self._gateway_id, fault, retry_s),
                )
            if self._was_online():
                tries, retry_s = 0, FIRST_RETRY_S
            await asyncio.sleep(retry_s)
            tries, retry_s = tries + 1, min(2 * retry_s, LAST_RETRY_S)
            uri = uri if tries < TRIES else ""
            tries %= TRIES

    async def close(self) -> None:
        """Leave with a closing handshake."""
        connection, self._online = self._connection, False
        if connection is not None:
            await connection.close()

    def cut(self) -> None:
        """Be gone from one moment to the next."""
        connection, self._online = self._connection, False
        self._connection = None
        if connection is not None:
            connection.transport.abort()

    async def _discover(self) -> str:
        async with connect_to(self._server.uri + DISCOVERY_PATH) as connection:
            await connection.send(str(RouterInfoRequest(router=self._gateway_id)))
            answer = await asyncio.wait_for(connection.recv(), ANSWER_S)
        info = RouterInfo.parse(answer)
        if info.error:
            raise Malformed(f"the server refuses this gateway: {info.error}")
        return info.uri

    async def _serve(self, uri: str) -> None:
        """Connect, say the version, and take what comes until the connection ends."""
        async with connect_to(uri) as connection:
            self._connection = connection
            self._unsent = asyncio.Queue(MOST_UNSENT)
            await connection.send(str(VERSION))
            tasks = [
                asyncio.create_task(self._write(connection, self._unsent)),
                asyncio.create_task(self._keep_time()),
            ]
            try:
                async for text in connection:
                    self._receive(text)
            finally:
                self._connection = None
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _write(
        self, connection: ClientConnection, unsent: "asyncio.Queue[str]"
    ) -> None:
        while True:
            await connection.send(await unsent.get())

    async def _keep_time(self) -> None:
        while True:
            self._say(str(self._station.ask_time(time.time())))
            await asyncio.sleep(TIME_SYNC_S)

    def _receive(self, text: str | bytes) -> None:
        try:
            self._take(parse_from_server(text))
        except Malformed as fault:
            log.warning(
                "gateway.down.drop gateway_id=%s reason=%s", self._gateway_id, fault
            )
            self._on_refused()

    def _take(self, message: FromServer) -> None:
        match message:
            case RouterConfig():
                self._station.configure(message)
                self._reached()
            case DnMsg():
                self._on_downlink(self.gateway, self._station.down(message))
            case DnSched():
                for downlink in self._station.scheduled(message):
                    self._on_downlink(self.gateway, downlink)
            case TimeSync():
                self._station.note_time(message, time.time())
            case RefusedCommand(kind=kind):
                raise Malformed(f"{kind} asks for a shell; a simulator has none")
            case Complaint(error=error):
                log.warning(
                    "gateway.station.complaint gateway_id=%s error=%s",
                    *(self._gateway_id, error),
                )

    def _reached(self) -> None:
        if not self._online:
            log.info("gateway.station.online gateway_id=%s", self._gateway_id)
            self._online = True
            self._on_online(self)

    def _was_online(self) -> bool:
        was_online, self._online = self._online, False
        if was_online:
            log.warning("gateway.station.offline gateway_id=%s", self._gateway_id)
        return was_online

    def _say(self, text: str) -> bool:
        """Queue a message; False when there is no connection or it is too slow."""
        try:
            self._unsent.put_nowait(text)
        except asyncio.QueueFull:
            return False
        return self._connection is not None


def connect_to(uri: str) -> connect:
    """A websocket without proxy or compression, as Basics Station makes it."""
    return connect(
        uri,
        proxy=None,
        compression=None,
        open_timeout=ANSWER_S,
        close_timeout=GOODBYE_S,
    )
