"""What is counted about functions, wherever they run."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from threading import Lock
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from faas.buckets import BUCKETS_S

__all__ = ["FunctionMeters"]

_LIMITS = [*map(str, BUCKETS_S), "+Inf"]


@dataclass(slots=True)
class _Tally:
    """One function's numbers."""

    invoked: int = 0
    failed: int = 0
    seconds: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * len(_LIMITS))


class FunctionMeters(Collector):
    """
    Calls, failures and time in the handler, by function.

    Counted at every event, so in plain numbers; they become metrics when asked for.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._tallies: dict[str, _Tally] = {}
        self._lock = Lock()
        registry.register(self)

    def count(self, answers: Iterable[Mapping[str, Any]]) -> None:
        """Count what functions answered."""
        with self._lock:
            for answer in answers:
                self._count(answer)

    def _count(self, answer: Mapping[str, Any]) -> None:
        tally = self._tallies.get(answer["function"])
        if tally is None:
            tally = self._tallies.setdefault(answer["function"], _Tally())
        seconds = answer.get("seconds", 0.0)
        tally.invoked += 1
        tally.failed += answer["outcome"] != "done"
        tally.seconds += seconds
        tally.buckets[bisect_left(BUCKETS_S, seconds)] += 1

    def collect(self) -> Iterator[Metric]:
        """Return the metrics as they stand."""
        label = ["function"]
        invoked = CounterMetricFamily(
            "garonne_function_invoked", "Calls.", labels=label
        )
        failed = CounterMetricFamily(
            "garonne_function_failed",
            "Calls that raised, hung or crashed.",
            labels=label,
        )
        seconds = HistogramMetricFamily(
            "garonne_function_seconds", "Time in the handler.", labels=label
        )
        for name, tally in list(self._tallies.items()):
            invoked.add_metric([name], tally.invoked)
            failed.add_metric([name], tally.failed)
            counts = zip(_LIMITS, accumulate(tally.buckets), strict=True)
            seconds.add_metric([name], list(counts), tally.seconds)
        yield from (invoked, failed, seconds)
