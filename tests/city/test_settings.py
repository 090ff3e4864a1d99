"""The environment is read whole, and its secrets stay in it."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from city.errors import BadSettings
from city.settings import Address, Mqtt, Reader, Redis

GOOD = {
    "GARONNE_MQTT": "mqtt://city:s%40fe@broker:1884",
    "GARONNE_REDIS": "redis://:s%40fe@store:6380/2",
    "GARONNE_S3": "http://objects:9000/",
    "GARONNE_S3_ACCESS_KEY": "key",
    "GARONNE_S3_SECRET_KEY": "s@fe",
    "GARONNE_CHIRPSTACK_GRPC": "chirpstack:8080",
    "GARONNE_CHIRPSTACK_TOKEN": "s@fe",
}


def test_addresses_and_passwords_are_taken_apart() -> None:
    read = Reader(GOOD)

    assert Mqtt(host="broker", port=1884, username="city", password="s@fe") == (
        read.mqtt()
    )
    assert Redis(host="store", port=6380, password="s@fe", database=2) == read.redis()
    assert "http://objects:9000" == read.s3().endpoint
    assert ("garonne-raw", "s@fe") == (read.s3().bucket, read.s3().secret_key)
    assert ("chirpstack:8080", "s@fe") == (
        read.chirpstack().target,
        read.chirpstack().token,
    )
    read.check()


def test_redis_may_be_a_socket() -> None:
    read = Reader({"GARONNE_REDIS": "unix:///run/redis.sock"})

    assert Redis(path="/run/redis.sock") == read.redis()


def test_no_secret_shows() -> None:
    read = Reader(GOOD)
    shown = repr([read.mqtt(), read.redis(), read.s3(), read.chirpstack()])

    assert "s@fe" not in shown
    assert "s%40fe" not in shown


def test_every_fault_is_told_at_once_and_no_value_with_a_password() -> None:
    read = Reader(
        {
            "GARONNE_MQTT": "tcp://city:s@fe",
            "GARONNE_REDIS": "redis://:s@fe@store:many",
            "GARONNE_S3_BUCKET": "ab",
            "GARONNE_LOG": "loud",
            "GARONNE_METRICS": "here",
            "GARONNE_CHIRPSTACK_GRPC": "chirpstack",
        }
    )
    read.mqtt(), read.redis(), read.s3(), read.log_level(), read.metrics()
    read.chirpstack()
    with pytest.raises(BadSettings) as caught:
        read.check()
    faults = caught.value.faults

    assert [
        "GARONNE_MQTT",
        "GARONNE_REDIS",
        "GARONNE_S3",
        "GARONNE_S3_ACCESS_KEY",
        "GARONNE_S3_SECRET_KEY",
        "GARONNE_S3_BUCKET",
        "GARONNE_LOG",
        "GARONNE_METRICS",
        "GARONNE_CHIRPSTACK_GRPC",
        "GARONNE_CHIRPSTACK_TOKEN",
    ] == [fault.partition(" ")[0] for fault in faults]
    assert "s@fe" not in str(caught.value)


def test_a_token_may_lie_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("abc\n", encoding="utf-8")
    environment = {
        "GARONNE_CHIRPSTACK_GRPC": "chirpstack:8080",
        "GARONNE_CHIRPSTACK_TOKEN_FILE": str(path),
    }

    assert "abc" == Reader(environment).chirpstack().token


def test_a_token_file_that_is_not_there_is_a_fault() -> None:
    read = Reader({"GARONNE_CHIRPSTACK_TOKEN_FILE": "/nowhere/token"} | GOOD)
    read.chirpstack()

    with pytest.raises(BadSettings, match="/nowhere/token: No such file"):
        read.check()


def test_metrics_are_optional() -> None:
    assert Reader({}).metrics() is None
    assert Address(host="127.0.0.1", port=9000) == (
        Reader({"GARONNE_METRICS": "127.0.0.1:9000"}).metrics()
    )


def test_the_data_root_has_the_device_types() -> None:
    assert (Reader({}).home() / "chirpstack" / "device-types").is_dir()


@given(st.text(), st.text(), st.text())
def test_whatever_is_set_the_answer_is_settings_or_faults(
    mqtt: str, redis: str, number: str
) -> None:
    read = Reader({"GARONNE_MQTT": mqtt, "GARONNE_REDIS": redis, "N": number})
    broker = read.mqtt()
    read.redis()
    read.number("N", 1)
    with suppress(BadSettings):
        read.check()
        assert broker.host


def test_a_secret_may_stand_in_a_file_and_the_setting_itself_wins(
    tmp_path: Path,
) -> None:
    held = tmp_path / "redis"
    held.write_text("redis://:s%40fe@store:6380/2\n")
    read = Reader({"GARONNE_REDIS_FILE": str(held), "GARONNE_MQTT_FILE": str(held)})

    assert "s@fe" == read.redis().password
    assert "here" == Reader({"A_FILE": str(held), "A": "here"}).perhaps("A")
    assert "" == Reader({}).perhaps("A")


def test_a_file_that_is_not_there_is_told_by_its_name() -> None:
    read = Reader({"GARONNE_REDIS_FILE": "/nowhere/redis"})
    read.redis()

    with pytest.raises(BadSettings) as caught:
        read.check()
    assert ("GARONNE_REDIS_FILE: /nowhere/redis: No such file or directory",) == (
        caught.value.faults
    )
