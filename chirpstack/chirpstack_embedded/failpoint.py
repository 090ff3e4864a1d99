"""Named places where a test kills the process, to prove that nothing is lost."""

import os
import signal

AFTER_COMMIT_BEFORE_PUBLISH = "after_commit_before_publish"
AFTER_PUBLISH_BEFORE_DELETE = "after_publish_before_delete"


class Failpoint:
    """The one failpoint of this process, or none."""

    def __init__(self, name: str) -> None:
        self._name = name

    def reach(self, name: str) -> None:
        """Die at once, as by ``kill -9``, if ``name`` is the failpoint."""
        if name == self._name:
            os.kill(os.getpid(), signal.SIGKILL)
