"""The main job: with parts outside the supervisor, and with a part killed midway."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests import servers
from tests.e2e.conftest import clean_environment, is_up, look_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@contextmanager
def started(tmp_path: Path, **environ: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "garonne", "demo", "--seconds", "12"),
            *("--report", str(tmp_path / "report.json")),
            *("--state", str(tmp_path / "state")),
        ],
        env={**clean_environment(), **environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ended(
    tmp_path: Path, process: subprocess.Popen[str]
) -> tuple[int, dict[str, Any], str]:
    _, said = process.communicate(timeout=360)
    report = tmp_path / "report.json"
    document = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
    return process.returncode, document, said


def demo(tmp_path: Path, **environ: str) -> tuple[int, dict[str, Any], str]:
    with started(tmp_path, **environ) as process:
        return ended(tmp_path, process)


def then_nothing_was_lost(code: int, report: dict[str, Any], said: str) -> None:
    assert [] == [
        name for name, check in report.get("checks", {}).items() if not check["holds"]
    ], said
    assert 0 == report["uplinks"]["lost"], said
    assert report["devices"]["total"] == report["devices"]["joined"], said
    assert report["commands"]["confirmed"] > 0, said
    assert report["lamps"]["switched"] > 0, said
    assert 0 == code, said


def test_the_city_runs_on_a_broker_redis_and_s3_of_somebody_else(
    tmp_path: Path,
) -> None:
    with (
        servers.mosquitto(user="city", password="only for tests") as broker,
        servers.valkey(password="only-for-tests") as redis,
        servers.rclone_s3() as s3,
    ):
        code, report, said = demo(
            tmp_path,
            GARONNE_MQTT=broker.url,
            GARONNE_REDIS=redis.url,
            GARONNE_S3=s3.url,
            GARONNE_S3_ACCESS_KEY=s3.user,
            GARONNE_S3_SECRET_KEY=s3.password,
        )

    then_nothing_was_lost(code, report, said)
    assert not (tmp_path / "state" / "valkey").exists()


@pytest.mark.parametrize(
    "failpoint",
    [
        "after_xadd_before_puback",
        "after_publish_before_mark",
        "after_put_before_cursor",
    ],
)
def test_a_part_killed_at_its_failpoint_loses_and_doubles_nothing(
    tmp_path: Path, failpoint: str
) -> None:
    code, report, said = demo(tmp_path, GARONNE_FAILPOINT=failpoint)

    then_nothing_was_lost(code, report, said)
    log = (tmp_path / "state" / "log" / "garonne.log").read_text(encoding="utf-8")
    assert 1 == log.count("was killed (signal 9)")


def test_redis_and_s3_killed_midway_lose_nothing(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        run = look_until(process, lambda: is_up(tmp_path / "state"), 180)
        assert run, "the city did not come up"
        for part in run.parts:
            if part["name"] in {"valkey", "rclone"}:
                os.kill(part["pid"], signal.SIGKILL)
        code, report, said = ended(tmp_path, process)

    then_nothing_was_lost(code, report, said)
    log = (tmp_path / "state" / "log" / "garonne.log").read_text(encoding="utf-8")
    assert 2 == log.count("was killed (signal 9)")
