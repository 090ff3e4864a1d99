"""Watch processes from outside."""

import os
import subprocess
import time
from pathlib import Path


def lines_until(process: subprocess.Popen[str], word: str) -> list[str]:
    """Read what it prints up to the line that holds the word."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if word in line:
            return lines
    raise AssertionError(f"{word!r} never came:\n" + "\n".join(lines))


def lives(pid: int) -> bool:
    """Whether this process runs (a zombie does not)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


def gone(pids: list[int], within_s: float = 5) -> bool:
    """Wait until none of them lives; False when one outlasts the deadline."""
    deadline = time.monotonic() + within_s
    while any(lives(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        os.sched_yield()
    return True
