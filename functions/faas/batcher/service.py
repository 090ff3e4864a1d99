"""The batcher as a program: one thread per partition, and what it measures."""

import logging
import threading
import time
from contextlib import suppress
from typing import Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    start_http_server,
)
from redis import Redis
from redis.exceptions import RedisError

from city import keys
from city.archive import Archive, Record, order
from city.errors import CityError
from city.failpoint import Failpoint
from city.lease import Lease
from city.redis import connect
from city.s3 import Bucket
from faas.batcher.reader import Reader
from faas.batcher.settings import Settings
from faas.batcher.trim import trim
from faas.batches import Batch
from faas.buckets import BUCKETS_S
from faas.cloudevents import range_envelopes
from faas.manifest import Batched
from faas.worker.executor import Executors, HandlerLost
from faas.worker.watch import Watch, fingerprint

IDLE_S: Final = 0.1
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 10.0
EXECUTORS: Final = 2
STOP_S: Final = 4.0

_log = logging.getLogger(__name__)

__all__ = ["Batcher"]


class RangeFailed(Exception):
    """A function did not take a range; it is repeated."""


class Batcher:
    """All partitions, each with a thread, a lease and a reader per function."""

    def __init__(self, settings: Settings) -> None:
        """Load the handlers; `Miswired` when they cannot run."""
        self._settings = settings
        loaded = fingerprint(settings.handlers)
        self._executors = Executors(settings.handlers, EXECUTORS)
        self._bucket = Bucket(settings.s3)
        self._bucket_there = False
        self._stopped = threading.Event()
        self._turned: set[int] = set()
        self._meters()
        self._watch = Watch(
            folder=settings.handlers,
            executors=self._executors,
            refused=self._refused,
            loaded=loaded,
            stop=self._stopped,
        )

    def run(self) -> None:
        """Serve until `stop` is called."""
        if self._settings.metrics is not None:
            address = self._settings.metrics
            start_http_server(address.port, address.host, registry=self.registry)
        keys.declare_partitions(
            connect(self._settings.redis), self._settings.partitions
        )
        leases = [self._lease(number) for number in range(self._settings.partitions)]
        threads = [
            threading.Thread(target=self._work, args=(number, lease), daemon=True)
            for number, lease in enumerate(leases)
        ]
        threads += [
            threading.Thread(target=self._keep, args=(leases,), daemon=True),
            threading.Thread(target=self._watch.run, daemon=True),
        ]
        for thread in threads:
            thread.start()
        self._stopped.wait()
        self._end(threads)

    def stop(self) -> None:
        """Ask every thread to give its partition back and end."""
        self._stopped.set()

    def _end(self, threads: list[threading.Thread]) -> None:
        """Let every thread finish its range; a function that hangs is ended."""
        share_s = STOP_S / len(threads)
        for thread in threads:
            thread.join(share_s)
        self._executors.close()
        for thread in threads:
            thread.join(share_s / 4)

    def _meters(self) -> None:
        self.registry = CollectorRegistry()
        name = ["function"]
        self._ready = Gauge("garonne_ready", "1 when serving.", registry=self.registry)
        self._invoked = Counter(
            "garonne_function_invoked", "Calls.", name, registry=self.registry
        )
        self._failed = Counter(
            "garonne_function_failed",
            "Calls that failed.",
            name,
            registry=self.registry,
        )
        self._seconds = Histogram(
            "garonne_function_seconds",
            "Time of a call, with its effects.",
            name,
            registry=self.registry,
            buckets=BUCKETS_S,
        )
        self._events = Counter(
            "garonne_batcher_events", "Events done.", name, registry=self.registry
        )
        self._trimmed = Counter(
            "garonne_batcher_events_trimmed",
            "Archived events taken out of the streams.",
            registry=self.registry,
        )
        self._refused = Gauge(
            "garonne_batcher_handlers_refused",
            "1 when the newest code cannot run.",
            registry=self.registry,
        )
        for function in self._executors.batched:
            self._invoked.labels(function.name)
            self._failed.labels(function.name)

    def _lease(self, partition: int) -> Lease:
        return Lease(
            redis=connect(self._settings.redis),
            key=keys.lease(partition, keys.BATCHER),
            lease_s=self._settings.lease_s,
        )

    def _keep(self, leases: list[Lease]) -> None:
        """Renew beside the work: a store may take longer than a lease lasts."""
        while not self._stopped.wait(self._settings.lease_s / 4):
            for lease in leases:
                with suppress(RedisError):
                    lease.keep()

    def _work(self, partition: int, lease: Lease) -> None:
        redis = lease.redis
        readers: list[Reader] = []
        pause_s = FIRST_PAUSE_S
        while not self._stopped.is_set():
            try:
                readers = self._readers(redis, lease, partition, readers)
                busy = self._turn(redis, lease, partition, readers)
            except Exception as error:  # noqa: BLE001 -- the edge: the intent stays, and is repeated
                if self._stopped.is_set():
                    break
                self._told(partition, error)
                for reader in readers:
                    reader.forget()
                self._stopped.wait(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
                continue
            pause_s = FIRST_PAUSE_S
            self._turned.add(partition)
            self._ready.set(len(self._turned) == self._settings.partitions)
            if not busy:
                self._stopped.wait(IDLE_S)
        _leave(lease)

    def _turn(
        self, redis: Redis, lease: Lease, partition: int, readers: list[Reader]
    ) -> bool:
        if not lease.hold():
            for reader in readers:
                reader.forget()
            return False
        busy, failed = False, None
        for reader in readers:
            try:
                busy |= reader.turn()
            except (RangeFailed, HandlerLost, CityError) as error:
                failed = failed or error  # it must not stand in the others' way
        if busy:
            self._trim(redis, partition, readers)
        if failed is not None:
            raise failed
        return busy

    def _trim(self, redis: Redis, partition: int, readers: list[Reader]) -> None:
        positions = [reader.position for reader in readers]
        known = [position for position in positions if position is not None]
        if len(known) == len(readers):
            lowest = min(known, key=order)
            stream = keys.events(partition)
            known_functions = self._executors.functions
            retries = [keys.retry(partition, f.name) for f in known_functions]
            budget = self._settings.budget
            self._trimmed.inc(trim(redis, stream, lowest, budget, retries))

    def _readers(
        self, redis: Redis, lease: Lease, partition: int, known: list[Reader]
    ) -> list[Reader]:
        """Return a reader for each function of the code at work, the old if it fits."""
        wanted = self._executors.batched
        if [reader.works_for for reader in known] == list(wanted):
            return known
        kept = {reader.works_for: reader for reader in known}
        return [kept.get(f) or self._reader(redis, lease, partition, f) for f in wanted]

    def _reader(
        self, redis: Redis, lease: Lease, partition: int, function: Batched
    ) -> Reader:
        return Reader(
            redis=redis,
            lease=lease,
            partition=partition,
            works_for=function,
            call=lambda batch, after: self._call(function, batch, after),
            flush_s=self._settings.flush_s,
            failpoint=Failpoint(self._settings.failpoint),
        )

    def _call(self, function: Batched, batch: Batch, after: str) -> None:
        """Run a function on a range in a process of its own; do what it wants here."""
        self._invoked.labels(function.name).inc()
        began = time.perf_counter()
        try:
            if self._wanted(function, batch).get("kept"):
                self._keep_range(batch, after)
        except Exception:
            self._failed.labels(function.name).inc()
            raise
        self._seconds.labels(function.name).observe(time.perf_counter() - began)
        self._events.labels(function.name).inc(len(batch.events))

    def _wanted(self, function: Batched, batch: Batch) -> dict[str, Any]:
        """Return the effects that a function wants of a range."""
        body, names = range_envelopes(batch), [function.name]
        with self._executors.borrow() as executor:
            (found,) = executor.run(body, names, timeout_s=self._settings.timeout_s)
        (answer,) = found["answers"]
        if answer["outcome"] != "done":
            raise RangeFailed(f"{function.name} on {batch.id}: {answer['reason']}")
        effects: dict[str, Any] = answer["effects"]
        return effects

    def _keep_range(self, batch: Batch, after: str) -> None:
        """Archive a range byte for byte; a repeat overwrites it with itself."""
        records = [
            Record(id=event.entry, topic=event.topic, payload=event.payload)
            for event in batch.events
        ]
        try:
            self._ensure_bucket()
            Archive(self._bucket).keep(batch.partition, records, after=after)
        except Exception:
            self._bucket_there = False
            raise

    def _ensure_bucket(self) -> None:
        """Make sure of the bucket at the start, and whenever something failed."""
        if not self._bucket_there:
            self._bucket.ensure()
            self._bucket_there = True

    def _told(self, partition: int, error: Exception) -> None:
        expected = isinstance(error, CityError | RedisError | RangeFailed | HandlerLost)
        _log.warning(
            "batcher.range.repeat partition=%d error=%s",
            partition,
            error,
            exc_info=None if expected else error,
        )


def _leave(lease: Lease) -> None:
    try:
        lease.release()
    except RedisError as error:
        _log.warning("batcher.lease.kept error=%s", error)
