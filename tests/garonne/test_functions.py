"""What functions said and failed on, read from a real Redis."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from tests.servers import Server, valkey

from city import keys
from garonne.__main__ import main


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with valkey() as running:
        yield running


@pytest.fixture
def redis(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Redis]:
    monkeypatch.setenv("GARONNE_STATE", str(tmp_path))
    monkeypatch.setenv("GARONNE_REDIS", server.url)
    monkeypatch.setenv("GARONNE_MQTT", "mqtt://127.0.0.1:1")
    monkeypatch.setenv("GARONNE_CHIRPSTACK_GRPC", "127.0.0.1:1")
    monkeypatch.setenv("GARONNE_CHIRPSTACK_TOKEN", "only-for-tests")
    with Redis.from_url(server.url, protocol=2) as connection:
        connection.flushall()
        keys.declare_partitions(connection, 2)
        yield connection


def tell(redis: Redis, partition: int, entry: str, **notice: str) -> None:
    redis.xadd(keys.notices(partition), {"notice": json.dumps(notice)}, id=entry)


def bury(redis: Redis, function: str) -> None:
    redis.xadd(
        keys.dead(1, function),
        {"entry": "5-0", "attempts": 4, "at": 60.0, "reason": "KeyError: 'lux'"},
    )


def test_notices_of_all_partitions_are_told_in_the_order_they_were_said(
    redis: Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(redis, 1, "2000-0", text="bay-02 is free", level="info")
    tell(redis, 0, "1000-0", text="bay-01 is taken", level="warning")

    code = main(["notices"])

    assert 0 == code
    assert [
        "00:00:01 UTC  warning: bay-01 is taken",
        "00:00:02 UTC  bay-02 is free",
    ] == capsys.readouterr().out.splitlines()


def test_no_notice_yet_is_said_in_a_sentence(
    redis: Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == main(["notices"])
    assert ("", "no function has told anything yet\n") == capsys.readouterr()
    assert redis.ping()


def test_nothing_failed_is_said_in_a_sentence(
    redis: Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == main(["failed"])
    assert "no function has failed" in capsys.readouterr().out
    assert redis.ping()


def test_an_event_given_up_is_told_with_its_reason_and_can_be_sent_back(
    redis: Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    bury(redis, "hello_bay")

    assert 1 == main(["failed"])
    assert "hello_bay failed on" in (said := capsys.readouterr().out)
    assert "KeyError: 'lux'" in said
    assert 0 == main(["failed", "--send-back"])
    assert "1 sent back" in capsys.readouterr().out
    assert 1 == redis.xlen(keys.retry(1, "hello_bay"))


def test_a_redis_that_is_away_is_one_sentence(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GARONNE_REDIS", "redis://127.0.0.1:1/0")

    assert 0 != main(["notices"])
    assert capsys.readouterr().err.startswith("garonne: the city's Redis")
    assert redis.ping()
