"""The supervisor with real processes: the three engines and two dummy programs."""

import ast
import os
import signal
import subprocess
from collections.abc import Callable

import pytest
from tests.garonne.processes import gone, lines_until, lives

pytestmark = pytest.mark.slow

City = Callable[[], subprocess.Popen[str]]


def pids_of(lines: list[str]) -> dict[str, int]:
    return dict(ast.literal_eval(lines[-1].split("UP ", 1)[1]))


def grandchild_of(lines: list[str]) -> int:
    line = next(line for line in lines if "grandchild" in line)
    return int(line.split()[-1])


def test_everything_comes_up_and_goes_down_in_reverse(small_city: City) -> None:
    city = small_city()
    lines = lines_until(city, "UP ")
    pids = pids_of(lines)

    city.send_signal(signal.SIGTERM)
    lines_until(city, "OVER")

    assert ["first", "mosquitto", "rclone", "second", "valkey"] == sorted(pids)
    assert 0 == city.wait(5)
    assert gone([*pids.values(), grandchild_of(lines)])


def test_kill_9_of_the_supervisor_leaves_no_orphan(small_city: City) -> None:
    city = small_city()
    lines = lines_until(city, "UP ")
    pids = [*pids_of(lines).values(), grandchild_of(lines)]
    assert all(lives(pid) for pid in pids)

    city.kill()

    assert gone(pids)


def test_a_killed_part_comes_back_without_its_failpoint(small_city: City) -> None:
    city = small_city()
    lines = lines_until(city, "UP ")
    assert any("serving with failpoint 'here'" in line for line in lines)

    os.kill(pids_of(lines)["second"], signal.SIGKILL)

    assert lines_until(city, "serving with failpoint None")
    assert lines_until(city, "second is ready")


def test_the_same_data_and_ports_are_found_at_the_next_start(small_city: City) -> None:
    first = small_city()
    lines_until(first, "UP ")
    first.send_signal(signal.SIGINT)
    first.wait(10)

    second = small_city()

    assert lines_until(second, "UP ")
