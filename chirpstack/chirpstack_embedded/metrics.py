"""What the server counts, for Prometheus."""

from collections import Counter as Tally
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from chirpstack_embedded.core.context import Event
from chirpstack_embedded.core.server import Tallies


class Metrics:
    """The program's metrics in a registry of its own."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self.ready = Gauge(
            "garonne_ready", "1 while the program serves", registry=self.registry
        )
        self._received = Counter(
            "garonne_chirpstack_gateway_messages_total",
            "Messages of gateways, by kind",
            ["kind"],
            registry=self.registry,
        )
        self._rejected = Counter(
            "garonne_chirpstack_uplinks_rejected_total",
            "Frames and commands that went no further, by cause and kind",
            ["cause", "kind"],
            registry=self.registry,
        )
        self._committed = Counter(
            "garonne_chirpstack_events_committed_total",
            "Events written to the outbox",
            ["event"],
            registry=self.registry,
        )
        self._published = Counter(
            "garonne_chirpstack_events_published_total",
            "Events the broker has acknowledged",
            ["event"],
            registry=self.registry,
        )
        self._sent = Counter(
            "garonne_chirpstack_downlinks_sent_total",
            "Downlinks handed to gateways",
            registry=self.registry,
        )
        self.backlog = Gauge(
            "garonne_chirpstack_outbox_events",
            "Events without PUBACK",
            registry=self.registry,
        )
        self.step_seconds = Histogram(
            "garonne_chirpstack_step_seconds",
            "One step of the engine, commit included",
            buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
            registry=self.registry,
        )

    def count_tallies(self, tallies: Tallies) -> None:
        """Add what the core counted and empty it."""
        for kind, number in tallies.received.items():
            self._received.labels(kind).inc(number)
        for (cause, kind), number in tallies.rejected_kinds.items():
            self._rejected.labels(cause, kind).inc(number)
        tallies.received.clear()
        tallies.rejected.clear()
        tallies.rejected_kinds.clear()

    def count_committed(self, events: Iterable[Event]) -> None:
        """Count events that are safe on disk."""
        for kind, number in Tally(event.kind for event in events).items():
            self._committed.labels(kind).inc(number)

    def count_published(self, topics: Iterable[str]) -> None:
        """Count events whose PUBACK has come."""
        kinds = Tally(topic.rpartition("/")[2] for topic in topics)
        for kind, number in kinds.items():
            self._published.labels(kind).inc(number)

    def count_sent(self, number: int) -> None:
        """Count downlinks."""
        self._sent.inc(number)
