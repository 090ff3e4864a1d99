"""The processes in which handlers run, and what ends them."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from faas.cloudevents import tick_envelope
from faas.errors import Miswired
from faas.worker.executor import Executors, HandlersGone

TICK = tick_envelope("dusk", 0)
STORY = """
from datetime import timedelta
from faas import Tick, on_schedule

@on_schedule(every=timedelta(minutes=1))
def dusk(tick: Tick) -> None:
    pass
"""


def lose_the_template(executors: Executors) -> None:
    process = executors._template._process
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    for executor in executors._idle:  # they die with it, a moment later
        executor.socket.recv(1)


def ask(executors: Executors, *names: str) -> list[dict[str, Any]]:
    with executors.borrow() as executor:
        return executor.run(b"\x1e" + TICK, names, timeout_s=20.0)


def test_when_the_process_that_holds_the_handlers_dies_it_is_started_again(
    handlers_folder: Path,
) -> None:
    executors = Executors(handlers_folder, 2)
    lose_the_template(executors)
    with pytest.raises(HandlersGone):
        ask(executors, "dusk")

    assert ["dusk", "dusk", "dusk"] == [
        ask(executors, "dusk")[0]["answers"][0]["function"] for _ in range(3)
    ]
    assert 2 == len(executors._idle)
    executors.close()


def test_while_the_handlers_cannot_be_loaded_again_every_asker_is_told(
    tmp_path: Path,
) -> None:
    file = tmp_path / "story.py"
    file.write_text(STORY, encoding="utf-8")
    executors = Executors(tmp_path, 1)
    file.write_text("no python", encoding="utf-8")
    lose_the_template(executors)
    with pytest.raises(HandlersGone):
        ask(executors, "dusk")
    with pytest.raises(Miswired):
        ask(executors, "dusk")
    file.write_text(STORY, encoding="utf-8")

    assert "dusk" == ask(executors, "dusk")[0]["answers"][0]["function"]
    executors.close()


def test_closing_after_a_ctrl_c_ended_everything_raises_nothing(
    handlers_folder: Path,
) -> None:
    executors = Executors(handlers_folder, 1)
    os.kill(executors._template._process.pid, signal.SIGKILL)
    executors._template._process.wait()

    executors.close()

    assert [] == executors._idle
