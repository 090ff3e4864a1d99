"""
The server's other processes: started by it, ended by it, never left behind.

A child is given one end of a ``Link`` and nothing else; where that ends, it ends.
"""

import logging
import pickle
import signal
import socket
import subprocess
import sys
from typing import Any

from chirpstack_embedded.adapters.link import Link

STOP_S = 5.0
LOG_FORMAT = "%(asctime)s %(levelname)s %(message)s"


class Child:
    """A process that runs one module of this package."""

    def __init__(self, module: str, *given: Any) -> None:
        ours, theirs = socket.socketpair()
        descriptor = theirs.fileno()
        argv = [sys.executable, "-m", f"chirpstack_embedded.{module}", str(descriptor)]
        with theirs:
            self._process = subprocess.Popen(
                argv, pass_fds=(descriptor,), stdin=subprocess.DEVNULL
            )
        self.link = Link(ours)
        self.link.send(pickle.dumps(given))

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def stop(self) -> None:
        """Close the link, wait for the end, and help if it does not come."""
        self.link.close()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once."""
        self.link.close()
        self._process.kill()
        self._process.wait()

    def end(self) -> str:
        """Wait for an end that has begun; say how it came, as ``signal 9``."""
        code = self._process.wait()
        return f"code {code}" if code >= 0 else f"signal {-code}"


def accept_link() -> tuple[Link, Any]:
    """Return a child's link and what its parent gave it."""
    # A terminal and a supervisor signal the whole group; the parent decides.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    link = Link(socket.socket(fileno=int(sys.argv[1])))
    given = link.receive()
    if given is None:
        raise SystemExit(0)
    return link, pickle.loads(given)  # noqa: S301 - from the process that started this one


def log_to_stderr(level: str) -> None:
    """Log as the whole server does."""
    logging.basicConfig(level=level.upper(), stream=sys.stderr, format=LOG_FORMAT)
