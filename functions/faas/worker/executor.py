"""The worker's side of the processes in which handlers run."""

import logging
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from faas import framing, manifest
from faas.errors import Miswired
from faas.framing import END, PID, SPAWN
from faas.manifest import Batched, Known, Planned

START_S: Final = 30.0

_log = logging.getLogger(__name__)

__all__ = ["Executor", "Executors", "HandlerLost", "HandlersGone", "Template"]


class HandlerLost(Exception):
    """The process in which handlers ran died or had to be ended; says why."""


class HandlersGone(HandlerLost):
    """The process that holds the handlers died: no event is to blame."""


class Template:
    """A process that has loaded the handlers of a folder and forks executors."""

    def __init__(self, folder: Path) -> None:
        """Load the folder; `Miswired` says what is wrong with it."""
        self._lock = threading.Lock()
        self._alive = 0
        self._socket, theirs = socket.socketpair()
        with theirs:
            number = str(theirs.fileno())
            argv = [sys.executable, "-m", "faas.worker.child", number, str(folder)]
            self._process = subprocess.Popen(argv, pass_fds=[theirs.fileno()])
        try:
            found = self._hello()
            self.functions = manifest.read(found["functions"])
            self.planned = manifest.read_planned(found["planned"])
            self.batched = manifest.read_batched(found["batched"])
        except BaseException:
            self.close()
            raise

    def spawn(self) -> "Executor":
        """Fork an executor."""
        ours, theirs = socket.socketpair()
        try:
            with theirs, self._lock:
                socket.send_fds(self._socket, [SPAWN], [theirs.fileno()])
                pid = self._number()
                self._alive += 1
        except OSError:
            ours.close()
            raise
        return Executor(template=self, socket=ours, pid=pid)

    def end(self, pid: int) -> int:
        """End an executor and return its exit code, negative for a signal."""
        with self._lock:
            self._alive -= 1
            try:
                self._socket.sendall(END + PID.pack(pid))
                return self._number()
            except OSError:  # it died, and its executors with it
                return -signal.SIGKILL

    @property
    def gone(self) -> bool:
        """Whether the process that holds the handlers has died."""
        return self._process.poll() is not None

    def close_if_unused(self) -> None:
        """End it if none of its executors is alive."""
        if not self._alive:
            self.close()

    def close(self) -> None:
        """End it, and its executors with it."""
        self._socket.close()
        self._process.kill()
        self._process.wait()

    def _number(self) -> int:
        answer = framing.receive(self._socket)
        if answer is None:
            raise OSError("the process that holds the handlers died")
        (number,) = PID.unpack(answer)
        return int(number)

    def _hello(self) -> dict[str, Any]:
        self._socket.settimeout(START_S)
        try:
            hello = framing.receive(self._socket)
        except OSError as error:
            raise Miswired([f"the handlers did not load: {error}"]) from error
        if hello is None:
            status = self._process.wait()
            raise Miswired([f"loading the handlers ended with status {status}"])
        found: dict[str, Any] = orjson.loads(hello)
        if "faults" in found:
            raise Miswired(found["faults"])
        return found


@dataclass(slots=True, kw_only=True, eq=False)
class Executor:
    """One process that runs handlers, one batch at a time."""

    template: Template
    socket: socket.socket
    pid: int

    def run(
        self, batch: bytes, only: Collection[str] = (), *, timeout_s: float
    ) -> list[dict[str, Any]]:
        """
        Return what the functions answered to a CloudEvents batch.

        `HandlerLost` when the process died, or took longer and was ended.
        """
        names = ",".join(only).encode()
        request = len(names).to_bytes(2, "big") + names + batch
        try:
            self.socket.settimeout(timeout_s)
            framing.send(self.socket, request)
            answer = framing.receive(self.socket)
        except TimeoutError:
            self.end()
            raise HandlerLost(f"ended after {timeout_s:g} s without answer") from None
        except OSError:
            answer = None
        if answer is None:
            lost = HandlersGone if self.template.gone else HandlerLost
            raise lost(f"its process died ({_said(self.end())})")
        found = orjson.loads(answer)
        if not isinstance(found, list):
            self.end()
            raise HandlerLost(f"its app refused the batch: {found}")
        return found

    def end(self) -> int:
        """End the process and return its exit code."""
        self.socket.close()
        return self.template.end(self.pid)


class Executors:
    """Executors of the newest code that works, replaced when they are lost."""

    def __init__(self, folder: Path, count: int) -> None:
        """Start them; `Miswired` says what is wrong with the folder."""
        self._folder, self._count = folder, count
        self._changed = threading.Condition()
        self._template = Template(folder)
        self._idle = [self._template.spawn() for _ in range(count)]
        self._missing = 0
        self._reviving = threading.Lock()

    @property
    def functions(self) -> tuple[Known, ...]:
        """The functions of the code at work."""
        return self._template.functions

    @property
    def planned(self) -> tuple[Planned, ...]:
        """The scheduled functions of the code at work."""
        return self._template.planned

    @property
    def batched(self) -> tuple[Batched, ...]:
        """The functions of the code at work that take exact ranges."""
        return self._template.batched

    def reload(self) -> None:
        """
        Load the folder anew and put the new code to work.

        `Miswired`: the new code cannot run, and the old keeps running.
        """
        template = Template(self._folder)
        fresh = [template.spawn() for _ in range(self._count)]
        self._replace(template, fresh)

    def _replace(self, template: Template, fresh: list[Executor]) -> None:
        with self._changed:
            retired, self._idle, self._missing = self._idle, fresh, 0
            old, self._template = self._template, template
            self._changed.notify_all()
        for executor in retired:
            executor.end()
        old.close_if_unused()

    @contextmanager
    def borrow(self) -> Iterator[Executor]:
        """
        Lend an executor; one that is lost meanwhile is replaced.

        `Miswired` or OSError when it must be and cannot; the next to ask tries again.
        """
        executor = self._take()
        try:
            yield executor
        except HandlerLost:
            self._restore(executor.template)
            raise
        except BaseException:
            with suppress(OSError):
                executor.end()
            self._restore(executor.template)
            raise
        else:
            self._give_back(executor)

    def _take(self) -> Executor:
        with self._changed:
            self._changed.wait_for(lambda: self._idle or self._missing)
            if self._idle:
                return self._idle.pop()
            self._missing -= 1
            template = self._template
        return self._spawn(template)

    def _restore(self, template: Template) -> None:
        """Replace an executor that was lost, if its code is still at work."""
        if template is not self._template:
            template.close_if_unused()
            return
        with suppress(OSError, Miswired):  # then the next to ask tries
            self._give_back(self._spawn(template))

    def _spawn(self, template: Template) -> Executor:
        try:
            return template.spawn()
        except OSError as error:
            _log.error("worker.template.lost error=%r", str(error))
            return self._revive(template)

    def _revive(self, dead: Template) -> Executor:
        """Load the handlers anew, for the process that held them is gone."""
        try:
            with self._reviving:
                if self._template is dead:
                    fresh = Template(self._folder)
                    dead.close()
                    spawned = [fresh.spawn() for _ in range(self._count - 1)]
                    self._replace(fresh, spawned)
            return self._template.spawn()
        except (OSError, Miswired):
            with self._changed:
                self._missing += 1
                self._changed.notify()
            raise

    def close(self) -> None:
        """End all of them; one at work is lost."""
        with self._changed:
            idle, self._idle = self._idle, []
        for executor in idle:
            with suppress(OSError):  # a Ctrl-C ends the whole process group at once
                executor.end()
        self._template.close()

    def _give_back(self, executor: Executor) -> None:
        with self._changed:
            if executor.template is self._template:
                self._idle.append(executor)
                self._changed.notify()
                return
        # Its code was replaced while it ran.
        with suppress(OSError):
            executor.end()
        executor.template.close_if_unused()


def _said(exit_code: int) -> str:
    return f"signal {-exit_code}" if exit_code < 0 else f"status {exit_code}"
