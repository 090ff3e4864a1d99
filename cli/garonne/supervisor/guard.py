"""Wait for the end of standard input, then kill the process groups named on it."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterable


def main(lines: Iterable[str]) -> None:
    """Read `+pid` and `-pid` lines to their end and kill who is left."""
    watched: set[int] = set()
    for line in lines:
        pid = int(line[1:])
        (watched.add if line[0] == "+" else watched.discard)(pid)
    for pid in watched:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.stdin)
