"""The supervisor's hands: processes, pipes, signals and clocks around the core."""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import FrameType

from garonne import probes
from garonne.parts import Part
from garonne.supervisor import core
from garonne.supervisor.leash import Guard, die_with_parent
from garonne.supervisor.logs import Logs
from garonne.supervisor.outages import Outage, Outages

__all__ = ["Runner"]

IDLE_S = 1.0
PROBE_TIMEOUT_S = 0.5
READ_BYTES = 65536

# What a child inherits from the person's environment; all else is its part's own.
INHERITED = (
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "PATH",
    "PYTHONPATH",
    "TMPDIR",
    "TZ",
    "USER",
    "VIRTUAL_ENV",
)


@dataclass(slots=True)
class _Child:
    part: Part
    process: subprocess.Popen[bytes]
    output: int


class Runner:
    """
    Run a table of parts until SIGINT, SIGTERM or a failure at the start.

    Single-threaded on purpose: the kernel ties each child's life to the thread
    that started it.
    """

    def __init__(
        self,
        parts: list[Part],
        logs: Logs,
        *,
        failpoint: str = "",
        on_change: Callable[["Runner"], None] = lambda _runner: None,
        outages: Iterable[Outage] = (),
    ) -> None:
        self.core = core.Supervision(parts)
        self._logs = logs
        self._failpoint = failpoint
        self._on_change = on_change
        self._outages = Outages(outages)
        self._children: dict[str, _Child] = {}
        self._selector = selectors.DefaultSelector()
        self._asked_to_stop = False
        self._tie = die_with_parent()

    @property
    def pids(self) -> Mapping[str, int]:
        """The pid of every living part."""
        return {name: child.process.pid for name, child in self._children.items()}

    def run(self, on_up: Callable[[], None] = lambda: None) -> int:
        """Run to the end; return the exit code."""
        self._guard = Guard()
        try:
            with self._signals():
                self._loop(on_up)
        finally:
            self._guard.dismiss()
            self._on_change(self)
        return 1 if self.core.failure else 0

    def why_it_failed(self) -> str:
        """Return the one sentence: which part, what happened, its own last words."""
        failure = self.core.failure
        words = self._logs.last_words(failure.split(" ", 1)[0]) if failure else []
        return f"{failure}: {words[-1].strip()}" if words else failure

    def _loop(self, on_up: Callable[[], None]) -> None:
        up_since: float | None = None
        self.core.tick(time.monotonic())
        while not self.core.is_over:
            self._act()
            self._wait()
            self._reap()
            if self._asked_to_stop:
                self.core.stop(time.monotonic())
            self.core.tick(time.monotonic())
            if self.core.is_up and up_since is None:
                up_since = time.monotonic()
                on_up()
            if up_since is not None:
                self._outages.act(self.core, up_since, time.monotonic())

    def _act(self) -> None:
        changed = False
        for action in self.core.actions():
            changed = self._do(action) or changed
        for note in self.core.notes():
            changed = True
            self._logs.say(note)
        if changed:
            self._on_change(self)

    def _do(self, action: core.Action) -> bool:
        match action:
            case core.Start(name=name, again=again):
                self._start(self.core.lives[name].part, again)
            case core.Probe(name=name):
                self._probe(name)
                return False
            case core.Terminate(name=name):
                self._signal(name, signal.SIGTERM)
            case core.Kill(name=name):
                self._signal(name, signal.SIGKILL)
        return True

    def _start(self, part: Part, again: int) -> None:
        reading, writing = os.pipe()
        try:
            process = subprocess.Popen(
                part.argv,
                env=self._environment(part, again),
                stdin=subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                start_new_session=True,
                preexec_fn=self._tie,  # noqa: PLW1509 -- single-threaded, see class
            )
        except OSError as error:
            os.close(reading)
            self._logs.feed(part.name, f"{part.argv[0]}: {error.strerror}\n".encode())
            self.core.exited(part.name, 127, time.monotonic())
            return
        finally:
            os.close(writing)
        os.set_blocking(reading, False)
        self._guard.started(process.pid)
        self._children[part.name] = _Child(part, process, reading)
        self._selector.register(reading, selectors.EVENT_READ, part.name)

    def _environment(self, part: Part, again: int) -> dict[str, str]:
        kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
        # A failpoint kills its program once; started again, it must get past it.
        once = {"GARONNE_FAILPOINT": self._failpoint} if self._failpoint else {}
        return {**kept, "PYTHONUNBUFFERED": "1", **part.env, **({} if again else once)}

    def _probe(self, name: str) -> None:
        found = probes.ask(self.core.lives[name].part.ready, PROBE_TIMEOUT_S)
        now = time.monotonic()
        if found is None:
            self.core.answered(name, now)
        else:
            self.core.not_yet(name, found, now)

    def _signal(self, name: str, sign: int) -> None:
        child = self._children.get(name)
        if child:
            with contextlib.suppress(ProcessLookupError):
                child.process.send_signal(sign)

    def _wait(self) -> None:
        pause_s = self.core.next_deadline() - time.monotonic()
        for key, _ in self._selector.select(max(0.0, min(pause_s, IDLE_S))):
            if key.data is None:
                os.read(key.fd, READ_BYTES)
            else:
                self._read(key.data, key.fd)

    def _read(self, name: str, descriptor: int) -> bool:
        try:
            data = os.read(descriptor, READ_BYTES)
        except BlockingIOError:
            return False
        self._logs.feed(name, data)
        if not data:  # it closed its output, but may live on
            with contextlib.suppress(KeyError):
                self._selector.unregister(descriptor)
        return bool(data)

    def _reap(self) -> None:
        for name, child in list(self._children.items()):
            code = child.process.poll()
            if code is not None:
                self._bury(name, child)
                self.core.exited(name, code, time.monotonic())

    def _bury(self, name: str, child: _Child) -> None:
        while self._read(name, child.output):
            pass
        self._logs.end(name)
        with contextlib.suppress(KeyError):
            self._selector.unregister(child.output)
        os.close(child.output)
        # What the part itself started and left behind goes with it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.process.pid, signal.SIGKILL)
        self._guard.ended(child.process.pid)
        del self._children[name]

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Wake the loop when a child ends and when we are asked to stop."""
        reading, writing = os.pipe()
        for descriptor in (reading, writing):
            os.set_blocking(descriptor, False)
        self._selector.register(reading, selectors.EVENT_READ, None)
        before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        handlers = {
            sign: signal.signal(sign, handler)
            for sign, handler in (
                (signal.SIGINT, self._stop),
                (signal.SIGTERM, self._stop),
                (signal.SIGHUP, self._stop),
                (signal.SIGCHLD, lambda _sign, _frame: None),
            )
        }
        try:
            yield
        finally:
            for sign, handler in handlers.items():
                signal.signal(sign, handler)
            signal.set_wakeup_fd(before)
            self._selector.unregister(reading)
            os.close(reading)
            os.close(writing)

    def _stop(self, _sign: int, _frame: FrameType | None) -> None:
        self._asked_to_stop = True
