"""One partition's share of a pool: read, run, commit, in order."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from redis import Redis
from redis.exceptions import ResponseError

from city import keys
from city.failpoint import Failpoint
from city.lease import Lease
from faas import scripts
from faas.functions import DEFAULT_POOL
from faas.manifest import Known
from faas.streams import event_id
from faas.worker.commit import Answer, Commit
from faas.worker.dispatch import Choice, Dispatcher, HandlersChanged, Job, Memory
from faas.worker.entries import Entry, read_entries, read_streams
from faas.worker.memory import Memories
from faas.worker.meters import Meters
from faas.worker.retries import Waiting, read_waiting
from faas.worker.scribe import Scribe

CONSUMER: Final = "worker"
"""The one consumer of a group: whoever holds the lease."""

BLOCK_MS: Final = 250
_RETRIES_EVERY_S: Final = 0.2
_LEFT_EVERY_S: Final = 5.0
_LEASE_LOST: Final = -1

_log = logging.getLogger(__name__)

__all__ = ["LeaseLost", "Partition"]


class LeaseLost(Exception):
    """Another worker owns the partition now; nothing more may be committed."""


@dataclass(slots=True, kw_only=True)
class Partition:
    """Serves one partition of one pool, as long as it holds the lease."""

    redis: Redis
    pool: str
    number: int
    lease: Lease
    dispatcher: Dispatcher
    meters: Meters
    batch: int = 200
    failpoint: Failpoint = field(default_factory=Failpoint)
    now: Callable[[], float] = time.time
    _retries_at: float = 0.0
    _left_at: float = 0.0
    # With it every commit proves that the lease is still the one under which the
    # batch was read: a lease that was lost and won again is another one.
    _token: str = ""
    _memories: Memories = field(init=False)
    _scribe: Scribe = field(init=False)
    _known: tuple[Known, ...] = ()
    _choice: Choice = field(default_factory=lambda: Choice(()))

    def __post_init__(self) -> None:
        self._memories = Memories(redis=self.redis, partition=self.number)
        keeps_twin = self.pool == DEFAULT_POOL
        now = self._now
        self._scribe = Scribe(meters=self.meters, keeps_twin=keeps_twin, now=now)

    def _now(self) -> float:
        return self.now()

    @property
    def group(self) -> str:
        """The pool's consumer group."""
        return keys.pool_group(self.pool)

    @property
    def stream(self) -> str:
        """The partition's stream of events."""
        return keys.events(self.number)

    def open(self) -> None:
        """
        Make the consumer group if it is not there.

        The first group of a stream starts at its beginning; a pool that is added
        later starts now, because nobody wants last month's commands.
        """
        with suppress(ResponseError):  # BUSYGROUP: it is there
            start = "$" if self._has_groups() else "0"
            create = ["XGROUP", "CREATE", self.stream, self.group, start, "MKSTREAM"]
            scripts.send(self.redis, [create])

    def acquire(self) -> bool:
        """Take the lease; tell whether it is ours."""
        held = self.lease.hold()
        self._token = self.lease.token
        self._memories.forget()
        return held

    @property
    def held(self) -> bool:
        """Whether, as far as we know, the lease is still the one we took."""
        return bool(self._token) and self._token == self.lease.token

    def recover(self) -> int:
        """Finish what the last holder of the lease had read; return how many."""
        cursor, done = "0-0", 0
        while True:
            claim = ["XAUTOCLAIM", self.stream, self.group, CONSUMER, 0, cursor]
            (answer,) = scripts.send(self.redis, [[*claim, "COUNT", self.batch]])
            entries = read_entries(self.number, answer[1])
            done += self.handle(entries)
            cursor = answer[0].decode()
            if cursor == "0-0":
                return done

    def step(self, block_ms: int = BLOCK_MS) -> int:
        """Read and handle one batch, and what is due again; return how many events."""
        (answer,) = scripts.send(self.redis, [self._read(block_ms)])
        done = self.handle(read_streams(self.number, answer))
        return done + self._retry_what_is_due()

    def serve(self, going: Callable[[], bool]) -> None:
        """Read, run and commit while told to and the lease is ours."""
        entries: list[Entry] = []
        while self.held and going():
            entries = self._turn(entries)
            if not entries:
                self._claim_what_was_left()
            self._retry_what_is_due()
        if self.held:
            self.handle(entries)

    def _claim_what_was_left(self) -> None:
        """
        Finish what a holder read whose lease ran out before its read came through.

        Only while nothing is in hand: what is has been read and not acknowledged too.
        """
        now = self.now()
        if now >= self._left_at:
            self._left_at = now + _LEFT_EVERY_S
            self.recover()

    def handle(self, entries: Sequence[Entry]) -> int:
        """Run the pool's functions on new entries and commit each with its effects."""
        if not entries:
            return 0
        commit = self._work(entries)
        (answer,) = scripts.send(self.redis, [commit.command()])
        self._settled(commit, answer)
        self._measure(entries)
        return len(entries)

    def _turn(self, entries: Sequence[Entry]) -> list[Entry]:
        """Commit a batch and read the next in one write: both wait for one sync."""
        read = self._read(BLOCK_MS)
        if not entries:
            (answer,) = scripts.send(self.redis, [read])
            return read_streams(self.number, answer)
        commit = self._work(entries)
        answers = scripts.send(self.redis, [commit.command(), read])
        self._settled(commit, answers[0])
        self._measure(entries)
        return read_streams(self.number, answers[1])

    def _read(self, block_ms: int) -> list[Any]:
        group = ["XREADGROUP", "GROUP", self.group, CONSUMER]
        read = [*group, "COUNT", self.batch, "BLOCK", block_ms]
        return [*read, "STREAMS", self.stream, ">"]

    def _work(self, entries: Sequence[Entry]) -> Commit:
        """Run the pool's functions on entries and write down what they want."""
        jobs, answers = self._run(entries)
        self.failpoint.reach("after_handlers_before_commit")
        commit = self._open_commit(self.stream)
        for job, each in zip(jobs, answers, strict=True):
            self._scribe.write(commit, job, each)
        return commit

    def _run(self, entries: Sequence[Entry]) -> tuple[list[Job], list[list[Answer]]]:
        while True:
            choice = self._chosen()
            jobs = [Job(entry, choice.of(entry.event)) for entry in entries]
            with suppress(HandlersChanged):
                return jobs, self.dispatcher.run(jobs, self._recall)

    def _chosen(self) -> Choice:
        """Return the choice among the functions of the code at work."""
        known = self.dispatcher.executors.functions
        if known is not self._known:
            self._known = known
            self._choice = Choice(f for f in known if f.pool == self.pool)
            self._memories.forget()
        return self._choice

    def _open_commit(self, stream: str, *, group: str | None = None) -> Commit:
        return Commit(
            partition=self.number,
            stream=stream,
            group=self.group if group is None else group,
            lease=self.lease.key,
            token=self._token,
        )

    def _apply(self, commit: Commit) -> None:
        (answer,) = scripts.send(self.redis, [commit.command()])
        self._settled(commit, answer)

    def _settled(self, commit: Commit, answer: Any) -> None:
        """Take note of what became of a commit; `LeaseLost` if it was refused."""
        lost = answer == _LEASE_LOST
        applied, refusals = (0, []) if lost else answer
        if applied == commit.events and not refusals and not commit.cleared:
            self._memories.keep(commit.memory)
        else:
            self._memories.forget()
        if fenced := commit.events - applied:
            self.meters.fenced.inc(fenced)
            _log.warning("worker.commit.fenced p=%02d events=%d", self.number, fenced)
        for refusal in refusals:
            self.meters.refusals.inc()
            _log.error("worker.effect.drop p=%02d error=%r", self.number, refusal)
        if lost:
            raise LeaseLost

    def _measure(self, entries: Sequence[Entry]) -> None:
        kinds = Counter(e.event.kind if e.event else "unreadable" for e in entries)
        for kind, count in kinds.items():
            self.meters.committed.labels(kind).inc(count)
        waited_ms = self.now() * 1e3 - entries[0].arrived_ms
        self.meters.lag.observe(max(0.0, waited_ms) / 1e3)

    def _recall(self, jobs: Sequence[Job]) -> Memory:
        """Return what the functions of these jobs remember of their devices."""
        return self._memories.recall(
            (function.name, job.dev_eui)
            for job in jobs
            for function in job.functions
            if function.remembers
        )

    def _retry_what_is_due(self) -> int:
        now = self.now()
        if now < self._retries_at:
            return 0
        self._retries_at = now + _RETRIES_EVERY_S
        functions = self._chosen().functions
        due = read_waiting(self.redis, self.number, functions, now)
        for waiting in due:
            self._retry(waiting)
        return len(due)

    def _retry(self, waiting: Waiting) -> None:
        """Run one function on one event again, and commit it with its reference."""
        find = ["XRANGE", self.stream, waiting.entry, waiting.entry]
        (found,) = scripts.send(self.redis, [find])
        name = waiting.function.name
        stream = keys.retry(self.number, name)
        commit = self._open_commit(stream, group="")
        commit.begin(waiting.id)
        entries = read_entries(self.number, found)
        if not entries:
            self._scribe.bury(commit, waiting, event_id(self.number, waiting.entry))
            self._apply(commit)
            return
        job = Job(entries[0], [waiting.function])
        ((answer,),) = self.dispatcher.run([job], self._recall)
        self._scribe.settle(
            commit,
            entries[0],
            waiting.function,
            answer,
            attempts=waiting.attempts + 1,
        )
        self._apply(commit)

    def _has_groups(self) -> bool:
        try:
            (groups,) = scripts.send(self.redis, [["XINFO", "GROUPS", self.stream]])
        except ResponseError:  # no such key
            return False
        return any(_name(group).startswith(b"pool:") for group in groups)


def _name(group: Any) -> bytes:
    """Return the name in one row of XINFO GROUPS, in either protocol."""
    fields = (
        group
        if isinstance(group, dict)
        else dict(zip(group[::2], group[1::2], strict=True))
    )
    found: bytes = fields[b"name"]
    return found
