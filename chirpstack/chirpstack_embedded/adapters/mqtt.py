"""
One MQTT 5 connection that never gives up.

paho speaks the protocol: connect, TLS, subscribe, keep-alive.  PUBLISH and
PUBACK go past it, straight between buffers and callbacks, because paho spends
80 µs on each message that comes and 200 µs on each that leaves.  That needs a
private hook of paho (``_create_socket``), which is why its version is pinned.
"""

import logging
import os
import secrets
import select
import threading
import time
from collections.abc import Callable
from enum import Enum
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from chirpstack_embedded.adapters import packets
from chirpstack_embedded.adapters.buffered_socket import BufferedSocket
from chirpstack_embedded.config import Broker

logger = logging.getLogger(__name__)

FIRST_BACK_OFF_S = 0.5
MAX_BACK_OFF_S = 15.0
CONNECT_TIMEOUT_S = 5.0
MAX_OUTSTANDING = 2000
IDLE_S = 1.0
GOODBYE_S = 2.0
# paho numbers its SUBSCRIBEs from 1; ours must not meet them.
_FIRST_MID, _LAST_MID = 1000, 65_535


class Fate(Enum):
    """What became of a message of QoS 1."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    LOST = "lost"
    """The connection ended before the broker answered."""


OnMessage = Callable[[str, bytes], None]
OnFate = Callable[[int, Fate], None]


class Connection:
    """
    A client of one broker; callbacks run on the connection's own thread.

    ``topic_filter`` is subscribed as a shared subscription at every CONNACK,
    unless the broker says it has none (contract §1.1).  ``on_change`` is called
    whenever ``is_ready`` has changed.
    """

    def __init__(
        self,
        name: str,
        broker: Broker,
        *,
        topic_filter: str,
        on_message: OnMessage,
        on_fate: OnFate = lambda _token, _fate: None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._name = name
        self._broker = broker
        self._filter = topic_filter
        self._on_message = on_message
        self._on_fate = on_fate
        self._on_change = on_change
        self.is_ready = False
        self.max_outstanding = MAX_OUTSTANDING
        self._client = self._make_client()
        self._lock = threading.Lock()
        self._tokens: dict[int, int] = {}
        self._mid = _FIRST_MID
        self._stopping = threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        self._is_woken = False
        self._thread = threading.Thread(target=self._run, name=f"mqtt-{name}")

    def start(self) -> None:
        """Connect in the background, again and again until ``stop``."""
        self._thread.start()

    def stop(self) -> None:
        """Send what waits, say goodbye and end the thread."""
        self._stopping.set()
        self._wake()
        self._thread.join()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def publish(self, topic: str, payload: bytes, token: int | None = None) -> bool:
        """
        Send one message; any thread may.  False: there is no connection now.

        With a token, ``on_fate`` tells what became of it.
        """
        with self._lock:
            socket = self._client.buffered
            if not self.is_ready or socket is None:
                return False
            mid = self._next_mid() if self._broker.qos else 0
            if mid and token is not None:
                self._tokens[mid] = token
            socket.send(packets.publish(topic, payload, mid))
        self._wake()
        if not mid and token is not None:
            self._on_fate(token, Fate.ACCEPTED)  # QoS 0 promises no more
        return True

    def _run(self) -> None:
        back_off_s = FIRST_BACK_OFF_S
        while not self._stopping.is_set():
            if self._connect():
                back_off_s = FIRST_BACK_OFF_S
                self._converse()
                self._lose()
            self._stopping.wait(back_off_s)
            back_off_s = min(2 * back_off_s, MAX_BACK_OFF_S)

    def _connect(self) -> bool:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho leaves it bare
        properties.SessionExpiryInterval = int(self._broker.session_expiry_interval_s)
        try:
            self._client.connect(
                self._broker.host,
                self._broker.port,
                keepalive=int(self._broker.keep_alive_interval_s),
                clean_start=self._broker.clean_session,
                properties=properties,
            )
        except OSError as error:
            logger.warning("mqtt.connect.fail name=%s reason=%s", self._name, error)
            return False
        return True

    def _converse(self) -> None:
        socket = self._client.buffered
        while socket is not None and not socket.ended and self._client.socket():
            self._wait(socket)
            socket.fill()
            self._take(socket)
            self._client.loop_misc()
            while self._client.want_write():
                self._client.loop_write()
            socket.flush()
            if self._stopping.is_set():
                self._say_goodbye(socket)
                return

    def _wait(self, socket: BufferedSocket) -> None:
        descriptor = socket.fileno()
        writing = [descriptor] if socket.wants_to_write else []
        waiting = 0.0 if socket.pending() else IDLE_S
        reading = [descriptor, self._wake_read]
        readable, _, _ = select.select(reading, writing, [], waiting)
        if self._wake_read in readable:
            os.read(self._wake_read, 4096)
            self._is_woken = False  # before the flush, which sees all sent until now

    def _take(self, socket: BufferedSocket) -> None:
        start, acknowledgements = 0, bytearray()
        while (found := self._next(socket, start)) is not None:
            packet, start = found
            if isinstance(packet, packets.Publish):
                self._on_message(packet.topic, packet.payload)
                if packet.mid:
                    acknowledgements += packets.puback(packet.mid)
            elif isinstance(packet, packets.PubAck):
                self._settle(packet)
            else:
                del socket.arrived[:start]
                start = 0
                if not self._give_to_paho(socket):
                    break
        del socket.arrived[:start]
        if acknowledgements:
            socket.send(bytes(acknowledgements))
        if start:
            self._client.note_life()

    def _next(
        self, socket: BufferedSocket, start: int
    ) -> tuple[packets.Publish | packets.PubAck | packets.Other, int] | None:
        if self._client.is_reading:
            # paho has begun a packet of its own: the next octets are its.
            return packets.OTHER, start
        return packets.take(socket.arrived, start)

    def _give_to_paho(self, socket: BufferedSocket) -> bool:
        before = len(socket.arrived)
        self._client.loop_read()
        return len(socket.arrived) < before and bool(socket.arrived)

    def _settle(self, answer: packets.PubAck) -> None:
        with self._lock:
            token = self._tokens.pop(answer.mid, None)
        if token is not None:
            self._on_fate(token, Fate.ACCEPTED if answer.accepted else Fate.REFUSED)

    def _lose(self) -> None:
        with self._lock:
            self.is_ready = False
            lost, self._tokens = list(self._tokens.values()), {}
        if not self._stopping.is_set():
            logger.warning(
                "mqtt.connect.lose name=%s unanswered=%d", self._name, len(lost)
            )
        self._client.let_go()
        self._on_change()
        for token in lost:
            self._on_fate(token, Fate.LOST)

    def _say_goodbye(self, socket: BufferedSocket) -> None:
        self._client.disconnect()
        deadline = time.monotonic() + GOODBYE_S
        while socket.wants_to_write and not socket.ended:
            if time.monotonic() > deadline:
                return
            select.select([], [socket], [], 0.1)
            socket.flush()

    def _next_mid(self) -> int:
        # Far fewer are outstanding than there are numbers.
        while True:
            self._mid = self._mid + 1 if self._mid < _LAST_MID else _FIRST_MID
            if self._mid not in self._tokens:
                return self._mid

    def _wake(self) -> None:
        if not self._is_woken:
            self._is_woken = True
            os.write(self._wake_write, b"\x00")

    def _make_client(self) -> "PassiveClient":
        client = PassiveClient(self._broker)
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        return client

    def _connected(
        self, client: Client, _data: Any, _flags: Any, code: ReasonCode, answer: Any
    ) -> None:
        if code.is_failure:
            logger.warning("mqtt.connect.refuse name=%s reason=%s", self._name, code)
            return
        receive_maximum = getattr(answer, "ReceiveMaximum", MAX_OUTSTANDING)
        self.max_outstanding = min(MAX_OUTSTANDING, receive_maximum)
        shared = getattr(answer, "SharedSubscriptionAvailable", 1)
        prefix = f"$share/{self._broker.share_name}/" if shared else ""
        logger.info("mqtt.connect.ok name=%s filter=%s", self._name, self._filter)
        client.subscribe(f"{prefix}{self._filter}", qos=self._broker.qos)

    def _subscribed(
        self, client: Client, _data: Any, _mid: int, codes: Any, _properties: Any
    ) -> None:
        if any(code.is_failure for code in codes):
            logger.error("mqtt.subscribe.refuse name=%s reason=%s", self._name, codes)
            client.disconnect()  # and again, after the back-off
            return
        self.is_ready = True
        self._on_change()


class PassiveClient(Client):
    """paho with our socket under it and without a loop of its own."""

    def __init__(self, broker: Broker) -> None:
        self.buffered: BufferedSocket | None = None
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=broker.client_id or secrets.token_hex(8),
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        self.connect_timeout = CONNECT_TIMEOUT_S
        if broker.username:
            self.username_pw_set(broker.username, broker.password)
        if broker.tls:
            self.tls_set(
                ca_certs=broker.ca_cert or None,
                certfile=broker.tls_cert or None,
                keyfile=broker.tls_key or None,
            )

    @property
    def is_reading(self) -> bool:
        """Whether a packet is half read."""
        return bool(self._in_packet["command"])

    def note_life(self) -> None:
        """Messages that went past paho are signs of life, too (keep-alive)."""
        self._last_bytes_received = time.monotonic()

    def let_go(self) -> None:
        """Close what is left of a connection."""
        socket, self.buffered = self.buffered, None
        if socket is not None:
            self._sock_close()
            socket.close()

    def _create_socket(self) -> Any:
        plain: Any = super()._create_socket()
        plain.setblocking(False)
        self.buffered = BufferedSocket(plain)
        return self.buffered
