"""Messages over a stream socket: four bytes of length, then the message."""

import socket
import struct
from typing import Final

SPAWN: Final = b"S"
"""Worker to template: fork an executor for the socket that comes along."""

END: Final = b"E"
"""Worker to template: end the executor with the pid that follows."""

PID: Final = struct.Struct("!q")
_LENGTH: Final = 4

__all__ = ["END", "PID", "SPAWN", "receive", "send"]


def send(peer: socket.socket, message: bytes) -> None:
    """Send one message."""
    peer.sendall(len(message).to_bytes(_LENGTH, "big") + message)


def receive(peer: socket.socket) -> bytes | None:
    """Return the next message; None: the peer is gone."""
    head = _exactly(peer, _LENGTH)
    return None if head is None else _exactly(peer, int.from_bytes(head, "big"))


def _exactly(peer: socket.socket, length: int) -> bytes | None:
    message = bytearray(length)
    view, done = memoryview(message), 0
    while done < length:
        received = peer.recv_into(view[done:])
        if not received:
            return None
        done += received
    return bytes(message)
