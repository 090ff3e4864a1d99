"""Put the parts together: the only place that chooses adapters."""

import logging
import random
import sqlite3
import threading
import time
from collections.abc import Callable

from prometheus_client import start_http_server

from chirpstack_embedded.adapters.engine import (
    Engine,
    FromApplication,
    FromGateway,
    GatewaySender,
)
from chirpstack_embedded.adapters.gateway_backend import GatewayBackend
from chirpstack_embedded.adapters.mqtt import Connection, Fate
from chirpstack_embedded.adapters.publisher import EventPublisher
from chirpstack_embedded.codec import Codec
from chirpstack_embedded.config import Configuration
from chirpstack_embedded.core.context import Context
from chirpstack_embedded.core.payloads import Payloads
from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.core.server import NetworkServer
from chirpstack_embedded.errors import BadConfiguration
from chirpstack_embedded.failpoint import Failpoint
from chirpstack_embedded.grpc_api import ApiServer
from chirpstack_embedded.grpc_api.call import Services
from chirpstack_embedded.metrics import Metrics
from chirpstack_embedded.settings import Settings
from chirpstack_embedded.station import StationListener
from chirpstack_embedded.store import Store
from chirpstack_embedded.streams import Streams
from chirpstack_embedded.udp import UdpListener
from wire.chirpstack.topics import INTEGRATION_COMMANDS

logger = logging.getLogger(__name__)


def database_path(configuration: Configuration, settings: Settings) -> str:
    """Return the SQLite file: the environment's, else that of the files."""
    return settings.database or configuration.sqlite_path.removeprefix("sqlite://")


def open_store(configuration: Configuration, settings: Settings, now: float) -> Store:
    """Open the database, or say which file cannot be used and why."""
    path = database_path(configuration, settings)
    try:
        return Store(path, now)
    except sqlite3.Error as error:
        raise BadConfiguration(
            [f"the database {path} cannot be used: {error}"]
        ) from error


class Program:
    """The whole server in one process."""

    def __init__(
        self,
        configuration: Configuration,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._metrics = Metrics()
        self._store = open_store(configuration, settings, clock())
        streams, rng = Streams(), random.SystemRandom()
        payloads = Payloads(Codec())
        server = NetworkServer(
            Context(
                configuration=configuration,
                devices=self._store.devices,
                keys=self._store.keys,
                gateways=self._store.gateways,
                payloads=payloads,
                rng=rng,
                plans={
                    region.id: RegionPlan(region) for region in configuration.regions
                },
            )
        )
        self._integration = Connection(
            "integration",
            configuration.integration.broker,
            topic_filter=INTEGRATION_COMMANDS,
            on_message=self._from_application,
            on_fate=self._told,
            on_ready=self._wake,
        )
        self._publisher = EventPublisher(
            self._integration.publish, lambda: self._integration.max_outstanding
        )
        self._backends = {
            region.id: GatewayBackend(region, self._from_gateway)
            for region in configuration.regions
        }
        senders: dict[str, GatewaySender] = {**self._backends}
        self._station = self._new_station(configuration, senders)
        self._udp = self._new_udp(configuration, senders)
        self._engine = Engine(
            server=server,
            store=self._store,
            publisher=self._publisher,
            senders=senders,
            streams=streams,
            metrics=self._metrics,
            failpoint=Failpoint(settings.failpoint),
            clock=clock,
        )
        services = Services(
            configuration=configuration,
            store=self._store,
            payloads=payloads,
            streams=streams,
            clock=clock,
            rng=rng,
        )
        self._api = ApiServer(services, configuration.api_bind)

    @property
    def api_port(self) -> int:
        """The port the API listens on."""
        return self._api.port

    def start(self) -> None:
        """Open everything; ``garonne_ready`` turns 1 when the broker is there."""
        self._serve_metrics()
        self._metrics.ready.set_function(lambda: float(self.is_ready))
        if self._udp is not None:
            self._udp.start()
        if self._station is not None:
            self._station.start()
        self._engine.start()
        self._integration.start()
        for backend in self._backends.values():
            backend.connection.start()
        self._api.start()
        logger.info("ns.program.start api_port=%d", self.api_port)

    def _serve_metrics(self) -> None:
        if self._settings.metrics is None:
            return
        host, port = self._settings.metrics
        try:
            start_http_server(port, addr=host, registry=self._metrics.registry)
        except OSError as error:
            fault = f"GARONNE_METRICS: {host}:{port} cannot be used: {error.strerror}"
            raise BadConfiguration([fault]) from error

    @property
    def is_ready(self) -> bool:
        """Whether every connection is subscribed."""
        connections = [backend.connection for backend in self._backends.values()]
        return all(
            connection.is_ready for connection in (self._integration, *connections)
        )

    def wait_and_stop(self, stopping: threading.Event) -> None:
        """Serve until ``stopping``, then close in the order of dependence."""
        stopping.wait()
        self.stop()

    def stop(self) -> None:
        """Take nothing more, then close."""
        self._api.stop()
        if self._udp is not None:
            self._udp.stop()
        if self._station is not None:
            self._station.stop()
        for backend in self._backends.values():
            backend.connection.stop()
        self._engine.stop()
        self._integration.stop()
        self._store.close()
        logger.info("ns.program.stop outbox=%d", self._publisher.backlog)

    def _new_station(
        self, configuration: Configuration, senders: dict[str, GatewaySender]
    ) -> StationListener | None:
        """The endpoint of Basics Station, whose gateways are of the first region."""
        if self._settings.station is None:
            return None
        region = configuration.regions[0]
        drops = self._metrics.gateway_drops
        listener = StationListener(
            RegionPlan(region),
            self._settings.station,
            on_message=self._from_gateway,
            others=senders[region.id],
            on_drop=lambda cause: drops.labels("station", cause).inc(),
            clock=self._clock,
        )
        senders[region.id] = listener
        return listener

    def _new_udp(
        self, configuration: Configuration, senders: dict[str, GatewaySender]
    ) -> UdpListener | None:
        """The listener of gateways that speak UDP: they are of the first region."""
        if self._settings.udp is None:
            return None
        region = configuration.regions[0]
        drops = self._metrics.gateway_drops
        listener = UdpListener(
            region.id,
            region.broker.topic_prefix,
            self._settings.udp,
            on_message=self._from_gateway,
            others=senders[region.id],
            on_drop=lambda cause: drops.labels("udp", cause).inc(),
        )
        senders[region.id] = listener
        return listener

    def _from_gateway(self, region_config_id: str, topic: str, payload: bytes) -> None:
        self._engine.post(
            FromGateway(
                at=self._clock(),
                region_config_id=region_config_id,
                topic=topic,
                payload=payload,
            )
        )

    def _from_application(self, topic: str, payload: bytes) -> None:
        self._engine.post(
            FromApplication(at=self._clock(), topic=topic, payload=payload)
        )

    def _told(self, token: int, fate: Fate) -> None:
        self._publisher.told(token, fate)

    def _wake(self) -> None:
        self._engine.post(None)
