"""One lamp's round trip, and a device out of the box, in the whole living city."""

import json
import re
from typing import Any

import pytest
from redis import Redis
from tests.e2e.conftest import LivingCity

from garonne.demo.archive import Archive
from garonne.settings import find_home

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def twin_of(city: LivingCity, dev_eui: str) -> dict[str, Any]:
    with Redis.from_url(
        city.run.environment["GARONNE_REDIS"], decode_responses=True, protocol=2
    ) as redis:
        (key,) = redis.scan_iter(match=f"{{p*}}:twin:{dev_eui}")
        found: Any = redis.hgetall(key)
        return dict(found)


def test_every_provisioned_device_has_joined(city: LivingCity) -> None:
    wanted = {str(device.dev_eui) for device in city.declared.provisioned}

    assert wanted == city.observer.ledger.devices("join") & wanted


def test_all_parts_are_ready(city: LivingCity) -> None:
    code, said = city.garonne("status")

    assert 0 == code
    assert all(name in said for name in ("chirpstack", "sender", "mosquitto"))


def test_a_lamp_is_confirmed_by_its_own_report(city: LivingCity) -> None:
    code, said = city.garonne("lamp", "lamp-03", "--level", "60", timeout_s=120)

    assert 0 == code, said
    steps = re.findall(r"^(\w+) +[0-9.]+ s$", said, re.MULTILINE)
    assert ["requested", "queued", "transmitted", "confirmed"] == [
        step
        for step in steps
        if step in {"requested", "queued", "transmitted", "confirmed"}
    ]
    assert "lamp-03 is at 60 %: its own report says so" in said
    lamp = next(d for d in city.declared.devices if d.name == "lamp-03")
    assert "60" in json.dumps(twin_of(city, str(lamp.dev_eui)))


def test_a_second_up_is_refused_with_the_pid_of_the_first(city: LivingCity) -> None:
    code, said = city.garonne("up")

    assert 1 == code
    assert f"already runs in {city.state} (pid {city.run.pid})" in said


def test_a_lamp_that_does_not_exist_gets_near_names(city: LivingCity) -> None:
    code, said = city.garonne("lamp", "lamp-3", "--on")

    assert 1 == code
    assert "did you mean lamp-03" in said


def test_the_tutorials_function_runs_on_the_next_uplink(city: LivingCity) -> None:
    page = (find_home() / "docs/tutorial/first-function.md").read_text("utf-8")
    handler = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)[0]
    (city.handlers / "hello_lamp.py").write_text(handler, encoding="utf-8")
    while "hello_lamp" not in city.garonne("logs", "worker")[1]:
        pass  # each look is a process of its own; the test's timeout ends it

    assert 0 == city.garonne("lamp", "lamp-05", "--level", "40", timeout_s=120)[0]
    while "lamp-05 burns at 40 %" not in city.garonne("notices")[1]:
        pass

    assert 0 == city.garonne("failed")[0]


def test_a_device_of_the_box_is_added_by_its_label(city: LivingCity) -> None:
    code, box = city.garonne("device", "box")
    labels = re.findall(r"LW:D0:\S+", box)
    assert (0, True) == (code, bool(labels))

    code, said = city.garonne("device", "add", labels[0], timeout_s=180)

    assert 0 == code, said
    assert "it has joined" in said
    assert "it speaks" in said


def test_what_was_published_is_in_the_archive_byte_for_byte(city: LivingCity) -> None:
    joins = {
        seen.mark for seen in city.observer.ledger.snapshot() if seen.kind == "join"
    }
    archive = Archive(city.run.environment)
    code, _ = city.garonne("lamp", "lamp-04", "--level", "40", timeout_s=120)

    assert 0 == code
    assert joins <= set(archive.marks())
