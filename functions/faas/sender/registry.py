"""Who a device is that an order names: its twin knows, else ChirpStack."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from city.command import Command
from city.errors import BadCommand, NotThere, Unreachable
from city.network import Network
from faas.events import UNKNOWN
from faas.sender.ledger import Ledger

SILENCE_S: Final = 1.0
"""How long ChirpStack is not asked again after it did not answer."""

_log = logging.getLogger(__name__)

__all__ = ["Registry"]


@dataclass(slots=True, kw_only=True)
class Registry:
    """Knows device types and applications; one silence of ChirpStack is enough."""

    ledger: Ledger
    network: Network
    clock: Callable[[], float]
    _silent_until: float = field(default=0.0)
    _why: str = ""

    def complete(self, command: Command) -> Command:
        """
        Fill in what an order does not say about its device.

        `BadCommand` tells why nobody can say it; `Unreachable`: not now.
        """
        if command.device_type and command.application_id:
            return command
        self.await_answer()
        found = self.ledger.twin(command.dev_eui)
        if found.get("device_type", UNKNOWN) == UNKNOWN:
            found = self._asked(command.dev_eui)
        return replace(
            command,
            device_type=command.device_type or found["device_type"],
            application_id=found.get("application_id") or command.application_id,
        )

    @property
    def silent(self) -> bool:
        """Whether it is too early to ask ChirpStack again."""
        return self.clock() < self._silent_until

    def await_answer(self) -> None:
        """Raise `Unreachable` while it is too early to ask ChirpStack again."""
        if self.silent:
            raise Unreachable(self._why)

    def note_silence(self, error: Unreachable) -> None:
        """Leave ChirpStack alone for a while: it did not answer."""
        self._silent_until = self.clock() + SILENCE_S
        self._why = str(error)

    def _asked(self, dev_eui: str) -> Mapping[str, str]:
        try:
            device = self.network.device(dev_eui)
            profile = self.network.device_profile(device.device_profile_id)
        except NotThere as error:
            raise BadCommand(f"ChirpStack knows no device {dev_eui}") from error
        except Unreachable as error:
            self.note_silence(error)
            _log.warning("sender.device.wait dev_eui=%s error=%s", dev_eui, error)
            raise
        device_type = profile.get("tags", {}).get("device_type")
        if not device_type:
            raise BadCommand(
                f"the device profile of {dev_eui} has no tag device_type, "
                "so nobody knows how to encode a command"
            )
        return {"application_id": device.application_id, "device_type": device_type}
