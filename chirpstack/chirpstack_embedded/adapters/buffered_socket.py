"""A socket that reads ahead and writes behind, with the methods paho calls."""

import ssl
import threading
from typing import Any

_READ = 1 << 18
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class BufferedSocket:
    """
    ``fill`` and ``flush`` move octets; everything else works on the buffers.

    Any thread may ``send``; the others belong to the thread that runs the loop.
    """

    def __init__(self, plain: Any) -> None:
        self._plain = plain
        self._lock = threading.Lock()
        self._unsent = bytearray()
        self.arrived = bytearray()
        self.ended = False

    def fill(self) -> None:
        """Read what has come, as much as there is."""
        try:
            found = self._plain.recv(_READ)
        except _NOT_NOW:
            return
        except OSError:
            found = b""
        self.ended = self.ended or not found
        self.arrived += found

    def flush(self) -> None:
        """Write what fits."""
        with self._lock:
            if not self._unsent or self.ended:
                return
            try:
                sent = self._plain.send(self._unsent)
            except _NOT_NOW:
                return
            except OSError:
                self.ended = True
                return
            del self._unsent[:sent]

    @property
    def wants_to_write(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self._unsent)

    def send(self, data: bytes) -> int:
        """Take all of it; it leaves with the next ``flush``."""
        with self._lock:
            self._unsent += data
        return len(data)

    def recv(self, size: int) -> bytes:
        """Return what was read ahead; BlockingIOError when there is nothing yet."""
        if not self.arrived:
            if self.ended:
                return b""
            raise BlockingIOError
        found = bytes(self.arrived[:size])
        del self.arrived[:size]
        return found

    def pending(self) -> int:
        """How much is read ahead, TLS's own buffer included."""
        inner = getattr(self._plain, "pending", None)
        return len(self.arrived) + (inner() if inner else 0)

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return int(self._plain.fileno())

    def setblocking(self, _flag: bool) -> None:
        """Never block, whatever paho wishes."""
        self._plain.setblocking(False)

    def close(self) -> None:
        """Close the connection."""
        self.ended = True
        self._plain.close()
