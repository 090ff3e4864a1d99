"""What one gateway counts between two reports, and the report."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway_sim.duty_cycle import Load
from gateway_sim.jit import TxStatus
from wire.air import AirFrame
from wire.declared import DeclaredGateway


@dataclass(frozen=True, slots=True, order=True)
class Modulation:
    """A LoRa modulation, as the statistics tell them apart."""

    spreading_factor: int
    bandwidth_hz: int
    coding_rate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """The counts of one gateway since its last report."""

    place: DeclaredGateway
    at: datetime
    rx_per_frequency: Mapping[int, int]
    rx_per_modulation: Mapping[Modulation, int]
    tx_requested: int
    tx_per_frequency: Mapping[int, int]
    tx_per_modulation: Mapping[Modulation, int]
    tx_per_status: Mapping[TxStatus, int]
    loads: Sequence[Load]

    @property
    def rx_received(self) -> int:
        """Frames received."""
        return sum(self.rx_per_frequency.values())

    @property
    def tx_emitted(self) -> int:
        """Frames sent."""
        return sum(self.tx_per_frequency.values())


class Tally:
    """The counts as they grow."""

    def __init__(self) -> None:
        self._rx_per_frequency: Counter[int] = Counter()
        self._rx_per_modulation: Counter[Modulation] = Counter()
        self._tx_requested = 0
        self._tx_per_frequency: Counter[int] = Counter()
        self._tx_per_modulation: Counter[Modulation] = Counter()
        self._tx_per_status: Counter[TxStatus] = Counter()

    def received(self, frame: AirFrame) -> None:
        """Count a frame that was heard."""
        self._rx_per_frequency[frame.frequency_hz] += 1
        self._rx_per_modulation[_modulation(frame)] += 1

    def requested(self, statuses: Iterable[TxStatus]) -> None:
        """Count a downlink that the server asked for, and what became of its items."""
        self._tx_requested += 1
        self._tx_per_status.update(statuses)

    def emitted(self, frame: AirFrame) -> None:
        """Count a frame that was sent."""
        self._tx_per_frequency[frame.frequency_hz] += 1
        self._tx_per_modulation[_modulation(frame)] += 1

    def stats(
        self, place: DeclaredGateway, *, at: datetime, loads: Sequence[Load]
    ) -> Stats:
        """The report of these counts."""
        return Stats(
            place=place,
            at=at,
            rx_per_frequency=self._rx_per_frequency,
            rx_per_modulation=self._rx_per_modulation,
            tx_requested=self._tx_requested,
            tx_per_frequency=self._tx_per_frequency,
            tx_per_modulation=self._tx_per_modulation,
            tx_per_status=self._tx_per_status,
            loads=loads,
        )


def _modulation(frame: AirFrame) -> Modulation:
    return Modulation(frame.spreading_factor, frame.bandwidth_hz, frame.coding_rate)
