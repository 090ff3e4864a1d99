"""The batcher between a real Redis and a real object store."""

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis
from tests.faas.lamps import until
from tests.servers import Server, rclone_s3, valkey

from city import keys
from city.archive import Archive, Record
from city.redis import connect
from city.s3 import Bucket
from city.settings import Reader, default_home

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
            "GARONNE_ARCHIVE_FLUSH_S": "0.2",
            "GARONNE_BATCHER_LEASE_S": "1",
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
    store.bucket.ensure()
    return store.archive.count() == count


def test_every_event_is_kept_byte_for_byte_and_once(store: Store) -> None:
    stored = fill(store.redis, 200)
    with store.batcher():
        until(lambda: 200 == store.archive.count(), "200 events archived")

    assert Counter(stored) == what(store.archive.read())
    assert store.archive.count(kind="other") == store.archive.count(kind="up")


@pytest.mark.slow
def test_killed_between_put_and_cursor_nothing_is_lost_or_doubled(store: Store) -> None:
    stored = fill(store.redis, 60)
    with store.batcher(GARONNE_FAILPOINT="after_put_before_cursor") as process:
        assert -signal.SIGKILL == process.wait(30)
    left_over = intents(store.redis)
    stored |= fill(store.redis, 60, start=60)
    with store.batcher():
        until(lambda: 120 == store.archive.count(), "120 events archived")

    assert left_over, "it died with an intent written down"
    assert Counter(stored) == what(store.archive.read())
    assert [] == intents(store.redis)


@pytest.mark.slow
def test_a_store_that_is_away_keeps_the_events_waiting(store: Store) -> None:
    store.s3_server.stop()
    with store.batcher() as process:
        stored = fill(store.redis, 50)
        until(lambda: [] != intents(store.redis), "tried")

        assert process.poll() is None

        store.s3_server.start()
        until(lambda: archived(store, 50), "50 events archived")

    assert Counter(stored) == what(store.archive.read())


@pytest.mark.slow
def test_a_redis_that_was_away_is_found_again(store: Store) -> None:
    stored = fill(store.redis, 20)
    with store.batcher():
        until(lambda: archived(store, 20), "20 events archived")
        store.redis_server.kill()
        store.redis_server.start()
        stored |= fill(store.redis, 20, start=20)
        until(lambda: archived(store, 40), "40 events archived")

    assert Counter(stored) == what(store.archive.read())


@pytest.mark.slow
def test_of_two_copies_one_works_and_the_other_takes_over(store: Store) -> None:
    with store.batcher() as first, store.batcher():
        stored = fill(store.redis, 40)
        until(lambda: archived(store, 40), "40 events archived")
        first.kill()
        stored |= fill(store.redis, 40, start=40)
        until(lambda: archived(store, 80), "80 events archived")

    assert Counter(stored) == what(store.archive.read())


@pytest.mark.slow
def test_only_what_is_archived_and_over_the_budget_leaves_the_stream(
    store: Store,
) -> None:
    stored = fill(store.redis, 240)
    with store.batcher(GARONNE_STREAM_BUDGET="5"):
        until(lambda: archived(store, 240), "240 events archived")
        streams = [keys.events(number) for number in range(PARTITIONS)]
        until(lambda: all(store.redis.xlen(s) <= 5 for s in streams), "trimmed")

    assert {5} == {store.redis.xlen(stream) for stream in streams}
    assert Counter(stored) == what(store.archive.read())


ANOTHER = """
from faas import Batch, on_batch

@on_batch(max_age_s=0.1)
def another(batch: Batch) -> None:
    pass
"""


@pytest.mark.slow
def test_a_batch_function_dropped_into_the_folder_begins_at_the_oldest_event(
    store: Store, tmp_path: Path
) -> None:
    shutil.copy(default_home() / "functions/handlers/raw_archive.py", tmp_path)
    stored = fill(store.redis, 40)
    with store.batcher(GARONNE_HANDLERS=str(tmp_path)):
        until(lambda: archived(store, 40), "40 events archived")
        (tmp_path / "another.py").write_text(ANOTHER, encoding="utf-8")
        until(lambda: positions(store.redis, "another") == ends(store.redis), "seen")
        stored |= fill(store.redis, 10, start=40)
        until(lambda: archived(store, 50), "50 events archived")

    assert Counter(stored) == what(store.archive.read())


def positions(redis: Redis, function: str) -> list[bytes | None]:
    cursors = [keys.cursor(number, function) for number in range(PARTITIONS)]
    return [redis.hget(cursor, "position") for cursor in cursors]  # type: ignore[misc] # redis-py's answers have loose types


def ends(redis: Redis) -> list[bytes]:
    streams = [keys.events(number) for number in range(PARTITIONS)]
    return [redis.xinfo_stream(stream)["last-generated-id"] for stream in streams]


@pytest.mark.slow
def test_wrong_settings_are_all_told_and_nothing_starts(
    store: Store, capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = {"GARONNE_REDIS": "http://x", "GARONNE_S3": "", "GARONNE_S3_SECRET_KEY": ""}
    with store.batcher(**wrong) as process:
        assert 2 == process.wait(30)
    said = capfd.readouterr().err

    assert [] == [name for name in wrong if name not in said]
    assert "Traceback" not in said


def intents(redis: Redis) -> list[str]:
    """Return the ranges that are written down and not done."""
    cursors = [keys.cursor(number, "raw_archive") for number in range(PARTITIONS)]
    found = [redis.hget(cursor, "first") for cursor in cursors]
    return [str(first) for first in found if first]
