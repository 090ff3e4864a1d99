"""What is counted about functions, wherever they run."""

from collections import Counter as Counts
from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram

from faas.buckets import BUCKETS_S

__all__ = ["FunctionMeters"]


class FunctionMeters:
    """Calls, failures and time in the handler, by function."""

    def __init__(self, registry: CollectorRegistry) -> None:
        label = ["function"]
        self._invoked = Counter(
            "garonne_function_invoked", "Calls.", label, registry=registry
        )
        self._failed = Counter(
            "garonne_function_failed",
            "Calls that raised, hung or crashed.",
            label,
            registry=registry,
        )
        self._seconds = Histogram(
            "garonne_function_seconds",
            "Time in the handler.",
            label,
            registry=registry,
            buckets=BUCKETS_S,
        )
        self._timers: dict[str, Histogram] = {}

    def count(self, answers: Iterable[Mapping[str, Any]]) -> None:
        """Count what functions answered."""
        invoked: Counts[str] = Counts()
        failed: Counts[str] = Counts()
        for answer in answers:
            name = answer["function"]
            invoked[name] += 1
            failed[name] += answer["outcome"] != "done"
            self._timer(name).observe(answer.get("seconds", 0.0))
        for name, number in invoked.items():
            self._invoked.labels(name).inc(number)
            self._failed.labels(name).inc(failed[name])

    def _timer(self, name: str) -> Histogram:
        # Looking a label up costs as much as all the rest.
        if name not in self._timers:
            self._timers[name] = self._seconds.labels(name)
        return self._timers[name]
