"""What this program counts, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from lorawan_sim.events import DeviceEvent, What
from lorawan_sim.fleet import Fleet


class Metrics:
    """The meters of the whole fleet together."""

    def __init__(self, fleet: Fleet) -> None:
        self.registry = registry = CollectorRegistry()
        self.ready = Gauge("garonne_ready", "1 when serving", registry=registry)
        self.sent = Counter(
            "garonne_sim_uplinks_sent",
            "Frames the devices sent, lost ones included",
            ["kind"],
            registry=registry,
        )
        self.radio_lost = Counter(
            "garonne_sim_uplinks_radio_lost",
            "Sent frames that never reached the ether, and why",
            ["cause", "kind"],
            registry=registry,
        )
        self._events = Counter(
            "garonne_sim_events",
            "What happened to devices",
            ["event"],
            registry=registry,
        )
        for kind in ("data", "join"):
            self.sent.labels(kind)
        for what in What:
            self._events.labels(what)
        Gauge(
            "garonne_sim_devices", "Devices that are simulated", registry=registry
        ).set_function(lambda: len(fleet))
        Gauge(
            "garonne_sim_devices_joined", "Devices with a session", registry=registry
        ).set_function(lambda: fleet.joined)

    def count(self, event: DeviceEvent) -> None:
        """Count one event."""
        self._events.labels(event.what).inc()

    def serve(self, host: str, port: int) -> None:
        """Answer Prometheus (and the supervisor) on this address."""
        start_http_server(port, addr=host, registry=self.registry)
