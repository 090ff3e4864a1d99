"""Running a batch through the handlers, and finding who is to blame when it is lost."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import orjson

from faas.cloudevents import sequence
from faas.manifest import Known
from faas.worker.commit import Answer
from faas.worker.entries import About, Entry
from faas.worker.executor import Executors, HandlerLost, HandlersGone
from faas.worker.meters import Meters

_ALIKE_KEPT: Final = 10_000

Memory = Mapping[tuple[str, str], bytes]
"""What functions remember (JSON; empty: nothing), by function and DevEUI."""

__all__ = ["Choice", "Dispatcher", "HandlersChanged", "Job", "Memory"]


class Choice:
    """Which functions an event wakes; what is alike is chosen once."""

    def __init__(self, functions: Iterable[Known]) -> None:
        self.functions = list(functions)
        self._found: dict[tuple[str, str, str | None], list[Known]] = {}

    def of(self, event: About | None) -> Sequence[Known]:
        """Return the functions that an event wakes, in their order."""
        if event is None:
            return ()
        alike = event.kind, event.device_type, event.message
        found = self._found.get(alike)
        if found is None:
            found = [f for f in self.functions if f.wants(*alike)]
            if len(self._found) < _ALIKE_KEPT:
                self._found[alike] = found
        return found


class HandlersChanged(Exception):
    """New code was put to work between the choice of functions and their run."""


class Job(NamedTuple):
    """One event and the functions that are to see it."""

    entry: Entry
    functions: Sequence[Known]

    @property
    def dev_eui(self) -> str:
        """The device it is about."""
        return self.entry.event.dev_eui if self.entry.event else ""

    def envelope(self, memory: Memory) -> bytes:
        """Return the event with what its functions remember."""
        dev_eui = self.dev_eui
        found = [
            b'"%b":%b' % (f.name.encode(), told)
            for f in self.functions
            if f.remembers and (told := memory.get((f.name, dev_eui)))
        ]
        return self.entry.envelope(b"{%b}" % b",".join(found) if found else b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatcher:
    """Runs jobs in the executors."""

    executors: Executors
    meters: Meters
    timeout_s: float

    def run(
        self, jobs: Sequence[Job], recall: Callable[[Sequence[Job]], Memory]
    ) -> list[list[Answer]]:
        """
        Return what the functions of each job answered, in order.

        When the process is lost, every function sees every event again alone:
        only the one that was running then is blamed.
        """
        memory = recall(jobs)
        try:
            answers = self._twice(jobs, memory)
        except HandlerLost as lost:
            answers = self._alone(jobs, memory, lost)
        self.meters.functions.count(answer for each in answers for answer in each)
        return answers

    def _twice(self, jobs: Sequence[Job], memory: Memory) -> list[list[Answer]]:
        """Run jobs together; once more when they were lost and none is to blame."""
        try:
            return self._together(jobs, memory)
        except HandlersGone:
            self.meters.lost.inc()
            return self._together(jobs, memory)

    def _together(self, jobs: Sequence[Job], memory: Memory) -> list[list[Answer]]:
        awake = [job for job in jobs if job.functions]
        if not awake:
            return [[] for _ in jobs]
        batch = sequence(job.envelope(memory) for job in awake)
        only = {f.name for job in awake for f in job.functions}
        with self.executors.borrow() as executor:
            found = iter(executor.run(batch, only, timeout_s=self.timeout_s))
        answers = [next(found)["answers"] if job.functions else [] for job in jobs]
        if any(map(_differ, jobs, answers)):
            raise HandlersChanged
        return answers

    def _alone(
        self, jobs: Sequence[Job], memory: Memory, lost: HandlerLost
    ) -> list[list[Answer]]:
        self.meters.lost.inc()
        if sum(len(job.functions) for job in jobs) == 1:
            return [[_blame(f, lost) for f in job.functions] for job in jobs]
        carried = dict(memory)
        return [[self._one(job, f, carried) for f in job.functions] for job in jobs]

    def _one(
        self, job: Job, function: Known, carried: dict[tuple[str, str], bytes]
    ) -> Answer:
        try:
            ((answer,),) = self._together([Job(job.entry, [function])], carried)
        except HandlerLost as lost:
            self.meters.lost.inc()
            return _blame(function, lost)
        if "memory" in answer.get("effects", {}):
            told = orjson.dumps(answer["effects"]["memory"])
            carried[function.name, job.dev_eui] = told
        return answer


def _differ(job: Job, answers: Sequence[Answer]) -> bool:
    return [f.name for f in job.functions] != [a["function"] for a in answers]


def _blame(function: Known, lost: HandlerLost) -> Answer:
    return {"function": function.name, "outcome": "retry", "reason": str(lost)}
