"""What one gateway counts between two reports, and the report."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gateway_sim.duty_cycle import Load
from gateway_sim.jit import TxStatus
from wire.air import AirFrame
from wire.declared import DeclaredGateway


class Modulation(NamedTuple):
    """A LoRa modulation, as the statistics tell them apart."""

    spreading_factor: int
    bandwidth_hz: int
    coding_rate: str


class Traffic:
    """Frames counted by frequency and modulation."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[int, Modulation]] = Counter()

    def count(self, frame: AirFrame) -> None:
        """Count one frame."""
        modulation = Modulation(
            frame.spreading_factor, frame.bandwidth_hz, frame.coding_rate
        )
        self._counts[frame.frequency_hz, modulation] += 1

    @property
    def total(self) -> int:
        """All frames."""
        return self._counts.total()

    @property
    def per_frequency(self) -> Mapping[int, int]:
        """Frames by frequency in Hz."""
        counts: Counter[int] = Counter()
        for (frequency_hz, _), number in self._counts.items():
            counts[frequency_hz] += number
        return counts

    @property
    def per_modulation(self) -> Mapping[Modulation, int]:
        """Frames by modulation."""
        counts: Counter[Modulation] = Counter()
        for (_, modulation), number in self._counts.items():
            counts[modulation] += number
        return counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """The counts of one gateway since its last report."""

    place: DeclaredGateway
    at_s: float
    received: Traffic
    requested: int
    emitted: Traffic
    statuses: Mapping[TxStatus, int]
    loads: Sequence[Load]


class Tally:
    """The counts as they grow."""

    def __init__(self) -> None:
        self.received = Traffic()
        self.emitted = Traffic()
        self._requested = 0
        self._statuses: Counter[TxStatus] = Counter()

    def request(self, statuses: Iterable[TxStatus]) -> None:
        """Count a downlink that the server asked for, and what became of its items."""
        self._requested += 1
        self._statuses.update(statuses)

    def stats(
        self, place: DeclaredGateway, *, at_s: float, loads: Sequence[Load]
    ) -> Stats:
        """The report of these counts."""
        return Stats(
            place=place,
            at_s=at_s,
            received=self.received,
            requested=self._requested,
            emitted=self.emitted,
            statuses=self._statuses,
            loads=loads,
        )
