"""Our streams remember more of a device than ChirpStack's API."""

import json
from collections.abc import Iterator

import pytest
from redis import Redis
from tests.servers import valkey

from city import keys
from city.doctor.events import event_in, unique
from city.doctor.remembered import remembered
from city.redis import connect
from city.settings import Reader

DEV_EUI = "a81758fffe0301c4"
OTHER = "a81758fffe0301c5"


@pytest.fixture
def store() -> Iterator[Redis]:
    with (
        valkey() as server,
        connect(Reader({"GARONNE_REDIS": server.url}).redis()) as found,
    ):
        keys.declare_partitions(found, 4)
        yield found


def received(store: Redis, dev_eui: str, kind: str, payload: bytes) -> None:
    stream = keys.events(keys.partition_of(dev_eui, 4))
    topic = f"application/a/device/{dev_eui}/event/{kind}"
    store.xadd(stream, {"topic": topic, "payload": payload})


def log(code: str) -> bytes:
    context = {"deduplication_id": "f0"}
    return json.dumps({"level": "ERROR", "code": code, "context": context}).encode()


def test_the_logs_of_this_device_are_found_among_others(store: Redis) -> None:
    received(store, DEV_EUI, "log", log("OTAA"))
    received(store, DEV_EUI, "status", b"{}")
    received(store, OTHER, "log", log("UPLINK_MIC"))
    received(store, DEV_EUI, "up", b"[no document")

    assert [("up", ""), ("log", "OTAA")] == [
        (event.kind, event.code) for event in remembered(store, DEV_EUI)
    ]


def test_an_event_that_both_tell_counts_once() -> None:
    body = json.dumps({"deduplicationId": "f1"})
    told = [event_in("join", body, 1.0), event_in("join", body.encode(), 2.0)]

    assert [1.0] == [event.time for event in unique(told)]
    assert 2 == len(unique([event_in("log", b"{}", 1.0), event_in("log", b"{}", 2.0)]))


def test_a_redis_that_is_away_takes_nothing_from_the_doctor() -> None:
    away = connect(Reader({"GARONNE_REDIS": "redis://127.0.0.1:1/0"}).redis())

    assert [] == remembered(away, DEV_EUI)
    away.close()
