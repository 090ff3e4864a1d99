"""What a worker measures."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from faas.buckets import BUCKETS_S
from faas.meters import FunctionMeters

__all__ = ["Meters"]


class Meters:
    """The worker's counters, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.ready = self._gauge("garonne_ready", "1 when serving.")
        self.functions = FunctionMeters(self.registry)
        self.dead = self._counter(
            "garonne_function_dead", "Events given up.", ["function"]
        )
        self.committed = self._counter(
            "garonne_worker_events_committed", "Events committed.", ["kind"]
        )
        self.fenced = self._counter(
            "garonne_worker_events_fenced", "Commits refused: taken over.", []
        )
        self.refusals = self._counter(
            "garonne_worker_effects_refused", "Effects that Redis refused.", []
        )
        self.unreadable = self._counter(
            "garonne_worker_events_unreadable", "Entries that are no event.", []
        )
        self.lost = self._counter(
            "garonne_worker_executors_lost", "Handler processes that died.", []
        )
        self.refused = self._gauge(
            "garonne_worker_handlers_refused", "1 when the newest code cannot run."
        )
        self.partitions = self._gauge(
            "garonne_worker_partitions", "Partitions this copy serves."
        )
        self.lag = Histogram(
            "garonne_worker_lag_seconds",
            "From stored to committed, of the oldest event of each batch.",
            registry=self.registry,
            buckets=BUCKETS_S,
        )

    def _counter(self, name: str, text: str, labels: list[str]) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=self.registry)
