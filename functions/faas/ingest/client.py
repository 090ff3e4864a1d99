"""
paho's client with a buffered socket and a path of its own for PUBLISH.

Stock paho spends about 60 µs on each message, this about 3. It overrides a
private hook, so paho is pinned and `tests/faas` watches it.
"""

import select
import ssl
import time
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from city.settings import Mqtt
from faas.ingest.packets import NotOurs, Publish, puback, take_publish

TOPIC: Final = "$share/garonne/application/+/device/+/event/+"
SESSION_EXPIRY_S: Final = 30 * 86_400
RECEIVE_MAXIMUM: Final = 1_000
KEEP_ALIVE_S: Final = 30
CONNECT_S: Final = 5.0
_READ: Final = 1 << 18
_SEND_S: Final = 10.0
_NOT_NOW: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

__all__ = ["TOPIC", "Client", "ConnectionGone"]


class ConnectionGone(Exception):
    """The connection to the broker is gone; says why as far as is known."""


class BufferedSocket:
    """A socket that reads ahead, with the methods that paho calls."""

    def __init__(self, plain: Any) -> None:
        self._plain = plain
        # What TLS has deciphered but not given out: no select tells of it.
        self._inside = getattr(plain, "pending", int)
        self.buffer = bytearray()
        self.ended = False

    def fill(self) -> None:
        """Read what has arrived."""
        while True:
            try:
                found = self._plain.recv(_READ)
            except _NOT_NOW:
                return
            except OSError:
                found = b""
            self.ended = not found
            self.buffer += found
            if self.ended or not self._inside():
                return

    def recv(self, size: int) -> bytes:
        """Return at most so many bytes; BlockingIOError when there are none yet."""
        if not self.buffer:
            if self.ended:
                return b""
            raise BlockingIOError
        found = bytes(self.buffer[:size])
        del self.buffer[:size]
        return found

    def send(self, data: bytes) -> int:
        """Send what fits."""
        sent: int = self._plain.send(data)
        return sent

    def send_all(self, data: bytes) -> None:
        """Send all of it, waiting for room."""
        self._plain.settimeout(_SEND_S)
        try:
            self._plain.sendall(data)
        finally:
            self._plain.setblocking(False)

    def pending(self) -> int:
        """How many bytes are read ahead."""
        return len(self.buffer)

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return int(self._plain.fileno())

    def setblocking(self, flag: bool) -> None:
        """Stay as it is: this socket never blocks."""
        self._plain.setblocking(False)
        del flag

    def close(self) -> None:
        """Close the connection."""
        self._plain.close()


class Client(mqtt.Client):
    """Receives messages in lumps, and acknowledges them when told to."""

    def __init__(self, client_id: str, broker: Mqtt) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=mqtt.MQTTv5,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        self._broker = broker
        self.subscribed = False
        self.connection = 0
        self._why = ""
        self._buffered: BufferedSocket | None = None
        self._slow: list[Publish] = []
        if broker.username is not None:
            self.username_pw_set(broker.username, broker.password)
        if broker.tls:
            self.tls_set(ca_certs=broker.ca_file)
        self.connect_timeout = CONNECT_S
        self.on_connect = self._on_connected
        self.on_subscribe = self._on_subscribed
        self.on_disconnect = self._on_disconnected
        self.on_message = self._on_slow_message

    def open(self) -> None:
        """Connect with the session that waits for us; `ConnectionGone` if refused."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho
        properties.SessionExpiryInterval = SESSION_EXPIRY_S
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        self.subscribed, self._why = False, ""
        self.connection += 1
        try:
            self.connect(
                self._broker.host,
                self._broker.port,
                KEEP_ALIVE_S,
                clean_start=False,
                properties=properties,
            )
        except OSError as error:
            raise ConnectionGone(str(error)) from error

    def poll(self, timeout_s: float) -> list[Publish]:
        """Return the messages that have come, waiting so long for the first."""
        buffered = self._live()
        while self.want_write():
            self._check(self.loop_write())
        ready, _, _ = select.select([buffered], [], [], timeout_s)
        if ready:
            buffered.fill()
        found = self._take(buffered)
        self._check(self.loop_misc())
        if buffered.ended:
            self._check(self.loop_read())
        while self.want_write():
            self._check(self.loop_write())
        return found

    def acknowledge(self, mids: list[int]) -> None:
        """Send the PUBACK of each of these messages, in one write."""
        data = puback(mids)
        if not data:
            return
        try:
            self._live().send_all(data)
        except OSError as error:
            self.loop_read()
            raise ConnectionGone(str(error)) from error
        self._last_msg_out = time.monotonic()

    def leave(self) -> None:
        """Disconnect; the session, and what waits in it, stays with the broker."""
        self.disconnect()
        if self._buffered is not None and self.want_write():
            self.loop_write()

    def _create_socket(self) -> Any:
        plain: Any = super()._create_socket()  # with TLS round it, if told so
        self._buffered = BufferedSocket(plain)
        return self._buffered

    def _take(self, buffered: BufferedSocket) -> list[Publish]:
        found: list[Publish] = []
        start, buffer = 0, buffered.buffer
        while True:
            if self._in_packet["command"] == 0:
                try:
                    taken = take_publish(buffer, start)
                except NotOurs:
                    pass
                else:
                    if taken is None:
                        break
                    found.append(taken[0])
                    start = taken[1]
                    continue
            del buffer[:start]
            start = 0
            if not buffer:
                break
            self._check(self.loop_read())
        del buffer[:start]
        if found:
            self._last_bytes_received = time.monotonic()
        slow, self._slow = self._slow, []
        return found + slow

    def _live(self) -> BufferedSocket:
        if self._buffered is None or self.socket() is None:
            raise ConnectionGone(self._why or "the broker closed the connection")
        return self._buffered

    def _check(self, code: MQTTErrorCode) -> None:
        if code != mqtt.MQTT_ERR_SUCCESS or self.socket() is None:
            raise ConnectionGone(self._why or mqtt.error_string(code))

    def _on_connected(
        self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _props: Any
    ) -> None:
        if reason.is_failure:
            self._why = f"the broker refused us: {reason}"
        else:
            self.subscribe(TOPIC, qos=1)

    def _on_subscribed(
        self, _client: Any, _data: Any, _mid: int, codes: list[ReasonCode], _props: Any
    ) -> None:
        refused = [str(code) for code in codes if code.is_failure]
        self.subscribed = not refused
        if refused:
            self._why = f"the broker refused the subscription: {refused[0]}"
            self.disconnect()

    def _on_disconnected(
        self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _props: Any
    ) -> None:
        self._why = self._why or str(reason)

    def _on_slow_message(self, _client: Any, _data: Any, message: Any) -> None:
        topic: bytes = message._topic  # noqa: SLF001 - the bytes as they came
        self._slow.append(Publish(message.mid, topic, message.payload))
