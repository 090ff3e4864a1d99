"""
Messages between two processes of the server, over a socket pair.

A message is its length and a ``marshal``led value: both ends are one program, run by
one interpreter. When one process dies, the other reads the end of the stream; that is
how nobody is left behind.
"""

import marshal
import socket
import struct
import threading
from typing import Any

_LENGTH = struct.Struct("!I")
_READ = 1 << 18
_WITHOUT_REFERENCES = 2  # marshal's format 2 does not look for equal objects


class Link:
    """One end; any thread may send, one thread receives."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._stream = end.makefile("rb", buffering=_READ)
        self._lock = threading.Lock()

    def send(self, message: Any) -> bool:
        """Send tuples, lists, texts, octets and numbers; False: nobody is there."""
        body = marshal.dumps(message, _WITHOUT_REFERENCES)
        with self._lock:
            try:
                self._end.sendall(_LENGTH.pack(len(body)) + body)
            except OSError:
                return False
        return True

    def receive(self) -> Any:
        """Wait for a message; None when the other process is gone."""
        try:
            head = self._stream.read(_LENGTH.size)
            if len(head) < _LENGTH.size:
                return None
            (size,) = _LENGTH.unpack(head)
            body = self._stream.read(size)
        except OSError:
            return None
        return marshal.loads(body) if len(body) == size else None  # noqa: S302 - from our own other half

    def close(self) -> None:
        """Let the other process read the end."""
        self._end.shutdown(socket.SHUT_RDWR)
        self._stream.close()
        self._end.close()
