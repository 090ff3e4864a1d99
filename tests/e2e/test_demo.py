"""The main job: with parts outside the supervisor, and with a part killed midway."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests import servers
from tests.e2e.conftest import clean_environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def demo(tmp_path: Path, **environ: str) -> tuple[int, dict[str, Any], str]:
    report = tmp_path / "report.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "garonne", "demo"),
            *("--seconds", "12", "--report", str(report)),
            *("--state", str(tmp_path / "state")),
        ],
        env={**clean_environment(), **environ},
        capture_output=True,
        text=True,
        timeout=360,
        check=False,
    )
    document = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
    return done.returncode, document, done.stderr


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
