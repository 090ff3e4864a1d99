"""The processes in which handlers run, and what ends them."""

import os
import signal
from pathlib import Path

from faas.worker.executor import Executors


def test_closing_after_a_ctrl_c_ended_everything_raises_nothing(
    handlers_folder: Path,
) -> None:
    executors = Executors(handlers_folder, 1)
    os.kill(executors._template._process.pid, signal.SIGKILL)
    executors._template._process.wait()

    executors.close()

    assert [] == executors._idle
