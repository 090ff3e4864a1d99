"""
One frame heard by several gateways becomes one uplink (contract §1.4).

The key holds every byte of ``tx_info``: two gateways that describe the same
transmission differently make two frames, as in ChirpStack.
"""

import heapq
from collections.abc import Iterator

from chirpstack_embedded.core.heard import HeardRx

MINIMUM_LOCK_S = 0.2

Key = tuple[str, bytes, bytes]
"""Region, serialised ``tx_info`` and PHYPayload."""


class Deduplication:
    """Collects receptions; a set is due ``delay_s`` after its first one."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._lock_s = max(2 * delay_s, MINIMUM_LOCK_S)
        self._sets: dict[Key, list[HeardRx] | None] = {}
        self._due: list[tuple[float, int, Key]] = []
        self._locks: list[tuple[float, int, Key]] = []
        self._count = 0

    def add(self, key: Key, rx: HeardRx, now: float) -> None:
        """Take one reception; one that comes after its set was taken is swallowed."""
        if self._locks and self._locks[0][0] <= now:
            self._unlock(now)
        if key not in self._sets:
            self._open(key, rx, now)
            return
        receptions = self._sets[key]
        if receptions is not None:  # else it was taken: this one belongs to nobody
            receptions.append(rx)

    def due(self, now: float) -> Iterator[tuple[Key, list[HeardRx]]]:
        """Yield the sets whose window is over, in the order they were opened."""
        while self._due and self._due[0][0] <= now:
            _, _, key = heapq.heappop(self._due)
            receptions, self._sets[key] = self._sets[key], None
            yield key, receptions or []

    def next_deadline(self) -> float | None:
        """When ``due`` has something next."""
        return self._due[0][0] if self._due else None

    def _open(self, key: Key, rx: HeardRx, now: float) -> None:
        self._sets[key] = [rx]
        self._count += 1
        heapq.heappush(self._due, (now + self._delay_s, self._count, key))
        heapq.heappush(self._locks, (now + self._lock_s, self._count, key))

    def _unlock(self, now: float) -> None:
        while self._locks and self._locks[0][0] <= now:
            _, _, key = self._locks[0]
            if self._sets[key] is not None:
                return  # not taken yet: the caller is late, the set is still open
            heapq.heappop(self._locks)
            del self._sets[key]
