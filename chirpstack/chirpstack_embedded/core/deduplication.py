"""
One frame heard by several gateways becomes one uplink (contract §1.4).

The key holds every byte of ``tx_info``: two gateways that describe the same
transmission differently make two frames, as in ChirpStack.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

from chirpstack_api import gw

MINIMUM_LOCK_S = 0.2

Key = tuple[str, bytes, bytes]


@dataclass(slots=True, kw_only=True)
class UplinkSet:
    """All receptions of one frame."""

    region_config_id: str
    phy_payload: bytes
    tx_info: gw.UplinkTxInfo
    rx_info: list[gw.UplinkRxInfo] = field(default_factory=list)
    collected_at: float = 0.0


class Deduplication:
    """Collects receptions; a set is due ``delay_s`` after its first one."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._lock_s = max(2 * delay_s, MINIMUM_LOCK_S)
        self._sets: dict[Key, UplinkSet] = {}
        self._due: list[tuple[float, int, Key]] = []
        self._locks: list[tuple[float, int, Key]] = []
        self._count = 0

    def add(self, region_config_id: str, frame: gw.UplinkFrame, now: float) -> None:
        """Take one reception; one that comes after its set was taken is swallowed."""
        self._unlock(now)
        key = (
            region_config_id,
            frame.tx_info.SerializeToString(deterministic=True),
            frame.phy_payload,
        )
        uplink = self._sets.get(key)
        if uplink is None:
            uplink = self._open(key, frame, now)
        uplink.rx_info.append(frame.rx_info)

    def due(self, now: float) -> Iterator[UplinkSet]:
        """Yield the sets whose window is over, in the order they were opened."""
        while self._due and self._due[0][0] <= now:
            _, _, key = heapq.heappop(self._due)
            uplink = self._sets[key]
            uplink.collected_at = now
            # What comes now until the lock expires belongs to nobody.
            self._sets[key] = UplinkSet(
                region_config_id=uplink.region_config_id,
                phy_payload=b"",
                tx_info=uplink.tx_info,
            )
            yield uplink

    def next_deadline(self) -> float | None:
        """When ``due`` has something next."""
        return self._due[0][0] if self._due else None

    def _open(self, key: Key, frame: gw.UplinkFrame, now: float) -> UplinkSet:
        uplink = UplinkSet(
            region_config_id=key[0],
            phy_payload=frame.phy_payload,
            tx_info=frame.tx_info,
        )
        self._sets[key] = uplink
        self._count += 1
        heapq.heappush(self._due, (now + self._delay_s, self._count, key))
        heapq.heappush(self._locks, (now + self._lock_s, self._count, key))
        return uplink

    def _unlock(self, now: float) -> None:
        while self._locks and self._locks[0][0] <= now:
            _, _, key = self._locks[0]
            if self._due and self._sets[key].phy_payload:
                return  # not taken yet: the caller is late, the set is still open
            heapq.heappop(self._locks)
            del self._sets[key]
