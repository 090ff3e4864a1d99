"""Writing down what functions answered: effects, another try, or a dead letter."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from faas.manifest import Known
from faas.worker.commit import Answer, Commit
from faas.worker.dispatch import Job
from faas.worker.entries import Entry
from faas.worker.meters import Meters
from faas.worker.retries import Waiting

_log = logging.getLogger(__name__)

__all__ = ["Scribe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scribe:
    """Writes commits; of all pools one keeps the built-in twin."""

    meters: Meters
    keeps_twin: bool
    now: Callable[[], float]

    def write(self, commit: Commit, job: Job, answers: Sequence[Answer]) -> None:
        """Write down an event; what cannot be is buried and never in the way."""
        commit.begin(job.entry.id)
        try:
            self._settle_all(commit, job, answers)
        except Exception as error:  # noqa: BLE001 - ours; it must not stop the city
            _log.exception("worker.commit.fail event=%s", job.entry.event_id)
            commit.clear()
            reason = f"its effects could not be written: {error!r}"
            for function in job.functions:
                self._dead(commit, function, job.entry.id, 1, reason)

    def settle(
        self,
        commit: Commit,
        entry: Entry,
        function: Known,
        answer: Answer,
        *,
        attempts: int,
    ) -> None:
        """Write down what a function's answer leads to."""
        if answer["outcome"] == "done" and entry.event is not None:
            commit.effects(
                function.name, entry.event, answer["effects"], entry.arrived_ms / 1e3
            )
            return
        verdict = commit.failed(
            function.name,
            entry.id,
            attempts,
            answer=answer,
            retry=function.retry,
            now_s=self.now(),
        )
        if verdict == "dead":
            self.meters.dead.labels(function.name).inc()
        _log.warning(
            "fn.run.fail function=%s event=%s attempt=%d next=%s reason=%r",
            function.name,
            entry.event_id,
            attempts,
            verdict,
            answer.get("reason"),
        )

    def bury(self, commit: Commit, waiting: Waiting, event: str) -> None:
        """Give up an event that is to be seen again and is no longer there."""
        reason = (
            f"after {waiting.reason}: {event} is no longer in the stream, only in the "
            "raw archive; what is trimmed cannot be run again"
        )
        self._dead(commit, waiting.function, waiting.entry, waiting.attempts, reason)
        text = f"{waiting.function.name} gave up {event}: {reason}"
        commit.notice({"text": text, "level": "error", "event": event})

    def _settle_all(self, commit: Commit, job: Job, answers: Iterable[Answer]) -> None:
        if self.keeps_twin:
            self._keep_twin(commit, job.entry)
        for answer, function in zip(answers, job.functions, strict=True):
            self.settle(commit, job.entry, function, answer, attempts=1)

    def _keep_twin(self, commit: Commit, entry: Entry) -> None:
        if entry.event is not None:
            commit.twin(entry.event)
            return
        self.meters.unreadable.inc()
        _log.warning(
            "worker.event.unreadable event=%s fault=%r", entry.event_id, entry.fault
        )
        text = f"an entry on {entry.topic} is no event: {entry.fault}"
        commit.notice({"text": text, "level": "warning", "event": entry.event_id})

    def _dead(
        self, commit: Commit, function: Known, entry: str, attempts: int, reason: str
    ) -> None:
        commit.dead(function.name, entry, attempts, self.now(), reason)
        self.meters.dead.labels(function.name).inc()
        _log.error(
            "fn.run.dead function=%s entry=%s reason=%r", function.name, entry, reason
        )
