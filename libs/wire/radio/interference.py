"""
Whether other frames on the channel drown a frame.

A matrix says, in dB, how much stronger than an interferer of each spreading factor
(columns SF7 to SF12) a frame of each spreading factor (rows) must be to survive.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from math import inf
from types import MappingProxyType
from typing import Final, Self

from wire.air import AirFrame
from wire.lorawan.airtime import symbol_s
from wire.radio.profiles import FACTORS, RadioProfile

Matrix = tuple[tuple[float, ...], ...]

_SIZE = len(FACTORS)

# Goursaud and Gorce 2015, the default of ns-3's lorawan module.
GOURSAUD: Final[Matrix] = (
    (6, -16, -18, -19, -19, -20),
    (-24, 6, -20, -22, -22, -22),
    (-27, -27, 6, -23, -25, -25),
    (-30, -30, -30, 6, -26, -28),
    (-33, -33, -33, -33, 6, -29),
    (-36, -36, -36, -36, -36, 6),
)
# Croce et al. 2018, measured; the one of FLoRa.
CROCE: Final[Matrix] = (
    (1, -8, -9, -9, -9, -9),
    (-11, 1, -11, -12, -13, -13),
    (-15, -13, 1, -13, -14, -15),
    (-19, -18, -17, 1, -17, -18),
    (-22, -22, -21, -20, 1, -20),
    (-25, -25, -25, -24, -23, 1),
)
# LoRaSim: 6 dB within a spreading factor; others do no harm.
ORTHOGONAL: Final[Matrix] = tuple(
    tuple(6.0 if row == column else -inf for column in range(_SIZE))
    for row in range(_SIZE)
)
# No frame survives another one of its spreading factor; others do it no harm.
ALOHA: Final[Matrix] = tuple(
    tuple(inf if row == column else -inf for column in range(_SIZE))
    for row in range(_SIZE)
)
NONE: Final[Matrix] = ((-inf,) * _SIZE,) * _SIZE

MATRICES: Final[Mapping[str, Matrix]] = MappingProxyType(
    {
        "goursaud": GOURSAUD,
        "croce": CROCE,
        "orthogonal": ORTHOGONAL,
        "aloha": ALOHA,
        "none": NONE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interference:
    """A matrix and the way interferers are compared with it (RadioProfile)."""

    matrix: Matrix
    critical_symbols: int | None = None

    @classmethod
    def of(cls, name: str, profile: RadioProfile) -> Self:
        """The model of that name; in ALOHA the least overlap is fatal."""
        critical = None if name == "aloha" else profile.critical_symbols
        return cls(matrix=MATRICES[name], critical_symbols=critical)

    def drowns(
        self,
        wanted: AirFrame,
        rssi_dbm: float,
        others: Iterable[tuple[AirFrame, float]],
    ) -> bool:
        """Whether a frame is lost to the other frames of its channel (dBm each)."""
        row = self.matrix[_index(wanted)]
        if self.critical_symbols is None:
            return _is_outweighed(wanted, rssi_dbm, others, row)
        return any(
            rssi_dbm - level_dbm < row[_index(other)] and self._meet(wanted, other)
            for other, level_dbm in others
        )

    def _meet(self, one: AirFrame, other: AirFrame) -> bool:
        """
        Whether the earlier frame reaches into the later one's critical section.

        A receiver locks on the last symbols of a preamble, so what ends before them
        does no harm (LoRaSim: five of eight).
        """
        early, late = (one, other) if one.start_s <= other.start_s else (other, one)
        symbol = symbol_s(max(late.spreading_factor, 1), late.bandwidth_hz)
        spared_s = (self.critical_symbols or 0) * symbol
        return late.start_s + spared_s < early.end_s


def _is_outweighed(
    wanted: AirFrame,
    rssi_dbm: float,
    others: Iterable[tuple[AirFrame, float]],
    row: tuple[float, ...],
) -> bool:
    """Compare the energy of each spreading factor, weighted by its overlap (ns-3)."""
    energies = [0.0] * _SIZE
    start_s, end_s = wanted.start_s, wanted.end_s
    for other, level_dbm in others:
        overlap_s = min(end_s, other.end_s) - max(start_s, other.start_s)
        if overlap_s > 0:
            energies[_index(other)] += overlap_s * 10 ** (level_dbm / 10)
    own = wanted.airtime_s * 10 ** (rssi_dbm / 10)
    return any(
        energy > 0 and own < energy * ratio
        for energy, ratio in zip(energies, _ratios(row), strict=True)
    )


@cache
def _ratios(row: tuple[float, ...]) -> tuple[float, ...]:
    """Decibels as ratios of energies."""
    return tuple(10 ** (threshold_db / 10) for threshold_db in row)


def _index(frame: AirFrame) -> int:
    """A frame's row and column; SF5/6 as SF7."""
    return max(frame.spreading_factor - FACTORS.start, 0)
