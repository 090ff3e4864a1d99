"""
Radio profiles: the parameters of the published simulators, as frozen tables.

Sensitivities are in dBm at 125 kHz for SF7 to SF12. Sources: LoRaSim 0.2.1 (Bor et
al. 2016), FLoRa, the ns-3 module signetlabdei/lorawan; see docs/reference/radio.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from math import log10
from types import MappingProxyType
from typing import Final

FACTORS: Final = range(7, 13)
BANDWIDTH_HZ: Final = 125_000
NOISE_FIGURE_DB: Final = 6.0
THERMAL_DBM_PER_HZ: Final = -174.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PathLoss:
    """Log-distance loss: ``loss_db`` at ``at_m``, ten times ``exponent`` a decade."""

    loss_db: float
    exponent: float
    at_m: float

    def __call__(self, distance_m: float) -> float:
        """Loss over a distance; nothing is nearer than one metre."""
        away = max(distance_m, 1.0)
        return self.loss_db + 10 * self.exponent * log10(away / self.at_m)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fading:
    """A normal deviate in dB of its own for every frame."""

    sigma_db: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rayleigh:
    """Every frame's power is drawn anew: exponentially, with the path's as its mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowMap:
    """A normal deviate in dB that belongs to the place, alike for near neighbours."""

    sigma_db: float
    grid_m: float


Sensitivity = Mapping[int, float]


def _by_factor(*values: float) -> Sensitivity:
    return MappingProxyType(dict(zip(FACTORS, values, strict=True)))


SNR_FLOOR_DB: Final = _by_factor(-7.5, -10.0, -12.5, -15.0, -17.5, -20.0)
"""Least SNR at which a demodulator still reads each spreading factor."""

_LORASIM = _by_factor(-126.5, -127.25, -131.25, -132.75, -134.5, -133.25)
_LORASIM_WIDER: Final = MappingProxyType(
    {
        250_000: _by_factor(-124.25, -126.75, -128.25, -130.25, -132.75, -132.25),
        500_000: _by_factor(-120.75, -124.0, -127.5, -128.75, -128.75, -132.25),
    }
)
_SX1272 = _by_factor(-124.0, -127.0, -130.0, -133.0, -135.0, -137.0)
_NS3_GATEWAY = _by_factor(-130.0, -132.5, -135.0, -137.5, -140.0, -142.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class RadioProfile:
    """
    One simulator's idea of the air.

    ``critical_symbols``: interference during so many symbols after a frame's start
    does it no harm, and interferers are compared one by one; None: their energies
    are summed, weighted by the overlap. ``has_snr_floor``: a frame must also stand
    out of the noise. ``has_buildings``: walls dampen devices that are indoors.
    ``wider_sensitivity_dbm`` is of either end, by bandwidth (Hz); where it has none,
    a receiver n times as wide needs 10 log n dB more.
    """

    path_loss: PathLoss
    shadow: Fading | Rayleigh | ShadowMap | None = None
    gateway_sensitivity_dbm: Sensitivity
    device_sensitivity_dbm: Sensitivity
    wider_sensitivity_dbm: Mapping[int, Sensitivity] = field(default_factory=dict)
    critical_symbols: int | None = None
    has_snr_floor: bool = False
    has_buildings: bool = False

    def gateway_least_dbm(
        self, spreading_factor: int, bandwidth_hz: int = BANDWIDTH_HZ
    ) -> float:
        """The least level at which a gateway reads a frame, if it is alone."""
        table = self.gateway_sensitivity_dbm
        return self._least_dbm(table, spreading_factor, bandwidth_hz)

    def device_least_dbm(
        self, spreading_factor: int, bandwidth_hz: int = BANDWIDTH_HZ
    ) -> float:
        """The least level at which a device reads a frame, if it is alone."""
        table = self.device_sensitivity_dbm
        return self._least_dbm(table, spreading_factor, bandwidth_hz)

    def _least_dbm(self, table: Sensitivity, factor: int, bandwidth_hz: int) -> float:
        row = max(factor, FACTORS.start)  # FSK and SF5/6: as the least sensitive row
        if bandwidth_hz in self.wider_sensitivity_dbm:
            return self.wider_sensitivity_dbm[bandwidth_hz][row]
        wider_db = noise_dbm(bandwidth_hz) - noise_dbm(BANDWIDTH_HZ)
        least_dbm = table[row] + wider_db
        if not self.has_snr_floor:
            return least_dbm
        return max(least_dbm, noise_dbm(bandwidth_hz) + SNR_FLOOR_DB[row])


@cache
def noise_dbm(bandwidth_hz: int) -> float:
    """Noise floor of a receiver this wide: -117 dBm at 125 kHz."""
    return THERMAL_DBM_PER_HZ + NOISE_FIGURE_DB + 10 * log10(bandwidth_hz)


_LORASIM_LOSS = PathLoss(loss_db=127.41, exponent=2.08, at_m=40.0)
_NS3_LOSS = PathLoss(loss_db=7.7, exponent=3.76, at_m=1.0)

PROFILES: Final[Mapping[str, RadioProfile]] = MappingProxyType(
    {
        "lorasim": RadioProfile(
            path_loss=_LORASIM_LOSS,
            gateway_sensitivity_dbm=_LORASIM,
            device_sensitivity_dbm=_LORASIM,
            wider_sensitivity_dbm=_LORASIM_WIDER,
            critical_symbols=3,
        ),
        "flora": RadioProfile(
            path_loss=_LORASIM_LOSS,
            shadow=Fading(sigma_db=3.57),
            gateway_sensitivity_dbm=_SX1272,
            device_sensitivity_dbm=_SX1272,
            critical_symbols=2,
        ),
        "oulu": RadioProfile(
            path_loss=PathLoss(loss_db=128.95, exponent=2.32, at_m=1000.0),
            shadow=Fading(sigma_db=7.8),
            gateway_sensitivity_dbm=_SX1272,
            device_sensitivity_dbm=_SX1272,
            critical_symbols=2,
        ),
        "hata": RadioProfile(
            path_loss=PathLoss(loss_db=127.5, exponent=3.52, at_m=1000.0),
            gateway_sensitivity_dbm=_SX1272,
            device_sensitivity_dbm=_SX1272,
            critical_symbols=2,
        ),
        "ns3": RadioProfile(
            path_loss=_NS3_LOSS,
            gateway_sensitivity_dbm=_NS3_GATEWAY,
            device_sensitivity_dbm=_SX1272,
        ),
        "urban": RadioProfile(
            path_loss=_NS3_LOSS,
            shadow=ShadowMap(sigma_db=4.0, grid_m=110.0),
            gateway_sensitivity_dbm=_NS3_GATEWAY,
            device_sensitivity_dbm=_SX1272,
            has_snr_floor=True,
            has_buildings=True,
        ),
    }
)
