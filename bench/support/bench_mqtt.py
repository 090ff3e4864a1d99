"""
A client of MQTT 5 that costs a generator next to nothing.

Packets are made before the clock runs and leave in lumps; what comes in is cut out of
a buffer and stamped once per read. It knows what the benches need and no more: no
keep-alive, no reconnecting, no QoS 2.
"""

import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 1, 2, 3, 4, 8, 9
_READ: Final = 1 << 16  # larger is slower: each read allocates as much
_MORE: Final = 0x80
_LUMP_S: Final = 0.001  # how long due packets may wait for company
_GRANTED: Final = (0, 1, 2)

Heard = Callable[[bytes, bytes, float], None]
"""Is given topic, payload and the instant (monotonic s) at which it was read."""


def varint(value: int) -> bytes:
    """Return a variable byte integer (MQTT 5 §1.5.5)."""
    octets = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        octets.append(low | (_MORE if value else 0))
        if not value:
            return bytes(octets)


def publish_packet(topic: str, payload: bytes, mid: int = 0) -> bytes:
    """Return a PUBLISH: QoS 1 with a packet identifier, else QoS 0."""
    name = topic.encode()
    body = struct.pack("!H", len(name)) + name
    if mid:
        body += struct.pack("!H", mid)
    body += b"\0" + payload
    return bytes([PUBLISH << 4 | (2 if mid else 0)]) + varint(len(body)) + body


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where a broker is, and who we are to it."""

    port: int
    host: str = "127.0.0.1"
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str) -> "Broker":
        """Read ``[user:password@]host:port``."""
        login, _, address = text.rpartition("@")
        host, _, port = address.rpartition(":")
        user, _, password = login.partition(":")
        return cls(host=host, port=int(port), user=user, password=password)

    def login(self) -> tuple[int, bytes]:
        """Return the flags and the fields of a CONNECT (MQTT 5 §3.1)."""
        if not self.user:
            return 0, b""
        words = [word.encode() for word in (self.user, self.password)]
        return 0xC0, b"".join(struct.pack("!H", len(word)) + word for word in words)


class Wire:
    """One connection, used by one thread."""

    def __init__(
        self, broker: Broker | int, client_id: str, heard: Heard | None = None
    ) -> None:
        if isinstance(broker, int):
            broker = Broker(port=broker)
        self._heard = heard
        self._buffer = bytearray()
        self.pubacks = 0
        self._granted = self._accepted = False
        self.socket = socket.create_connection((broker.host, broker.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = client_id.encode()
        properties = b"\x21\xff\xff"  # receive maximum 65,535
        flags, login = broker.login()
        body = b"\0\4MQTT\5" + bytes([2 | flags]) + b"\0\0"
        body += varint(len(properties)) + properties
        body += struct.pack("!H", len(name)) + name + login
        self.socket.sendall(bytes([CONNECT << 4]) + varint(len(body)) + body)
        self._await(lambda: self._accepted, "CONNACK")

    def subscribe(self, topic: str) -> None:
        """Subscribe at QoS 1 and wait for the grant."""
        name = topic.encode()
        body = b"\0\1\0" + struct.pack("!H", len(name)) + name + b"\1"
        self._granted = False
        self.socket.sendall(bytes([SUBSCRIBE << 4 | 2]) + varint(len(body)) + body)
        self._await(lambda: self._granted, "SUBACK")

    def send(self, packets: bytes) -> None:
        """Send whole packets, waiting for room."""
        self.socket.sendall(packets)

    def poll(self, timeout_s: float) -> None:
        """Take in what has come, waiting so long for the first."""
        if not select.select([self.socket], [], [], max(timeout_s, 0.0))[0]:
            return
        data = self.socket.recv(_READ)
        if not data:
            raise SystemExit("the broker closed the connection")
        self._buffer += data
        self._cut(time.monotonic())

    def _cut(self, now: float) -> None:
        buffer, at, acks = self._buffer, 0, []
        while (end := _end(buffer, at)) is not None:
            start, stop = end
            kind = buffer[at] >> 4
            if kind == PUBLISH:
                acks.append(self._message(buffer, at, start, stop, now))
            elif kind == PUBACK:
                self.pubacks += 1
            elif kind == CONNACK:
                self._accepted = buffer[start + 1] == 0
            elif kind == SUBACK:
                self._granted = buffer[stop - 1] in _GRANTED
            at = stop
        del buffer[:at]
        if acks:
            self.socket.sendall(b"".join(acks))

    def _message(
        self, buffer: bytearray, at: int, start: int, stop: int, now: float
    ) -> bytes:
        topic_end = start + 2 + int.from_bytes(buffer[start : start + 2])
        with_mid = buffer[at] & 6
        body = topic_end + (2 if with_mid else 0)
        properties, size = _varint(buffer, body)
        if self._heard is not None:
            topic = bytes(buffer[start + 2 : topic_end])
            self._heard(topic, bytes(buffer[properties + size : stop]), now)
        return b"\x40\x02" + buffer[topic_end:body] if with_mid else b""

    def _await(self, done: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 10
        while not done():
            if time.monotonic() > deadline:
                raise SystemExit(f"the broker sent no {what}")
            self.poll(0.1)


def open_loop(
    wire: Wire, packets: Sequence[bytes], rate: float, *, ears: Wire | None = None
) -> tuple[float, float]:
    """
    Send each packet at its instant, whatever the receiver does.

    Gives when the first was due (monotonic s) and by how much the generator itself
    was late at worst. Latency counts from the instants ``first + n / rate``.
    """
    first, sent, late = time.monotonic() + 0.05, 0, 0.0
    listener = ears or wire
    while sent < len(packets):
        now = time.monotonic()
        due = min(len(packets), int((now - first) * rate) + 1) if now >= first else 0
        if due > sent:
            late = max(late, now - (first + sent / rate))
            wire.send(b"".join(packets[sent:due]))
            sent = due
        next_at = max(first + sent / rate, now + _LUMP_S)
        listener.poll(next_at - time.monotonic())
    return first, late


def _end(buffer: bytearray, at: int) -> tuple[int, int] | None:
    """Return where the packet at `at` has its body and where it ends."""
    if len(buffer) < at + 2:
        return None
    try:
        start, length = _varint(buffer, at + 1)
    except IndexError:
        return None
    return (start, start + length) if start + length <= len(buffer) else None


def _varint(buffer: bytearray, at: int) -> tuple[int, int]:
    """Return where a variable byte integer ends, and its value."""
    value = shift = 0
    while True:
        octet = buffer[at]
        value |= (octet & 0x7F) << shift
        at += 1
        if octet < _MORE:
            return at, value
        shift += 7
