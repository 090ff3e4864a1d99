"""
What the ADR algorithm remembers of a device's uplinks (contract §2.11).

Ten thousand devices have twenty records each: they are kept as 19 octets each, and
become objects when the algorithm looks.
"""

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import NamedTuple

ADR_HISTORY_LENGTH = 20

_PACKED = Struct("<IdiBH")
_MOST_GATEWAYS = 0xFFFF


class UplinkRecord(NamedTuple):
    """One accepted uplink, as the ADR algorithm sees it."""

    f_cnt: int
    max_snr_db: float
    max_rssi_dbm: int
    tx_power_index: int
    gateway_count: int


class UplinkHistory:
    """The last ``ADR_HISTORY_LENGTH`` uplinks, oldest first."""

    __slots__ = ("packed",)

    def __init__(self, records: Iterable[UplinkRecord] = ()) -> None:
        self.packed = b""
        for record in records:
            self.append(record)

    @classmethod
    def unpack(cls, packed: bytes) -> "UplinkHistory":
        """Return the history with these octets."""
        history = cls()
        history.packed = packed
        return history

    def append(self, record: UplinkRecord) -> None:
        """Add an uplink; the oldest one goes when there are too many."""
        f_cnt, snr_db, rssi_dbm, power, gateways = record
        added = _PACKED.pack(
            f_cnt, snr_db, rssi_dbm, power, min(gateways, _MOST_GATEWAYS)
        )
        keep = (ADR_HISTORY_LENGTH - 1) * _PACKED.size
        self.packed = self.packed[-keep:] + added

    @property
    def last_f_cnt(self) -> int | None:
        """The counter of the last uplink; None without one."""
        if not self.packed:
            return None
        return int.from_bytes(self.packed[-_PACKED.size :][:4], "little")

    def __iter__(self) -> Iterator[UplinkRecord]:
        return map(UplinkRecord._make, _PACKED.iter_unpack(self.packed))

    def __len__(self) -> int:
        return len(self.packed) // _PACKED.size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UplinkHistory) and self.packed == other.packed

    __hash__ = None  # type: ignore[assignment] # it changes in place

    def __repr__(self) -> str:
        return f"UplinkHistory({list(self)!r})"
