"""The last word about readiness is the newest, whichever region's thread says it."""

import threading
from typing import Any

from tests.chirpstack_embedded.test_regions import stock

from chirpstack_embedded.gateways import Gateways
from chirpstack_embedded.settings import Settings

PATIENCE_S = 0.2


class Recording:
    """A link that remembers what was sent."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def send(self, message: Any) -> None:
        self.sent.append(message)


class Slow:
    """A region whose connection comes up just after somebody looked."""

    def __init__(self, gateways: Gateways) -> None:
        self._gateways = gateways
        self._is_up = False
        self.other: threading.Thread | None = None

    @property
    def is_ready(self) -> bool:
        seen = self._is_up
        if self.other is None:
            self._is_up = True
            self.other = threading.Thread(target=self._gateways._tell_ready)
            self.other.start()
            self.other.join(PATIENCE_S)  # it would be done by now, if it could
        return seen


def test_two_regions_that_come_up_at_once_are_ready_in_the_end() -> None:
    link: Any = Recording()
    gateways = Gateways(link, stock("us915_1"), Settings())
    slow: Any = Slow(gateways)
    gateways._backends = {"us915_1": [slow]}

    gateways._tell_ready()
    assert slow.other is not None
    slow.other.join()

    assert [("ready", False), ("ready", True)] == link.sent
