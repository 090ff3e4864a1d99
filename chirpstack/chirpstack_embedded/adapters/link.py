"""
Messages between two processes of the server, over a socket pair.

A message is its length and a ``marshal``led value: both ends are one program, run by
one interpreter. When one process dies, the other reads the end of the stream; that is
how nobody is left behind.
"""

import marshal
import select
import socket
import struct
import threading
from contextlib import suppress
from typing import Any

_LENGTH = struct.Struct("!I")
_READ = 1 << 18
_WITHOUT_REFERENCES = 2  # marshal's format 2 does not look for equal objects


class Link:
    """One end; any thread may send, one thread receives."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._arrived = bytearray()
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

    def receive(self, timeout_s: float | None = None) -> Any:
        """
        Wait for a message; None when the other process is gone.

        ``TimeoutError`` when nothing came for so long.
        """
        while (message := self._cut()) is None:
            try:
                self._end.settimeout(timeout_s)
                found = self._end.recv(_READ)
            except TimeoutError:
                raise
            except OSError:
                found = b""
            if not found:
                return None
            self._arrived += found
        return message

    def wait_for_end(self) -> None:
        """Wait until the other process is gone, whatever else it said before."""
        waiting = select.poll()
        waiting.register(self._end, 0)  # the end of a stream is told unasked
        while not waiting.poll():
            pass

    def close(self) -> None:
        """Let the other process read the end."""
        with suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)
        self._end.close()

    def _cut(self) -> Any:
        arrived = self._arrived
        if len(arrived) < _LENGTH.size:
            return None
        end = _LENGTH.size + _LENGTH.unpack_from(arrived)[0]
        if len(arrived) < end:
            return None
        message = marshal.loads(memoryview(arrived)[_LENGTH.size : end])  # noqa: S302 - from our own other half
        del arrived[:end]
        return message
