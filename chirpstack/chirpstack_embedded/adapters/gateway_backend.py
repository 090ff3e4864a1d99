"""A way in which gateways reach the server, as the others see it."""

from collections.abc import Callable
from typing import Protocol

from chirpstack_embedded.core.context import Transmission

OnMessage = Callable[[str, str, bytes], None]
"""Takes a region's id and a topic and payload, as a gateway on MQTT would publish."""

OnRefused = Callable[[str, str], None]
"""Takes the cause and the details of what a gateway said in vain; it is counted."""


class GatewayBackend(Protocol):
    """
    MQTT, Semtech's UDP or another protocol.

    A backend says everything its gateways said with ``OnMessage``, from whatever
    thread, and takes the downlinks of the gateways that came its way.
    """

    @property
    def is_ready(self) -> bool:
        """Whether gateways can come."""

    def start(self) -> None:
        """Listen or connect; ``ChirpStackError`` says why it cannot."""

    def stop(self) -> None:
        """Take nothing more."""

    def send(self, transmission: Transmission, *, as_json: bool) -> bool:
        """Send one downlink; False if its gateway did not come this way."""
