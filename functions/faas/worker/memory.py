"""
What functions remember of devices, kept beside Redis while the lease is held.

Only the holder of a partition's lease writes there, so what it has read or committed
under that lease is still so; whenever it is not sure of that, it forgets.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from redis import Redis

from city import keys
from faas import scripts

KEPT: Final = 10_000
"""Devices and functions remembered per partition."""

Place = tuple[str, str]
"""Function and DevEUI."""

__all__ = ["KEPT", "Memories", "Place"]


@dataclass(slots=True, kw_only=True)
class Memories:
    """One partition's memories, as JSON; empty: nothing is remembered."""

    redis: Redis
    partition: int
    kept: int = KEPT
    _known: dict[Place, bytes] = field(default_factory=dict)

    def recall(self, places: Iterable[Place]) -> dict[Place, bytes]:
        """Return what is remembered; what is not known is read, each place once."""
        wanted = dict.fromkeys(places)
        missing = [place for place in wanted if place not in self._known]
        if missing:
            self.keep(self._read(missing))
        found = {place: self._known[place] for place in wanted}
        while len(self._known) > self.kept:
            del self._known[next(iter(self._known))]
        return found

    def keep(self, told: Mapping[Place, bytes]) -> None:
        """Remember what was committed, or read."""
        for place, memory in told.items():
            self._known.pop(place, None)  # the last told is the last to go
            self._known[place] = memory

    def forget(self) -> None:
        """Know nothing: somebody else may have written."""
        self._known.clear()

    def _read(self, places: Iterable[Place]) -> dict[Place, bytes]:
        wanted: dict[str, list[str]] = {}
        for function, dev_eui in places:
            wanted.setdefault(function, []).append(dev_eui)
        commands = [
            ["HMGET", keys.state(self.partition, name), *(f"device:{d}" for d in euis)]
            for name, euis in wanted.items()
        ]
        answers = scripts.send(self.redis, commands)
        return {
            (name, dev_eui): found or b""
            for (name, euis), values in zip(wanted.items(), answers, strict=True)
            for dev_eui, found in zip(euis, values, strict=True)
        }
