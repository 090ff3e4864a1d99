"""
The fast path of MQTT: complete PUBLISH packets straight out of a buffer.

Only what ingest needs at every message is here (MQTT 5 §3.3, §3.4); every other
packet is left to the client library. Pure.
"""

from dataclasses import dataclass
from typing import Final

NOT_ACKED: Final = 0
"""Packet identifier of a message of QoS 0, which nobody acknowledges."""

_QOS_0: Final = 0x30
_QOS_1: Final = 0x32
_IGNORED_FLAGS: Final = 0x09  # DUP and RETAIN
_MORE: Final = 0x80
_LONGEST_LENGTH: Final = 4

__all__ = ["NOT_ACKED", "NotOurs", "Publish", "puback", "take_publish"]


class NotOurs(Exception):
    """The next packet is complete or not, but no PUBLISH of QoS 0 or 1."""


@dataclass(frozen=True, slots=True)
class Publish:
    """One message: its packet identifier, topic (UTF-8) and payload."""

    mid: int
    topic: bytes
    payload: bytes


def take_publish(buffer: bytes | bytearray, start: int) -> tuple[Publish, int] | None:
    """
    Read the packet at `start`; return it with where the next begins.

    None: not complete yet. `NotOurs`: some other packet.
    """
    if start >= len(buffer):
        return None
    qos = buffer[start] & ~_IGNORED_FLAGS
    if qos not in {_QOS_0, _QOS_1}:
        raise NotOurs
    found = _varint(buffer, start + 1)
    if found is None or sum(found) > len(buffer):
        return None
    length, at = found
    end = at + length
    topic_end = at + 2 + int.from_bytes(buffer[at : at + 2], "big")
    mid_end = topic_end + (2 if qos == _QOS_1 else 0)
    properties = _varint(buffer, mid_end)
    if properties is None or sum(properties) > end:
        raise NotOurs  # malformed: the library closes the connection
    return Publish(
        mid=int.from_bytes(buffer[topic_end:mid_end], "big"),
        topic=bytes(buffer[at + 2 : topic_end]),
        payload=bytes(buffer[sum(properties) : end]),
    ), end


def puback(mids: list[int]) -> bytes:
    """Return one PUBACK for each packet identifier (reason: success, left out)."""
    return b"".join(b"\x40\x02" + mid.to_bytes(2, "big") for mid in mids if mid)


def _varint(buffer: bytes | bytearray, at: int) -> tuple[int, int] | None:
    """Read a variable byte integer (§1.5.5): its value and where it ends."""
    value = 0
    for position in range(_LONGEST_LENGTH):
        if at + position >= len(buffer):
            return None
        byte = buffer[at + position]
        value |= (byte & ~_MORE) << 7 * position
        if byte < _MORE:
            return value, at + position + 1
    raise NotOurs
