"""What this program counts, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from gateway_sim.duty_cycle import Load


class Metrics:
    """The meters of all gateways together."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.ready = Gauge("garonne_ready", "1 when serving", registry=registry)
        self.gateways = Gauge(
            "garonne_gateway_gateways", "Gateways of the city", registry=registry
        )
        self.online = Gauge(
            "garonne_gateway_online", "Gateways at the broker", registry=registry
        )
        self.heard = Counter(
            "garonne_gateway_uplinks_heard",
            "Frames that at least one gateway heard",
            ["kind"],
            registry=registry,
        )
        self.radio_lost = Counter(
            "garonne_gateway_uplinks_radio_lost",
            "Frames that no gateway heard, and why",
            ["cause", "kind"],
            registry=registry,
        )
        self.network_lost = Counter(
            "garonne_gateway_uplinks_network_lost",
            "Frames heard by gateways none of which could reach the broker",
            ["kind"],
            registry=registry,
        )
        receptions = Counter(
            "garonne_gateway_receptions",
            "Frames times the gateways that heard them, by whether they went on",
            ["forwarded"],
            registry=registry,
        )
        self._forwarded = receptions.labels("yes")
        self._kept = receptions.labels("no")
        self.tx = Counter(
            "garonne_gateway_tx",
            "Requested downlink items by what became of them",
            ["status"],
            registry=registry,
        )
        self.commands_refused = Counter(
            "garonne_gateway_commands_refused",
            "Commands that could not be read",
            registry=registry,
        )
        self.filtered = Counter(
            "garonne_gateway_receptions_filtered",
            "Receptions that the server's configuration holds back, and why",
            ["cause"],
            registry=registry,
        )
        self.backhaul_lost = Counter(
            "garonne_gateway_backhaul_lost",
            "Messages that a fault of the backhaul swallowed",
            ["direction"],
            registry=registry,
        )
        self._duty_cycle_s = Gauge(
            "garonne_gateway_duty_cycle_used_seconds",
            "Air time spent in the last hour",
            ["gateway_id", "sub_band"],
            registry=registry,
        )

    def receive(self, *, forwarded: bool) -> None:
        """Count one reception."""
        (self._forwarded if forwarded else self._kept).inc()

    def loads(self, gateway_id: str, loads: list[Load]) -> None:
        """Show what each sub-band of a gateway has spent."""
        for load in loads:
            self._duty_cycle_s.labels(gateway_id, load.name).set(load.used_s)

    def serve(self, host: str, port: int) -> None:
        """Answer Prometheus (and the supervisor) on this address."""
        try:
            start_http_server(port, addr=host, registry=self.registry)
        except OSError as error:
            raise OSError(f"cannot show metrics on {host}:{port}: {error}") from error
