"""Merge what the parts print: one readable stream for people, one file per part."""

import contextlib
import os
import time
import zlib
from collections import deque
from pathlib import Path
from typing import BinaryIO, TextIO

from garonne.state import private_folder

__all__ = ["Logs", "wants_colour"]

COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)
REMEMBERED_LINES = 20
LONGEST_LINE = 64 * 1024


def wants_colour(stream: TextIO) -> bool:
    """Whether to colour: on a terminal, unless NO_COLOR is set."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


class Logs:
    """
    Takes bytes as the parts print them and hands on whole lines.

    The files are $GARONNE_STATE/log/<part>.log; the run before is <part>.log.1.
    """

    def __init__(self, folder: Path, stream: TextIO, *, quiet: bool = False) -> None:
        self._folder = private_folder(folder)
        self._stream = stream
        self._quiet = quiet
        self._colour = wants_colour(stream)
        self._files: dict[str, BinaryIO] = {}
        self._rest: dict[str, bytes] = {}
        self._last: dict[str, deque[str]] = {}

    def feed(self, name: str, data: bytes) -> None:
        """Take what a part printed, in pieces of any size."""
        *lines, rest = (self._rest.get(name, b"") + data).split(b"\n")
        if len(rest) > LONGEST_LINE:
            lines, rest = [*lines, rest], b""
        self._rest[name] = rest
        for line in lines:
            self._line(name, line)

    def end(self, name: str) -> None:
        """Take note that the part prints no more: half a line is a line now."""
        rest = self._rest.pop(name, b"")
        if rest:
            self._line(name, rest)

    def say(self, sentence: str) -> None:
        """Print a sentence of the supervisor's own."""
        self._write_file("garonne", sentence.encode())
        self._print("garonne", sentence)

    def last_words(self, name: str) -> list[str]:
        """Return the part's last lines, oldest first."""
        return list(self._last.get(name, ()))

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()

    def _line(self, name: str, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip("\r")
        self._last.setdefault(name, deque(maxlen=REMEMBERED_LINES)).append(text)
        self._write_file(name, line)
        if not self._quiet:
            self._print(name, text)

    def _print(self, name: str, text: str) -> None:
        prefix = f"{name:<12}"
        if self._colour:
            colour = COLOURS[zlib.crc32(name.encode()) % len(COLOURS)]
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        with contextlib.suppress(OSError, ValueError):  # the terminal may be gone
            self._stream.write(f"{prefix} {text}\n")
            self._stream.flush()

    def _write_file(self, name: str, line: bytes) -> None:
        file = self._files.get(name) or self._open(name)
        stamp = time.strftime("%H:%M:%S ").encode() if name == "garonne" else b""
        with contextlib.suppress(OSError):  # a full disk must not stop the city
            file.write(stamp + line + b"\n")

    def _open(self, name: str) -> BinaryIO:
        path = self._folder / f"{name}.log"
        if path.exists():
            path.replace(path.with_suffix(".log.1"))
        self._files[name] = file = path.open("wb", buffering=0)
        return file
