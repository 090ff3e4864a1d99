"""The worker as a process: its threads, its watch on the handlers, its end."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from prometheus_client import start_http_server
from redis.exceptions import RedisError

from city import keys
from city.failpoint import Failpoint
from city.lease import Lease
from city.redis import connect
from faas.manifest import Planned
from faas.streams import ticks
from faas.worker.dispatch import Dispatcher
from faas.worker.executor import Executors
from faas.worker.meters import Meters
from faas.worker.partition import LeaseLost, Partition
from faas.worker.schedule import Schedule
from faas.worker.settings import Settings
from faas.worker.shares import Shares
from faas.worker.watch import Watch, fingerprint

FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 2.0
TICK_S: Final = 0.1
STOP_S: Final = 4.0

_log = logging.getLogger(__name__)

__all__ = ["Worker"]


class Worker:
    """Serves every partition whose lease it gets, one thread each."""

    def __init__(self, settings: Settings) -> None:
        """Load the handlers; `Miswired` when they cannot run."""
        self.settings = settings
        self.meters = Meters()
        self._stop = threading.Event()
        self._serving: set[int] = set()
        loaded = fingerprint(settings.handlers)
        self._executors = Executors(settings.handlers, settings.executors)
        self._watch = Watch(
            folder=settings.handlers,
            executors=self._executors,
            refused=self.meters.refused,
            loaded=loaded,
            stop=self._stop,
        )
        self._redis = connect(settings.redis)
        self._shares = Shares(
            redis=self._redis,
            key=keys.workers(0, settings.pool),
            partitions=settings.partitions,
            alive_s=settings.lease_s / 2,
        )
        self.meters.partitions.set_function(lambda: self._shares.held)

    def run(self) -> None:
        """Serve until `stop`; `WrongLayout` when the streams are made otherwise."""
        if self.settings.metrics is not None:
            start_http_server(
                self.settings.metrics.port,
                self.settings.metrics.host,
                self.meters.registry,
            )
        self._patiently("worker.redis.wait", self._declare)
        self._patiently("worker.share.wait", self._shares.beat)
        partitions = [self._partition(n) for n in range(self.settings.partitions)]
        threads = [
            threading.Thread(target=self._serve, args=[partition], daemon=True)
            for partition in partitions
        ]
        leases = [partition.lease for partition in partitions]
        threads += [
            threading.Thread(target=self._renew, args=[leases], daemon=True),
            threading.Thread(target=self._watch.run, daemon=True),
            threading.Thread(target=self._keep_schedules, daemon=True),
        ]
        for thread in threads:
            thread.start()
        self._stop.wait()
        self._end(threads, leases)

    def stop(self) -> None:
        """Stop soon; what was not committed stays for the next worker."""
        self._stop.set()

    def _declare(self) -> None:
        keys.declare_partitions(self._redis, self.settings.partitions)

    def _partition(self, number: int) -> Partition:
        settings = self.settings
        lease = Lease(
            redis=self._redis,
            key=keys.lease(number, settings.pool),
            lease_s=settings.lease_s,
        )
        dispatcher = Dispatcher(
            executors=self._executors, meters=self.meters, timeout_s=settings.timeout_s
        )
        return Partition(
            redis=self._redis,
            pool=settings.pool,
            number=number,
            lease=lease,
            dispatcher=dispatcher,
            meters=self.meters,
            batch=settings.batch,
            failpoint=Failpoint(settings.failpoint),
        )

    def _serve(self, partition: Partition) -> None:
        while not self._stop.is_set():
            self._patiently("worker.partition.wait", lambda: self._hold(partition))
        self._serving.discard(partition.number)

    def _hold(self, partition: Partition) -> None:
        """Get the lease, finish what was begun, and go on while it is ours."""
        partition.open()
        deadline = time.monotonic() + self.settings.lease_s
        while not self._acquire(partition):
            if self._stop.wait(self.settings.lease_s / 6):
                return
            if time.monotonic() > deadline:
                # Not a lease that a dead worker left behind: a copy is at work.
                self._ready(partition.number)
        try:
            self._attend(partition)
        finally:
            self._shares.give_back(partition.number)

    def _acquire(self, partition: Partition) -> bool:
        """Take a partition's lease if this copy's share allows one more."""
        if not self._shares.take(partition.number):
            return False
        try:
            held = partition.acquire()
        except BaseException:
            self._shares.give_back(partition.number)
            raise
        if not held:
            self._shares.give_back(partition.number)
        return held

    def _attend(self, partition: Partition) -> None:
        """Serve a partition while it is ours and within the share."""
        number = partition.number
        _log.info("worker.partition.serve p=%02d", number)
        try:
            if recovered := partition.recover():
                _log.info(
                    "worker.partition.recover p=%02d events=%d", number, recovered
                )
            self._ready(number)
            partition.serve(
                lambda: self._shares.keeps(number) and not self._stop.is_set()
            )
        except LeaseLost:
            _log.warning("worker.lease.lost p=%02d", number)
            partition.lease.token = ""
        if not self._shares.keeps(number):
            _log.info("worker.partition.give_back p=%02d", number)
            partition.lease.release()

    def _keep_schedules(self) -> None:
        while not self._stop.is_set():
            self._patiently("worker.schedule.wait", self._tick)

    def _tick(self) -> None:
        """Keep the schedules of the code at work until other code is."""
        planned = self._executors.planned
        schedules = [self._schedule(p) for p in planned if p.pool == self.settings.pool]
        while planned is self._executors.planned and not self._stop.is_set():
            ran = [schedule.turn() for schedule in schedules]
            if not any(ran):
                self._stop.wait(TICK_S)
        for schedule in schedules:
            schedule.lease.release()

    def _schedule(self, planned: Planned) -> Schedule:
        return Schedule(
            redis=self._redis,
            function=planned,
            executors=self._executors,
            meters=self.meters,
            partitions=self.settings.partitions,
            timeout_s=self.settings.timeout_s,
            lease=Lease(
                redis=self._redis,
                key=f"{ticks(planned.name)}:lease",
                lease_s=self.settings.lease_s + self.settings.timeout_s,
            ),
            now=time.time,
        )

    def _ready(self, number: int) -> None:
        self._serving.add(number)
        if len(self._serving) == self.settings.partitions:
            self.meters.ready.set(1)

    def _patiently(self, name: str, work: Callable[[], None]) -> None:
        """Do some work; while Redis is away, wait longer each time and try again."""
        pause_s = FIRST_PAUSE_S
        while not self._stop.is_set():
            try:
                return work()
            except RedisError as error:
                self.meters.ready.set(0)
                _log.warning("%s error=%r pause_s=%g", name, str(error), pause_s)
            except Exception:  # noqa: BLE001 - the edge of a thread: told, tried again
                _log.exception("%s", name)
            self._stop.wait(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        return None

    def _renew(self, leases: list[Lease]) -> None:
        while not self._stop.wait(self.settings.lease_s / 6):
            for lease in leases:
                try:
                    if lease.token:
                        lease.hold()
                except RedisError as error:
                    _log.debug("worker.lease.wait error=%r", str(error))
            with suppress(RedisError):  # the share stays as it was
                self._shares.beat()

    def _end(self, threads: list[threading.Thread], leases: list[Lease]) -> None:
        self.meters.ready.set(0)
        share_s = STOP_S / len(threads)
        for thread in threads:
            thread.join(share_s)
        self._executors.close()
        with suppress(RedisError):
            self._shares.leave()
        for lease in leases:
            try:
                lease.release()
            except RedisError:
                _log.info("worker.lease.leave key=%s", lease.key)
