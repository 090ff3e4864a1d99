"""
How many partitions a copy of a worker may hold: as many as every other copy.

Copies tell Redis that they are there. Each knows its place among them, so all come to
the same division without talking; who holds more than its share gives some back.
"""

import threading
import uuid
from dataclasses import dataclass, field

from redis import Redis

from faas import scripts
from faas.scripts import LEAVE, PRESENT

__all__ = ["Shares"]


@dataclass(slots=True, kw_only=True)
class Shares:
    """One copy's share; `key` is where the copies of its pool tell that they live."""

    redis: Redis
    key: str
    partitions: int
    alive_s: float
    """How long a copy counts that says nothing."""
    name: str = field(default_factory=lambda: uuid.uuid4().hex)
    share: int = 0
    _held: set[int] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def beat(self) -> None:
        """Tell that this copy lives, and learn its share."""
        until_ms = int(self.alive_s * 1000)
        found = scripts.run(self.redis, PRESENT, [self.key], [self.name, until_ms])
        names = sorted(found)
        each, rest = divmod(self.partitions, len(names))
        place = names.index(self.name.encode())
        self.share = each + (place < rest)

    def leave(self) -> None:
        """Tell that this copy ends."""
        scripts.run(self.redis, LEAVE, [self.key], [self.name])

    def take(self, number: int) -> bool:
        """Count a partition as held if the share allows it."""
        with self._lock:
            if len(self._held) < self.share:
                self._held.add(number)
            return number in self._held

    def keeps(self, number: int) -> bool:
        """Tell whether a partition that is held is within the share."""
        with self._lock:
            return number in sorted(self._held)[: self.share]

    def give_back(self, number: int) -> None:
        """Count a partition as held no longer."""
        with self._lock:
            self._held.discard(number)

    @property
    def held(self) -> int:
        """How many partitions are held."""
        return len(self._held)
