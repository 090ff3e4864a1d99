"""The sender as a program: one thread per partition, and what it measures."""

import logging
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server
from redis.exceptions import RedisError

from city import keys
from city.command import Entry, State
from city.failpoint import Failpoint
from city.mqtt import Publisher
from city.network import Network
from city.redis import connect
from city.types import read_catalogue
from faas.sender.desk import Desk
from faas.sender.settings import Settings

BLOCK_S: Final = 0.2
PAUSE_S: Final = 0.5

_log = logging.getLogger(__name__)

__all__ = ["Sender"]


class Sender:
    """All partitions, each with a thread, a desk and a connection of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._catalogue = read_catalogue(settings.home)
        self._network = Network(settings.chirpstack.target, settings.chirpstack.token)
        self._stopped = threading.Event()
        self._registry = CollectorRegistry()
        self._ready = Gauge("garonne_ready", "1 when serving.", registry=self._registry)
        self._states = Counter(
            "garonne_sender_commands",
            "Commands that came into a state.",
            ["state"],
            registry=self._registry,
        )
        self._turned: set[int] = set()

    def run(self) -> None:
        """Serve until `stop` is called."""
        if self._settings.metrics is not None:
            address = self._settings.metrics
            start_http_server(address.port, address.host, registry=self._registry)
        keys.declare_partitions(
            connect(self._settings.redis), self._settings.partitions
        )
        publishers = [
            Publisher(self._settings.mqtt, f"garonne-sender-p{number:02d}")
            for number in range(self._settings.partitions)
        ]
        desks = [self._desk(n, publisher) for n, publisher in enumerate(publishers)]
        threads = [
            threading.Thread(target=self._work, args=(number, desk))
            for number, desk in enumerate(desks)
        ]
        threads.append(threading.Thread(target=self._keep, args=(desks,)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for publisher in publishers:
            publisher.close()
        self._network.close()

    def stop(self) -> None:
        """Ask every thread to give its partition back and end."""
        self._stopped.set()

    def _keep(self, desks: Sequence[Desk]) -> None:
        """Renew beside the work: a silent server may take longer than a lease lasts."""
        while not self._stopped.wait(self._settings.lease_s / 4):
            for desk in desks:
                with suppress(RedisError):
                    desk.keep()

    def _work(self, partition: int, desk: Desk) -> None:
        while not self._stopped.is_set():
            try:
                desk.turn(BLOCK_S)
                self._turned.add(partition)
                self._ready.set(len(self._turned) == self._settings.partitions)
            except RedisError as error:
                _log.warning(
                    "sender.redis.away partition=%d error=%s", partition, error
                )
                desk.forget()
                self._stopped.wait(PAUSE_S)
            except Exception:  # noqa: BLE001 -- the edge: what Redis holds is whole, go on from there
                _log.exception("sender.partition.fail partition=%d", partition)
                desk.forget()
                self._stopped.wait(PAUSE_S)
        _leave(desk)

    def _desk(self, partition: int, publisher: Publisher) -> Desk:
        return Desk(
            redis=connect(self._settings.redis),
            partition=partition,
            partitions=self._settings.partitions,
            network=self._network,
            publisher=publisher,
            catalogue=self._catalogue,
            lease_s=self._settings.lease_s,
            failpoint=Failpoint(self._settings.failpoint),
            changed=self._count,
        )

    def _count(self, before: State | None, entry: Entry) -> None:
        if before is None:
            self._states.labels("requested").inc()
        if entry.state != before:
            self._states.labels(entry.state).inc()


def _leave(desk: Desk) -> None:
    try:
        desk.leave()
    except RedisError as error:
        _log.warning("sender.lease.kept error=%s", error)
