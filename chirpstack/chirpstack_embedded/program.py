"""Put the parts together: the only place that chooses adapters."""

import logging
import random
import sqlite3
import threading
import time
from collections.abc import Callable

from prometheus_client import start_http_server

from chirpstack_embedded.adapters.codecs import CodecProcess
from chirpstack_embedded.adapters.engine import Engine, FromApplication
from chirpstack_embedded.adapters.gateway_process import GatewayProcess
from chirpstack_embedded.adapters.gatherer import Lot
from chirpstack_embedded.adapters.mqtt import Connection, Fate
from chirpstack_embedded.adapters.publisher import EventPublisher
from chirpstack_embedded.codec import Codec
from chirpstack_embedded.codec_engine import Limits
from chirpstack_embedded.config import Configuration
from chirpstack_embedded.core.context import Context
from chirpstack_embedded.core.payloads import Payloads
from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.core.server import NetworkServer
from chirpstack_embedded.errors import BadConfiguration, ChirpStackError
from chirpstack_embedded.failpoint import Failpoint
from chirpstack_embedded.grpc_api import ApiServer
from chirpstack_embedded.grpc_api.call import Services
from chirpstack_embedded.metrics import Metrics
from chirpstack_embedded.settings import Settings
from chirpstack_embedded.store import Store
from chirpstack_embedded.streams import Streams
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
    """
    The server: this process judges, stores and tells.

    Another one talks to gateways, and a third runs codecs.

    Set ``stopping`` to end it; it does so itself when a process of its dies.
    """

    def __init__(
        self,
        configuration: Configuration,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self.stopping = threading.Event()
        self._failure = ""
        self._metrics = Metrics()
        self._store = open_store(configuration, settings, clock())
        streams, rng = Streams(), random.SystemRandom()
        limits = Limits(seconds=configuration.codec_max_execution_time_s)
        self._codecs = CodecProcess(limits)
        payloads = Payloads(Codec(runner=self._codecs))
        server = NetworkServer(
            Context(
                configuration=configuration,
                devices=self._store.devices,
                keys=self._store.keys,
                gateways=self._store.gateways,
                multicast=self._store.multicast,
                series=self._store.series,
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
            on_change=self._wake,
        )
        self._publisher = EventPublisher(
            self._integration.publish, lambda: self._integration.max_outstanding
        )
        self._gateways = GatewayProcess(
            configuration,
            settings,
            on_lot=self._take_lot,
            on_end=self._fail,
        )
        self._engine = Engine(
            server=server,
            store=self._store,
            publisher=self._publisher,
            send=self._gateways.send,
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
        self._codecs.start()
        self._gateways.start()
        self._engine.start()
        self._integration.start()
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
        return self._integration.is_ready and self._gateways.is_ready

    def wait_and_stop(self) -> None:
        """Serve until ``stopping``, then close; ``ChirpStackError`` after a failure."""
        self.stopping.wait()
        self.stop()
        if self._failure:
            raise ChirpStackError(self._failure)

    def stop(self) -> None:
        """Take nothing more, then close."""
        self._api.stop()
        self._gateways.stop()
        self._engine.stop()
        self._integration.stop()
        self._codecs.stop()
        self._store.close()
        logger.info("ns.program.stop outbox=%d", self._publisher.backlog)

    def _fail(self, sentence: str) -> None:
        self._failure = sentence
        self.stopping.set()

    def _take_lot(self, lot: Lot) -> None:
        self._engine.post(lot)

    def _from_application(self, topic: str, payload: bytes) -> None:
        self._engine.post(
            FromApplication(at=self._clock(), topic=topic, payload=payload)
        )

    def _told(self, token: int, fate: Fate) -> None:
        self._publisher.told(token, fate)

    def _wake(self) -> None:
        self._engine.post(None)
