"""
No orphan survives the supervisor, however it dies.

Two nets. On Linux the kernel kills each child when the thread that started it
dies (PR_SET_PDEATHSIG; so start children from the main thread). Everywhere, a
small guard process holds the read end of a pipe: when the supervisor is gone
the pipe ends, and the guard kills the process groups it was told of, which
also reaches the children's children.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

__all__ = ["Guard", "die_with_parent"]

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def die_with_parent(sign: int = signal.SIGKILL) -> Callable[[], None] | None:
    """Return a preexec_fn that ties the child's life to ours, or None."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, sign, 0, 0, 0)
        if os.getppid() != parent:  # it died between fork and prctl
            os._exit(1)

    return tie


class Guard:
    """The process that outlives us for as long as it takes to kill our children."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("guard.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def started(self, pid: int) -> None:
        """Watch over this process group."""
        self._tell(f"+{pid}")

    def ended(self, pid: int) -> None:
        """Forget it: the kernel may give the number to somebody else."""
        self._tell(f"-{pid}")

    def dismiss(self) -> None:
        """End the guard; what it still watches is killed."""
        with contextlib.suppress(OSError):
            if self._process.stdin:
                self._process.stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        with contextlib.suppress(OSError):
            if self._process.stdin:
                self._process.stdin.write(f"{line}\n".encode())
                self._process.stdin.flush()
