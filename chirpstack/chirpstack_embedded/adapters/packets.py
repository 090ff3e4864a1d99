"""
The MQTT 5 packets of the hot path, as octets; pure.

PUBLISH of QoS 0 and 1 both ways and their PUBACKs (MQTT 5 §3.3, §3.4).
Everything else is left to paho.
"""

from dataclasses import dataclass

_PUBLISH = 0x30
_PUBACK = 0x40
_KIND, _QOS, _QOS_2 = 0xF0, 0x06, 0x04
_MORE, _FAILURE = 0x80, 0x80
_LONGEST_LENGTH = 4
_PUBACK_WITH_REASON = 3


@dataclass(frozen=True, slots=True)
class Publish:
    """A message that came; ``mid`` 0 means QoS 0: nobody acknowledges it."""

    topic: str
    payload: bytes
    mid: int


@dataclass(frozen=True, slots=True)
class PubAck:
    """The broker's answer to a message of ours."""

    mid: int
    accepted: bool


@dataclass(frozen=True, slots=True)
class Other:
    """A packet that is not of the hot path, or not well formed."""


OTHER = Other()


def take(
    buffer: bytes | bytearray, start: int
) -> tuple[Publish | PubAck | Other, int] | None:
    """
    Read the packet at ``start``; returns it and where the next one begins.

    None: not complete yet.  ``Other`` is not consumed.
    """
    if start >= len(buffer):
        return None
    head = buffer[start]
    is_publish = head & _KIND == _PUBLISH and head & _QOS < _QOS_2
    if not is_publish and head != _PUBACK:
        return OTHER, start
    length = _varint(buffer, start + 1)
    if length is None:
        return None
    size, at = length
    if size < 0:
        return OTHER, start
    if at + size > len(buffer):
        return None
    body = bytes(buffer[at : at + size])
    packet = _publish(head, body) if is_publish else _puback(body)
    return (packet, at + size) if packet else (OTHER, start)


def publish(topic: str, payload: bytes, mid: int) -> bytes:
    """Write a PUBLISH; QoS 1 if it has a packet identifier, else QoS 0."""
    name = topic.encode()
    head = _PUBLISH | (0x02 if mid else 0)
    body = len(name).to_bytes(2) + name
    if mid:
        body += mid.to_bytes(2)
    body += b"\x00"  # no properties
    return bytes((head,)) + _length(len(body) + len(payload)) + body + payload


def puback(mid: int) -> bytes:
    """Write a PUBACK: success."""
    return b"\x40\x02" + mid.to_bytes(2)


def _publish(head: int, body: bytes) -> Publish | None:
    topic_end = 2 + int.from_bytes(body[:2])
    mid_end = topic_end + (2 if head & _QOS else 0)
    properties = _varint(body, mid_end)
    if properties is None or properties[0] < 0 or sum(properties) > len(body):
        return None
    try:
        topic = body[2:topic_end].decode()
    except UnicodeDecodeError:
        return None
    mid = int.from_bytes(body[topic_end:mid_end])
    return Publish(topic, body[sum(properties) :], mid)


def _puback(body: bytes) -> PubAck | None:
    if len(body) < 2:  # noqa: PLR2004 - the size of a packet identifier
        return None
    reason = body[2] if len(body) >= _PUBACK_WITH_REASON else 0
    return PubAck(int.from_bytes(body[:2]), accepted=reason < _FAILURE)


def _varint(buffer: bytes | bytearray, at: int) -> tuple[int, int] | None:
    """Read a variable byte integer: value (-1 if malformed) and end; None: cut off."""
    value = 0
    for position in range(_LONGEST_LENGTH):
        if at + position >= len(buffer):
            return None
        octet = buffer[at + position]
        value |= (octet & ~_MORE) << 7 * position
        if octet < _MORE:
            return value, at + position + 1
    return -1, at + _LONGEST_LENGTH


def _length(value: int) -> bytes:
    octets = bytearray()
    while value >= _MORE:
        octets.append(value & 0x7F | _MORE)
        value >>= 7
    octets.append(value)
    return bytes(octets)
