"""The server's side of the process that talks to gateways."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from chirpstack_embedded.adapters.child import Child
from chirpstack_embedded.adapters.gatherer import Lot
from chirpstack_embedded.config import Configuration
from chirpstack_embedded.core.collector import Collected, Finding, Refused, Said
from chirpstack_embedded.core.context import Transmission
from chirpstack_embedded.core.heard import HeardRx
from chirpstack_embedded.errors import ChirpStackError
from chirpstack_embedded.settings import Settings

_OTHERS: dict[str, Callable[..., Finding]] = {"Said": Said, "Refused": Refused}


class GatewayProcess:
    """Starts it, hears it, and notices when it dies."""

    def __init__(
        self,
        configuration: Configuration,
        settings: Settings,
        *,
        on_lot: Callable[[Lot], None],
        on_end: Callable[[str], None],
    ) -> None:
        self._given = (configuration, settings)
        self._on_lot = on_lot
        self._on_end = on_end
        self._child: Child | None = None
        self._is_stopping = False
        self._thread = threading.Thread(target=self._hear, name="gateways", daemon=True)
        self.is_ready = False

    def start(self) -> None:
        """Start it; ``ChirpStackError`` when it says that it cannot listen."""
        self._child = Child("gateways", *self._given)
        while (message := self._child.link.receive()) != ("started",):
            if message is None:
                raise ChirpStackError(self._ended(self._child))
            if message[0] == "failed":
                raise ChirpStackError(message[1])
            self._take(message)  # a broker that was faster
        self._thread.start()

    def stop(self) -> None:
        """Let it take nothing more, and wait for its end."""
        self._is_stopping = True
        if self._child is not None:
            self._child.stop()
            self._thread.join()

    def send(self, transmissions: Sequence[Transmission]) -> None:
        """Hand over downlinks."""
        for sent in transmissions:
            frame = sent.frame.SerializeToString()
            message = ("down", sent.region_config_id, sent.gateway_id, frame)
            if self._child is not None:
                self._child.link.send(message)

    def _hear(self) -> None:
        child = self._child
        while child is not None:
            message = child.link.receive()
            if message is None:
                break
            self._take(message)
        self.is_ready = False
        if child is not None and not self._is_stopping:
            self._on_end(self._ended(child))

    def _take(self, message: Any) -> None:
        match message:
            case ("lot", at, received, findings):
                lot = [_finding(*plain) for plain in findings]
                self._on_lot(Lot(at=at, received=received, findings=lot))
            case ("ready", whether):
                self.is_ready = whether

    @staticmethod
    def _ended(child: Child) -> str:
        return f"the process that talks to gateways ended with {child.end()}"


def _finding(kind: str, *fields: Any) -> Finding:
    if kind in _OTHERS:
        return _OTHERS[kind](*fields)
    region, phy_payload, tx_info, receptions = fields
    heard = [HeardRx(*rx) for rx in receptions]
    return Collected(region, phy_payload, tx_info, heard)
