"""Named points at which a test lets a process kill itself."""

import os
import signal
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failpoint:
    """The point (GARONNE_FAILPOINT) at which this process ends; None: nowhere."""

    name: str | None = None

    def reach(self, name: str) -> None:
        """Die here, as by ``kill -9``, if this is the point."""
        if self.name == name:
            os.kill(os.getpid(), signal.SIGKILL)
