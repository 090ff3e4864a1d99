"""The batcher between a real Redis and a real object store."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from redis import Redis
from tests.faas.lamps import until
from tests.servers import Server, rclone_s3, valkey

from city import keys
from city.archive import Archive, Record
from city.redis import connect
from city.s3 import Bucket
from city.settings import Reader

PARTITIONS = 4
EUIS = [f"a81758fffe03{n:04x}" for n in range(24)]


@dataclass(kw_only=True)
class Store:
    """A real Redis and a real store, both with passwords."""

    redis: Redis
    redis_server: Server
    s3_server: Server
    bucket: Bucket
    environment: dict[str, str]

    @property
    def archive(self) -> Archive:
        return Archive(self.bucket)

    @contextmanager
    def batcher(self, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen(
            [sys.executable, "-m", "faas.batcher"],
            env={**os.environ, **self.environment, **environment},
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


@pytest.fixture
def store() -> Iterator[Store]:
    with valkey(password="pw") as redis_server, rclone_s3() as s3_server:
        environment = {
            "GARONNE_REDIS": redis_server.url,
            "GARONNE_S3": s3_server.url,
            "GARONNE_S3_ACCESS_KEY": s3_server.user,
            "GARONNE_S3_SECRET_KEY": s3_server.password,
            "GARONNE_ARCHIVE_FLUSH": "0.2",
            "GARONNE_BATCHER_LEASE": "1",
        }
        read = Reader(environment)
        yield Store(
            redis=connect(read.redis()),
            redis_server=redis_server,
            s3_server=s3_server,
            bucket=Bucket(read.s3()),
            environment=environment,
        )


def fill(redis: Redis, count: int, *, start: int = 0) -> set[tuple[str, bytes]]:
    """Put events of all sorts into the streams, as ingest does; return them."""
    stored = set()
    kinds = ("up", "join", "txack", "log", "strange")
    for number in range(start, start + count):
        dev_eui, kind = EUIS[number % len(EUIS)], kinds[number % len(kinds)]
        topic = f"application/a/device/{dev_eui}/event/{kind}"
        payload = (
            b"\xff not json %d" % number if number % 7 == 0 else b'{"n":%d}' % number
        )
        stream = keys.events(keys.partition_of(dev_eui, PARTITIONS))
        redis.xadd(stream, {"topic": topic, "payload": payload})
        stored.add((topic, payload))
    return stored


def what(records: Iterator[Record]) -> Counter[tuple[str, bytes]]:
    return Counter((record.topic, record.payload) for record in records)


def archived(store: Store, count: int) -> bool:
    return bool(store.bucket.ensure() or store.archive.count() == count)


def test_every_event_is_kept_byte_for_byte_and_once(store: Store) -> None:
    stored = fill(store.redis, 200)
    with store.batcher():
        until(lambda: 200 == store.archive.count(), "200 events archived")

    assert Counter(stored) == what(store.archive.read())
    assert store.archive.count(kind="other") == store.archive.count(kind="up")
