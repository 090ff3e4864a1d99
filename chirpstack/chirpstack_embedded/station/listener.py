"""The websockets of the bridge: a way in which gateways reach the server."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from chirpstack_embedded.adapters.gateway_backend import OnMessage, OnRefused
from chirpstack_embedded.core.context import Transmission
from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.errors import ChirpStackError
from chirpstack_embedded.station.bridge import Bridge
from wire.errors import Illegal, Malformed
from wire.eui64 import EUI64
from wire.station import DISCOVERY_PATH, RouterInfo, RouterInfoRequest, read_eui

Address = tuple[str, int]

STATS_S = 30.0
PING_S = 30.0
SILENT_S = 60.0
DISCOVERY_S = 10.0
MESSAGE_OCTETS = 64 * 1024
MOST_UNSENT = 256
DATA_PATH = "/gateway/"

logger = logging.getLogger(__name__)


class StationListener:
    """A thread with an event loop, and every gateway's connection in it."""

    def __init__(
        self,
        plan: RegionPlan,
        bind: Address,
        *,
        on_message: OnMessage,
        on_refused: OnRefused = lambda *_: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._region_config_id = plan.region.id
        self._bridge = Bridge(plan.region.broker.topic_prefix, plan)
        self._bind = bind
        self._on_message = on_message
        self._on_refused = on_refused
        self._clock = clock
        self._lock = threading.Lock()
        self._unsent: dict[EUI64, asyncio.Queue[str]] = {}
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._listening: threading.Event = threading.Event()
        self._fault: OSError | None = None
        self._port = 0
        self._thread = threading.Thread(target=self._run, name="station", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    @property
    def is_ready(self) -> bool:
        """Whether it listens."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Listen; one sentence when somebody else does already."""
        self._thread.start()
        self._listening.wait()
        if self._fault is not None:
            self._thread.join()
            host, port = self._bind
            raise ChirpStackError(f"cannot listen on {host}:{port}: {self._fault}")
        logger.info("gw.station.listen host=%s port=%d", self._bind[0], self._port)

    def stop(self) -> None:
        """Say goodbye to every gateway and end the thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    def send(self, transmission: Transmission, *, as_json: bool) -> bool:  # noqa: ARG002 - this protocol is JSON
        """Send one downlink to a gateway that is connected here; False to others."""
        with self._lock:
            is_ours = self._bridge.knows(EUI64.parse(transmission.gateway_id))
            if is_ours:
                self._ask(transmission)
        if is_ours:
            self._loop.call_soon_threadsafe(self._let_out)
        return is_ours

    def _ask(self, transmission: Transmission) -> None:
        try:
            self._bridge.send(transmission.frame, self._clock())
        except Illegal as fault:
            self._drop("unsendable", transmission.gateway_id, str(fault))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except OSError as error:
            self._fault = error
        finally:
            self._listening.set()
            self._loop.close()

    async def _serve(self) -> None:
        host, port = self._bind
        server = await serve(
            self._connected,
            host,
            port,
            process_request=self._admit,
            compression=None,
            max_size=MESSAGE_OCTETS,
            ping_interval=PING_S,
            ping_timeout=SILENT_S,
            close_timeout=1.0,
            logger=self._library_log(),
            create_connection=self._connection_type(),
        )
        async with server:
            self._port = next(iter(server.sockets)).getsockname()[1]
            reports = asyncio.create_task(self._report())
            self._listening.set()
            await self._stopping.wait()
            reports.cancel()

    def _connection_type(self) -> type[ServerConnection]:
        """Connections that count what is no websocket; the library says nothing."""
        drop = self._drop

        class Connection(ServerConnection):
            def connection_lost(self, exc: Exception | None) -> None:
                fault = self.protocol.handshake_exc
                if self.request is None and fault is not None:
                    drop("no_websocket", str(self.remote_address), str(fault))
                super().connection_lost(exc)

        return Connection

    def _library_log(self) -> logging.Logger:
        """What the library finds wrong (no websocket, a bad frame) is a drop too."""
        log = logging.getLogger(f"{__name__}.websockets")
        log.propagate = False
        log.setLevel(logging.ERROR)
        log.handlers = [_Drops(self._drop)]
        return log

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse what is neither discovery nor a gateway's data connection."""
        path = request.path.partition("?")[0]
        if path == DISCOVERY_PATH or _gateway_id(path) is not None:
            return None
        self._drop("bad_path", str(connection.remote_address), repr(request.path[:80]))
        return connection.respond(HTTPStatus.NOT_FOUND, "no such endpoint\n")

    async def _connected(self, connection: ServerConnection) -> None:
        request = connection.request
        path = request.path.partition("?")[0] if request else ""
        try:
            gateway_id = _gateway_id(path)
            if gateway_id is None:
                await self._discover(connection)
            else:
                await self._talk(connection, gateway_id)
        except (ConnectionClosed, TimeoutError) as end:
            logger.debug("gw.station.end path=%s reason=%s", path, end)

    async def _discover(self, connection: ServerConnection) -> None:
        text = await asyncio.wait_for(connection.recv(), DISCOVERY_S)
        try:
            router = RouterInfoRequest.parse(text).router
        except Malformed as fault:
            nobody = EUI64(bytes(8))
            self._drop("malformed", str(connection.remote_address), str(fault))
            answer = RouterInfo(router=nobody, muxs=nobody, error=str(fault))
        else:
            answer = RouterInfo(
                router=router, muxs=router, uri=self._uri(connection, router)
            )
        await connection.send(str(answer))

    def _uri(self, connection: ServerConnection, router: EUI64) -> str:
        """The address by which this gateway already reached us."""
        request = connection.request
        host = request.headers.get("Host", "") if request else ""
        return f"ws://{host or f'{self._bind[0]}:{self._port}'}{DATA_PATH}{router}"

    async def _talk(self, connection: ServerConnection, gateway_id: EUI64) -> None:
        with self._lock:
            is_new = self._bridge.connect(gateway_id)
        if not is_new:
            self._drop("already_connected", str(gateway_id), "a second connection")
            return
        logger.info("gw.station.connect gateway_id=%s", gateway_id)
        self._unsent[gateway_id] = asyncio.Queue(MOST_UNSENT)
        writer = asyncio.create_task(self._write(connection, gateway_id))
        try:
            async for message in connection:
                self._take(gateway_id, message)
        finally:
            with self._lock:
                self._bridge.disconnect(gateway_id)
            del self._unsent[gateway_id]
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            logger.info("gw.station.disconnect gateway_id=%s", gateway_id)

    def _take(self, gateway_id: EUI64, message: str | bytes) -> None:
        if isinstance(message, bytes):
            octets = len(message)
            self._drop("binary", str(gateway_id), f"{octets} octets of a remote shell")
            return
        try:
            with self._lock:
                self._bridge.receive(gateway_id, message, self._clock())
        except Malformed as fault:
            self._drop("malformed", str(gateway_id), str(fault))
        self._let_out()

    async def _write(self, connection: ServerConnection, gateway_id: EUI64) -> None:
        unsent = self._unsent[gateway_id]
        while True:
            await connection.send(await unsent.get())

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(STATS_S)
            with self._lock:
                self._bridge.report(self._clock())
            self._let_out()

    def _let_out(self) -> None:
        with self._lock:
            messages, events = self._bridge.messages(), self._bridge.events()
        for gateway_id, text in messages:
            self._queue(gateway_id, text)
        for topic, payload in events:
            self._on_message(self._region_config_id, topic, payload)

    def _queue(self, gateway_id: EUI64, text: str) -> None:
        unsent = self._unsent.get(gateway_id)
        if unsent is None:
            self._drop("disconnected", str(gateway_id), "it left meanwhile")
            return
        try:
            unsent.put_nowait(text)
        except asyncio.QueueFull:
            self._drop("slow_gateway", str(gateway_id), "it reads too slowly")

    def _drop(self, cause: str, who: str, reason: str) -> None:
        self._on_refused(cause, f"protocol=station who={who} reason={reason}")


class _Drops(logging.Handler):
    """Says in one line what the library would say in a traceback."""

    def __init__(self, drop: Callable[[str, str, str], None]) -> None:
        super().__init__()
        self._drop = drop

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record."""
        error = record.exc_info[1] if record.exc_info else None
        self._drop("websocket", record.getMessage(), repr(error))


def _gateway_id(path: str) -> EUI64 | None:
    if not path.startswith(DATA_PATH):
        return None
    text = path.removeprefix(DATA_PATH)
    try:
        return EUI64.parse(text) if text.isalnum() else read_eui(text)
    except Malformed:
        return None
