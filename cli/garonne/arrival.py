"""
A device's first minutes on the network, as the technician on the ladder sees them.

Pure: feed it the events of one device and the seconds that passed; it returns lines.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Arrival"]

# What ChirpStack logs about a join that does not work, and what to do about it.
CAUSES = {
    "UPLINK_MIC": "its AppKey is not the one that was typed: compare both",
    "OTAA": "it repeats a join request the server has seen already: power-cycle it",
    "UPLINK_CODEC": "it is heard, but its codec does not understand what it says",
}

HINT_AFTER_S = 20.0
SHOWN_VALUES = 12


@dataclass(slots=True)
class Arrival:
    """One device on its way: `ended` once its first decoded values were shown."""

    name: str
    ended: bool = False
    joined: bool = False
    _cause: str = ""
    _hinted: bool = False
    _told: set[str] = field(default_factory=set)

    def feed(self, kind: str, document: Mapping[str, Any], after_s: float) -> list[str]:
        """Take one event; return what is new to say."""
        match kind:
            case "join":
                return self._join(document, after_s)
            case "up":
                return self._up(document, after_s)
            case "log":
                return self._log(document)
            case _:
                return []

    def wait(self, after_s: float) -> list[str]:
        """Return a hint, once, when nothing was heard for a while."""
        if self.joined or self._cause or self._hinted or after_s < HINT_AFTER_S:
            return []
        self._hinted = True
        return [f"  not yet: {self.why_not()}"]

    def why_not(self) -> str:
        """Return why its values are not there yet, in one sentence."""
        if self._cause:
            return self._cause
        if self.joined:
            return "it has joined, but has sent nothing that its codec decodes"
        return (
            "no join request of it was heard: is it powered, are DevEUI and JoinEUI "
            "right, is a gateway near?"
        )

    def _join(self, document: Mapping[str, Any], after_s: float) -> list[str]:
        self.joined, self._cause = True, ""
        return [f"joined after {after_s:.1f} s with DevAddr {document.get('devAddr')}"]

    def _up(self, document: Mapping[str, Any], after_s: float) -> list[str]:
        values = document.get("object")
        if not isinstance(values, Mapping) or not values:
            return []
        self.ended = self.joined = True
        shown = list(values.items())[:SHOWN_VALUES]
        radio = _radio(document)
        head = f"first values after {after_s:.1f} s{radio}:"
        return [head, *(f"  {key:<16} {value}" for key, value in shown)]

    def _log(self, document: Mapping[str, Any]) -> list[str]:
        code = str(document.get("code", ""))
        said = str(document.get("description", ""))
        if document.get("level") == "INFO" or code in self._told:
            return []
        self._told.add(code)
        self._cause = CAUSES.get(code, said)
        return [f"  not yet: {self._cause} (ChirpStack: {said})"]


def _radio(document: Mapping[str, Any]) -> str:
    found = document.get("rxInfo")
    heard = found if isinstance(found, list) else []
    levels = [rx["rssi"] for rx in heard if isinstance(rx, Mapping) and "rssi" in rx]
    gateways = "gateway" if len(heard) == 1 else "gateways"
    return f", {len(heard)} {gateways}, best {max(levels)} dBm" if levels else ""
