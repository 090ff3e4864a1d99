"""
The process that runs codecs: ``python -m chirpstack_embedded.codec_process``.

Started by the server with one end of a ``Link``. From the server: ``("run", scripts,
jobs)``, new scripts by number and jobs ``(number, script, function, given)``. To it:
``("ready",)``, then ``("answers", [(number, answer), …])``, the first one at once, the
others in lots.

A thread of its own waits for the end of the link, so that the process ends with the
server even in the middle of a script.
"""

import os
import threading

from chirpstack_embedded.adapters.child import accept_link
from chirpstack_embedded.adapters.garbage import look_rarely
from chirpstack_embedded.adapters.link import Link
from chirpstack_embedded.codec import Job, Realms, rendered

LOT = 16


class Desk:
    """Runs jobs in their order."""

    def __init__(self, link: Link, realms: Realms) -> None:
        self._link = link
        self._realms = realms
        self._scripts: dict[int, str] = {}

    def serve(self) -> None:
        """Work until the server is gone."""
        threading.Thread(target=self._watch, daemon=True).start()
        while (message := self._link.receive()) is not None:
            _, scripts, jobs = message
            self._scripts.update(scripts)
            self._run(jobs)

    def _run(self, jobs: list[tuple[int, int, str, str]]) -> None:
        answers: list[tuple[int, str]] = []
        size = 1  # somebody waits for the first one
        for number, script, function, given in jobs:
            job = Job(self._scripts[script], function, given)
            answers.append((number, rendered(job, self._realms.run(job))))
            if len(answers) >= size:
                self._link.send(("answers", answers))
                answers, size = [], LOT
        if answers:
            self._link.send(("answers", answers))

    def _watch(self) -> None:
        self._link.wait_for_end()
        os._exit(0)


def main() -> None:
    """Serve."""
    link, (limits,) = accept_link()
    look_rarely()
    link.send(("ready",))
    Desk(link, Realms(limits)).serve()


if __name__ == "__main__":
    main()
