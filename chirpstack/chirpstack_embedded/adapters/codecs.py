"""The server's side of the process that runs codecs."""

import logging
import threading
from collections.abc import Iterable, Sequence
from itertools import count

from chirpstack_embedded.adapters.child import Child
from chirpstack_embedded.codec import Job
from chirpstack_embedded.codec_engine import INTERRUPTED, Limits

logger = logging.getLogger(__name__)

START_S = 30.0
PATIENCE = 10
"""How many times its limit a call may take before its process is killed."""
MOST_SCRIPTS = 256


class CodecProcess:
    """
    A ``Runner`` whose engine cannot stop the server.

    The engine stops a script at its limit, but a few operations of the language do
    not look at the clock. A process that gives no answer for ``PATIENCE`` times the
    limit is killed; what it had not answered is run again, one call at a time, and
    the call that does it again is answered as interrupted. So is one that takes the
    process down with it.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._is_ready = False
        self._scripts: dict[str, int] = {}
        self._numbers = count()
        self._jobs: dict[int, Job] = {}
        self._open: dict[Job, int] = {}
        self._answers: dict[Job, str] = {}

    @property
    def pid(self) -> int | None:
        """The process id, while there is a process."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Start the process; the first call would, too."""
        with self._lock:
            self._living()

    def stop(self) -> None:
        """End the process."""
        with self._lock:
            if self._child is not None:
                self._child.stop()
            self._child = None

    def begin(self, jobs: Sequence[Job]) -> None:
        """Send jobs whose answers ``run`` will ask for; forget those of before."""
        with self._lock:
            self._forget()
            self._answers.clear()
            self._send(dict.fromkeys(jobs))

    def run(self, job: Job) -> str:
        """Return the verdict."""
        with self._lock:
            while (answer := self._answers.get(job)) is None:
                if job not in self._open:
                    self._send([job])
                if not self._hear():
                    self._find_culprit()
            return answer

    def _send(self, jobs: Iterable[Job]) -> None:
        fresh: list[tuple[int, str]] = []
        lines: list[tuple[int, int, str, str]] = []
        child = self._living()
        for job in jobs:
            script = self._scripts.get(job.script)
            if script is None:
                script = self._scripts[job.script] = len(self._scripts)
                fresh.append((script, job.script))
            number = self._open[job] = next(self._numbers)
            self._jobs[number] = job
            lines.append((number, script, job.function, job.given))
        if lines:
            child.link.send(("run", fresh, lines))

    def _hear(self) -> bool:
        """Take some answers; False when the process hangs or is gone."""
        patience_s = PATIENCE * self._limits.seconds if self._is_ready else START_S
        if self._child is None:
            return False
        try:
            message = self._child.link.receive(patience_s)
        except TimeoutError:
            return False
        if message is None:
            return False
        self._is_ready = True
        for number, answer in message[1:] and message[1]:
            job = self._jobs.pop(number, None)
            if job is not None:
                self._open.pop(job, None)
                self._answers[job] = answer
        return True

    def _find_culprit(self) -> None:
        """Run what is open again, one by one, until a call hangs or kills again."""
        left = list(self._open)
        self._kill()
        while left:
            job = left.pop(0)
            self._send([job])
            while job in self._open and self._hear():
                pass
            if job in self._open:
                logger.warning("codec.kill script_octets=%d", len(job.script))
                self._kill()
                self._answers[job] = f"{INTERRUPTED}\n"
                break
        self._send(left)

    def _living(self) -> Child:
        if len(self._scripts) > MOST_SCRIPTS:
            self._kill()
        if self._child is None:
            self._scripts.clear()
            self._is_ready = False
            self._child = Child("codec_process", self._limits)
        return self._child

    def _kill(self) -> None:
        self._forget()
        if self._child is not None:
            self._child.kill()
        self._child = None
        self._scripts.clear()

    def _forget(self) -> None:
        self._open.clear()
        self._jobs.clear()
