"""
One gateway's connection to the broker: MQTT 5, QoS 0, kept up with a back-off.

paho speaks the protocol (connect, last will, subscribe, keep-alive); the bytes go
through asyncio, and a PUBLISH is written by hand: a gateway publishes thousands a
second, and paho's own way costs twenty times as much.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

KEEP_ALIVE_S = 30
FIRST_RETRY_S = 0.25
LAST_RETRY_S = 8.0
UNSENT_BYTES = 4 * 1024 * 1024
CONTINUES = 0x80

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where the broker is, and who we are there."""

    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    ca_file: str = ""

    def context(self) -> ssl.SSLContext | None:
        """Whom to believe, if the line is to be ciphered; empty CA: the system's."""
        if not self.tls:
            return None
        return ssl.create_default_context(cafile=self.ca_file or None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """What the connection says of itself: retained, OFFLINE also as the last will."""

    topic: str
    online: bytes
    offline: bytes


class Link(asyncio.Protocol):
    """A connection that comes back by itself; what cannot be sent now is refused."""

    def __init__(
        self,
        broker: Broker,
        *,
        client_id: str,
        presence: Presence,
        subscription: str,
        on_message: Callable[[str, bytes], None],
        on_online: Callable[[], None],
    ) -> None:
        self.online = False
        self._broker = broker
        self._client_id = client_id
        self._presence = presence
        self._subscription = subscription
        self._on_message = on_message
        self._on_online = on_online
        self._pipe = _Pipe()
        self._client = self._new_client()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Send a message at QoS 0; False when it cannot be sent now."""
        if not self.online or self._pipe.unsent() > UNSENT_BYTES:
            return False
        self._pipe.send(publish_packet(topic, payload, retain=retain))
        return True

    async def run(self) -> None:
        """Keep the connection up until cancelled."""
        retry_s = FIRST_RETRY_S
        while True:
            try:
                retry_s = await self._session(retry_s)
            except OSError as error:
                log.warning(
                    "gateway.mqtt.refused gateway_id=%s error=%s retry_s=%.2f",
                    *(self._client_id, error, retry_s),
                )
            await asyncio.sleep(retry_s)
            retry_s = min(2 * retry_s, LAST_RETRY_S)

    async def close(self) -> None:
        """Say OFFLINE and leave."""
        if self.online:
            self.publish(self._presence.topic, self._presence.offline, retain=True)
            self.online = False
            self._client.disconnect()
            await self._pipe.closed.wait()

    def cut(self) -> None:
        """Be gone without a word: the broker publishes the last will."""
        self.online = False
        self._pipe.abort()

    async def _session(self, retry_s: float) -> float:
        """Connect and stay; returns how long to wait before the next time."""
        self._pipe = pipe = _Pipe()
        broker = self._broker
        loop = asyncio.get_running_loop()
        await loop.create_connection(
            lambda: self, broker.host, broker.port, ssl=broker.context()
        )
        self._client.pipe = pipe
        self._client.connect(broker.host, broker.port, keepalive=KEEP_ALIVE_S)
        was_online = False
        while not pipe.closed.is_set():
            await _within_a_second(pipe.closed)
            was_online = was_online or self.online
            self._client.loop_misc()
        self.online = False
        return FIRST_RETRY_S if was_online else retry_s

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open the pipe that paho takes for a socket."""
        self._pipe.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Let paho read what came, and send what it answered in a callback."""
        self._pipe.arrived += data
        while self._pipe.arrived and self._client.socket() is not None:
            self._client.loop_read()
        self._client.loop_write()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let paho see the end of the stream."""
        del exc
        self._pipe.ended = True
        self._client.loop_read()
        self._pipe.closed.set()

    def _new_client(self) -> "_Client":
        client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        client.will_set(self._presence.topic, self._presence.offline, retain=True)
        if self._broker.user:
            client.username_pw_set(self._broker.user, self._broker.password)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscribed
        client.on_message = self._received
        return client

    def _connected(
        self, client: Client, _: Any, __: Any, reason: Any, ___: Any
    ) -> None:
        if reason.is_failure:
            log.warning(
                "gateway.mqtt.rejected gateway_id=%s reason=%s",
                *(self._client_id, reason),
            )
            self._pipe.close()
            return
        client.subscribe(self._subscription)

    def _subscribed(self, *_: Any) -> None:
        log.info("gateway.mqtt.online gateway_id=%s", self._client_id)
        self.online = True
        self.publish(self._presence.topic, self._presence.online, retain=True)
        self._on_online()

    def _disconnected(self, _: Any, __: Any, ___: Any, reason: Any, ____: Any) -> None:
        if self.online:
            log.warning(
                "gateway.mqtt.offline gateway_id=%s reason=%s",
                *(self._client_id, reason),
            )
        self.online = False

    def _received(self, _: Any, __: Any, message: MQTTMessage) -> None:
        self._on_message(message.topic, bytes(message.payload))


class _Client(Client):
    """paho over our pipe instead of a socket of its own."""

    pipe: "_Pipe"

    def _create_socket(self) -> Any:
        return self.pipe


class _Pipe:
    """What paho needs of a socket, over an asyncio transport."""

    def __init__(self) -> None:
        self.arrived = bytearray()
        self.ended = False
        self.closed = asyncio.Event()
        self.transport: asyncio.Transport | None = None
        self._leaving = bytearray()

    def recv(self, size: int) -> bytes:
        """Up to ``size`` bytes that came; empty at the end of the stream."""
        if not self.arrived and not self.ended:
            raise BlockingIOError
        data = bytes(self.arrived[:size])
        del self.arrived[:size]
        return data

    def send(self, data: bytes | bytearray) -> int:
        """Take all of it: whole packets only, sent together at the end of this turn."""
        if not self._leaving:
            asyncio.get_running_loop().call_soon(self._flush)
        self._leaving += data
        return len(data)

    def unsent(self) -> int:
        """Bytes that the broker has not taken yet."""
        if self.transport is None:
            return 0
        return len(self._leaving) + self.transport.get_write_buffer_size()

    def pending(self) -> int:
        """Bytes that paho may read without waiting."""
        return len(self.arrived)

    def fileno(self) -> int:
        """No descriptor: asyncio watches it."""
        return -1

    def setblocking(self, blocking: bool) -> None:
        """Never blocks."""

    def abort(self) -> None:
        """Close at once."""
        if self.transport is not None:
            self.transport.abort()

    def close(self) -> None:
        """Send what is left and close."""
        self._flush()
        if self.transport is not None:
            self.transport.close()

    def _flush(self) -> None:
        if self._leaving and self.transport is not None:
            self.transport.write(bytes(self._leaving))
        self._leaving.clear()


def publish_packet(topic: str, payload: bytes, *, retain: bool = False) -> bytes:
    """An MQTT 5 PUBLISH of QoS 0 without properties (5.0 §3.3)."""
    name = topic.encode()
    length = 2 + len(name) + 1 + len(payload)
    return b"".join(
        (
            b"\x31" if retain else b"\x30",
            _variable_length(length),
            len(name).to_bytes(2, "big"),
            name,
            b"\x00",
            payload,
        )
    )


def _variable_length(length: int) -> bytes:
    """A Variable Byte Integer (5.0 §1.5.5)."""
    out = bytearray()
    while length >= CONTINUES:
        out.append(CONTINUES | length % CONTINUES)
        length //= CONTINUES
    out.append(length)
    return bytes(out)


async def _within_a_second(event: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(event.wait(), 1.0)
    except TimeoutError:
        return
