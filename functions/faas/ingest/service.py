"""Ingest as a process: connect, receive, store, acknowledge, in that order."""

import logging
import threading
import time
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server
from redis.exceptions import RedisError

from city import keys
from city.failpoint import Failpoint
from city.redis import connect
from faas import scripts
from faas.ingest.client import Client, ConnectionGone
from faas.ingest.packets import Publish
from faas.ingest.settings import Settings
from faas.ingest.store import store_commands

FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 2.0
POLL_S: Final = 0.25

_log = logging.getLogger(__name__)

__all__ = ["Ingest", "Meters"]


class Meters:
    """What ingest measures, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.ready = Gauge("garonne_ready", "1 when serving.", registry=self.registry)
        self.messages = Counter(
            "garonne_ingest_messages",
            "Messages by what became of them: stored, or seen before.",
            ["outcome"],
            registry=self.registry,
        )
        self.batches = Counter(
            "garonne_ingest_batches", "Batches stored.", registry=self.registry
        )
        self.waiting = Gauge(
            "garonne_ingest_messages_waiting",
            "Received, not stored yet.",
            registry=self.registry,
        )
        self.outages = Counter(
            "garonne_ingest_outages",
            "Times a neighbour was away.",
            ["neighbour"],
            registry=self.registry,
        )


@dataclass(frozen=True, slots=True)
class _Held:
    """A message and the connection on which it came: elsewhere its PUBACK is void."""

    message: Publish
    connection: int


class Ingest:
    """Moves events from the broker into the streams."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.meters = Meters()
        self._failpoint = Failpoint(settings.failpoint)
        self._stop = threading.Event()
        self._redis = connect(settings.redis)
        self._client = Client(f"ingest-{settings.number}", settings.mqtt)
        self._held: list[_Held] = []

    def stop(self) -> None:
        """Stop soon; what is not stored stays with the broker."""
        self._stop.set()

    def run(self) -> None:
        """Serve until `stop`; `WrongLayout` when the streams are made otherwise."""
        if self.settings.metrics is not None:
            address = self.settings.metrics
            start_http_server(address.port, address.host, self.meters.registry)
        pauses = Pauses()
        while not self._stop.is_set():
            try:
                keys.declare_partitions(self._redis, self.settings.partitions)
                break
            except RedisError as error:
                self._away("redis", error)
                self._stop.wait(pauses.longer())
        while not self._stop.is_set():
            try:
                self._client.open()
                self._serve(pauses)
            except ConnectionGone as error:
                self._away("mqtt", error)
                self._stop.wait(pauses.longer())
        self._client.leave()

    def _serve(self, pauses: "Pauses") -> None:
        """Receive, store, acknowledge, until told to stop."""
        while not self._stop.is_set():
            self._receive(POLL_S)
            if self._client.subscribed:
                self.meters.ready.set(1)
                pauses.forget()
            if self._held and self._store():
                self._failpoint.reach("after_xadd_before_puback")
                self._acknowledge()

    def _receive(self, timeout_s: float) -> None:
        connection = self._client.connection
        messages = self._client.poll(timeout_s)
        self._held += [_Held(message, connection) for message in messages]
        self.meters.waiting.set(len(self._held))

    def _store(self) -> bool:
        """Store all that is held; while Redis is away, wait and keep the session."""
        pauses = Pauses()
        while not self._stop.is_set():
            try:
                commands = store_commands(
                    (held.message for held in self._held), self.settings.partitions
                )
                stored = sum(scripts.send(self._redis, commands))
            except RedisError as error:
                self._away("redis", error)
                self._pause(pauses.longer())
            else:
                self.meters.ready.set(1)
                self.meters.batches.inc()
                self.meters.messages.labels("stored").inc(stored)
                self.meters.messages.labels("seen").inc(len(self._held) - stored)
                return True
        return False

    def _pause(self, pause_s: float) -> None:
        """Wait, but keep the connection alive; receive maximum stops the flow."""
        until = time.monotonic() + pause_s
        while (left_s := until - time.monotonic()) > 0 and not self._stop.is_set():
            self._receive(min(left_s, POLL_S))

    def _acknowledge(self) -> None:
        held, self._held = self._held, []
        self.meters.waiting.set(0)
        now = self._client.connection
        self._client.acknowledge([h.message.mid for h in held if h.connection == now])

    def _away(self, neighbour: str, error: Exception) -> None:
        self.meters.ready.set(0)
        self.meters.outages.labels(neighbour).inc()
        _log.warning("ingest.%s.wait error=%r", neighbour, str(error))


class Pauses:
    """Growing pauses between attempts."""

    def __init__(self) -> None:
        self._next_s = FIRST_PAUSE_S

    def longer(self) -> float:
        """Return the next pause in seconds."""
        pause_s, self._next_s = self._next_s, min(2 * self._next_s, LONGEST_PAUSE_S)
        return pause_s

    def forget(self) -> None:
        """Begin again with short pauses."""
        self._next_s = FIRST_PAUSE_S
