"""The state folder: who runs in it, which ports it uses, where the parts answer."""

import fcntl
import json
import os
import random
import socket
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from garonne.errors import Refused

__all__ = [
    "Lock",
    "Ports",
    "Run",
    "is_free",
    "private_folder",
    "read_run",
    "runner_pid",
    "secret",
    "write_private",
]

# Below the range from which the kernel takes ports for outgoing connections.
PORT_RANGE = range(20000, 32000)


def private_folder(path: Path) -> Path:
    """Create the folder, readable by its owner only; return it."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Refused(f"{path} cannot be made: {error.strerror}") from None
    return path


def write_private(path: Path, text: str) -> None:
    """Replace the file whole, readable by its owner only."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 -- a descriptor with its mode
        file.write(text)
    temporary.replace(path)


def secret(path: Path, characters: int = 32) -> str:
    """Return the secret kept in this file; make a random one first if there is none."""
    if not path.exists():
        private_folder(path.parent)
        write_private(path, os.urandom(characters).hex()[:characters])
    return path.read_text(encoding="utf-8").strip()


class Lock:
    """The right to run in a state folder; the kernel takes it back when we die."""

    def __init__(self, state: Path) -> None:
        self.path = private_folder(state) / "lock"
        self._file: TextIO | None = None

    def take(self) -> None:
        """Take the folder, or refuse in a sentence with the pid of who has it."""
        try:
            file = self.path.open("a+", encoding="utf-8")
        except OSError as error:
            raise Refused(f"{self.path} cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            pid = file.read().strip() or "unknown"
            file.close()
            raise Refused(
                f"garonne already runs in {self.path.parent} (pid {pid}); "
                "`garonne status` shows it, `garonne down` stops it"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def release(self) -> None:
        """Give the folder back."""
        if self._file:
            self._file.close()
            self._file = None


def runner_pid(state: Path) -> int | None:
    """Return the pid of the supervisor that runs in this folder, if one does."""
    try:
        file = (state / "lock").open("r", encoding="utf-8")
    except OSError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            text = file.read().strip()
            return int(text) if text.isdigit() else None
    return None


def is_free(port: int) -> bool:
    """Whether a listener could be opened on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Ports:
    """
    Loopback ports, one per name, the same at every start where possible.

    `moved` says which remembered port was taken by another program.
    """

    def __init__(self, state: Path) -> None:
        self._path = private_folder(state) / "ports.json"
        self._ports: dict[str, int] = _json_of(self._path)
        self._random = random.Random(zlib.crc32(str(state.absolute()).encode()))  # noqa: S311 -- spreads folders over ports, no secret
        self.moved: list[str] = []

    def choose(self, names: Iterable[str]) -> dict[str, int]:
        """Return a free port for each name and remember it."""
        chosen = {}
        for name in names:
            remembered = self._ports.get(name)
            if remembered and is_free(remembered):
                chosen[name] = remembered
                continue
            chosen[name] = self._new(taken=set(chosen.values()))
            if remembered:
                self.moved.append(
                    f"port {remembered} of {name} is taken by another program; "
                    f"using {chosen[name]} instead"
                )
        self._ports |= chosen
        write_private(self._path, json.dumps(self._ports, indent=1))
        return chosen

    def _new(self, taken: set[int]) -> int:
        avoid = taken | set(self._ports.values())
        for _ in range(1000):
            port = self._random.choice(PORT_RANGE)
            if port not in avoid and is_free(port):
                return port
        raise Refused("no free port was found on 127.0.0.1 between 20000 and 32000")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a second terminal needs to know of a running stack."""

    pid: int
    state: str
    city: str
    environment: Mapping[str, str]
    parts: tuple[Mapping[str, Any], ...] = field(default=())

    def write(self, folder: Path) -> None:
        """Write run.json, readable by its owner only: it holds credentials."""
        document = {
            "pid": self.pid,
            "state": self.state,
            "city": self.city,
            "environment": dict(self.environment),
            "parts": [dict(part) for part in self.parts],
        }
        write_private(folder / "run.json", json.dumps(document, indent=1))


def read_run(state: Path) -> Run | None:
    """Return what runs in this folder, or None when nothing does."""
    pid = runner_pid(state)
    document = _json_of(state / "run.json")
    if pid is None or document.get("pid") != pid:
        return None
    return Run(
        pid=pid,
        state=document["state"],
        city=document["city"],
        environment=document["environment"],
        parts=tuple(document["parts"]),
    )


def _json_of(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
