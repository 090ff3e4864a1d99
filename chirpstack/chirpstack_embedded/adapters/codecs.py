"""The server's side of the process that runs codecs."""

import logging
import threading
from collections import deque
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
        self._asked: dict[Job, deque[int]] = {}
        self._jobs: dict[int, Job] = {}
        """Unanswered, in their order."""
        self._answers: dict[int, str] = {}

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
            self._asked.clear()
            self._jobs.clear()
            self._answers.clear()
            self._tidy()
            self._send(self._number(jobs))

    def run(self, job: Job) -> str:
        """Return the verdict."""
        with self._lock:
            if job not in self._asked:
                self._tidy()
                self._send(self._number([job]))
            numbers = self._asked[job]
            number = numbers.popleft()
            if not numbers:
                del self._asked[job]
            while number in self._jobs:
                if not self._hear():
                    self._find_culprit()
            return self._answers.pop(number)

    def _tidy(self) -> None:
        """Begin again, when nothing is open, before there are too many scripts."""
        if len(self._scripts) > MOST_SCRIPTS and not self._jobs:
            self._kill()

    def _number(self, jobs: Iterable[Job]) -> list[int]:
        numbers = []
        for job in jobs:
            number = next(self._numbers)
            self._jobs[number] = job
            self._asked.setdefault(job, deque()).append(number)
            numbers.append(number)
        return numbers

    def _send(self, numbers: Iterable[int]) -> None:
        fresh: list[tuple[int, str]] = []
        lines: list[tuple[int, int, str, str]] = []
        child = self._living()
        for number in numbers:
            job = self._jobs[number]
            script = self._scripts.get(job.script)
            if script is None:
                script = self._scripts[job.script] = len(self._scripts)
                fresh.append((script, job.script))
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
            if self._jobs.pop(number, None) is not None:
                self._answers[number] = answer
        return True

    def _find_culprit(self) -> None:
        """Run what is open again, one by one, until a call hangs or kills again."""
        left = list(self._jobs)
        self._kill()
        while left:
            number = left.pop(0)
            self._send([number])
            while number in self._jobs and self._hear():
                pass
            if number in self._jobs:
                script = self._jobs.pop(number).script
                logger.warning("codec.kill script_octets=%d", len(script))
                self._answers[number] = f"{INTERRUPTED}\n"
                self._kill()
                break
        self._send(left)

    def _living(self) -> Child:
        if self._child is None:
            self._is_ready = False
            self._child = Child("codec_process", self._limits)
        return self._child

    def _kill(self) -> None:
        if self._child is not None:
            self._child.kill()
        self._child = None
        self._scripts.clear()
