"""
LoRaSim's experiments (Bor et al. 2016), run on our own medium in virtual time.

A gateway in the middle of a disc, Poisson senders of 20 octets; what its public code
found is in ``docs/reference/radio.md``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from heapq import heapify, heapreplace
from math import exp, floor, hypot
from random import Random

from gateway_sim.published import (
    CHANNELS_HZ,
    METRES_PER_DEGREE,
    POWER_DBM,
    device_frame,
    in_disc,
    share_heard,
)
from wire.air import AirFrame
from wire.lorawan.airtime import lora_airtime_s
from wire.lorawan.region import DataRate, Modulation
from wire.lorawan.region.eu868 import EU868
from wire.radio.plan import RadioPlan
from wire.radio.profiles import FACTORS, PROFILES

DAY_S = 86_400.0
PERIOD_S = 1000.0
OCTETS = 20
LEAST_POWER_DBM = 2.0
WIDTHS_HZ = (125_000, 250_000, 500_000)
PROFILE = PROFILES["lorasim"]


def radius_m(least_dbm: float) -> float:
    """LoRaSim's disc for a sensitivity: a power of e where one of 10 is meant."""
    loss = PROFILE.path_loss
    over_db = POWER_DBM - least_dbm - loss.loss_db
    return loss.at_m * exp(over_db / (10 * loss.exponent))


@dataclass(frozen=True, slots=True, kw_only=True)
class Radio:
    """How a device sends."""

    factor: int = 12
    bandwidth_hz: int = 125_000
    airtime_s: float
    power_dbm: float = POWER_DBM


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """The radio of everybody, or None: each its own; and the disc they are in."""

    radio: Radio | None = None
    least_dbm: float
    channels: int = 1
    least_power: bool = False

    def radio_at(self, away_m: float) -> Radio:
        """The radio of a device so far from the gateway."""
        if self.radio is not None:
            return self.radio
        chosen = fastest(POWER_DBM - PROFILE.path_loss(away_m))
        if not self.least_power:
            return chosen
        return replace(chosen, power_dbm=_least_power_dbm(chosen, away_m))


# The width of the table's column is LoRaSim's: 250 kHz where SF12 sends at 125.
_SF12_DBM = PROFILE.gateway_least_dbm(12, 250_000)
_ANY_DBM = PROFILE.gateway_least_dbm(11, 125_000)
SN1 = Experiment(radio=Radio(airtime_s=1.71213), least_dbm=_SF12_DBM)  # CR4/8
SN1_3_CHANNELS = replace(SN1, channels=3)
SN2 = Experiment(
    radio=Radio(
        factor=6,
        bandwidth_hz=500_000,
        airtime_s=lora_airtime_s(
            OCTETS, spreading_factor=6, bandwidth_hz=500_000, implicit_header=True
        ),
    ),
    least_dbm=-112.0,
)
SN3 = Experiment(radio=Radio(airtime_s=1.31891), least_dbm=_SF12_DBM)  # CR4/5
SN4 = Experiment(least_dbm=_ANY_DBM)
SN5 = replace(SN4, least_power=True)

REGION = replace(
    EU868,
    data_rates=tuple(
        DataRate(
            index=number,
            modulation=Modulation.LORA,
            bit_rate=0,
            max_mac_payload=OCTETS,
            spreading_factor=factor,
            bandwidth_hz=width_hz,
        )
        for number, (factor, width_hz) in enumerate(
            (factor, width_hz) for factor in (6, *FACTORS) for width_hz in WIDTHS_HZ
        )
    ),
)
"""EU868's channels with every spreading factor at every width."""


def fastest(level_dbm: float) -> Radio:
    """The radio of least air time that a gateway reads at this level."""
    radios = [
        Radio(
            factor=factor, bandwidth_hz=width_hz, airtime_s=_airtime_s(factor, width_hz)
        )
        for factor in FACTORS
        for width_hz in WIDTHS_HZ
        if PROFILE.gateway_least_dbm(factor, width_hz) < level_dbm
    ]
    return min(radios, key=lambda radio: radio.airtime_s)


def run(
    experiment: Experiment,
    devices: int,
    *,
    seed: int,
    interference: str = "orthogonal",
    duration_s: float = DAY_S,
) -> float:
    """Run an experiment: the share of frames received."""
    random = Random(f"lorasim/{seed}")
    places = [in_disc(random, radius_m(experiment.least_dbm)) for _ in range(devices)]
    radios = [
        experiment.radio_at(hypot(*place) * METRES_PER_DEGREE) for place in places
    ]
    waiting = [(random.expovariate(1 / PERIOD_S), number) for number in range(devices)]
    heapify(waiting)

    def frames() -> Iterator[AirFrame]:
        while waiting[0][0] < duration_s:
            at_s, number = waiting[0]
            radio, pause_s = radios[number], random.expovariate(1 / PERIOD_S)
            heapreplace(waiting, (at_s + radio.airtime_s + pause_s, number))
            yield device_frame(
                number,
                at_s,
                radio.airtime_s,
                radio.factor,
                CHANNELS_HZ[random.randrange(experiment.channels)],
                places[number],
                bandwidth_hz=radio.bandwidth_hz,
                power_dbm=radio.power_dbm,
            )

    plan = RadioPlan(profile="lorasim", interference=interference)
    return share_heard(frames(), plan, seed, REGION)


def _airtime_s(factor: int, bandwidth_hz: int) -> float:
    return lora_airtime_s(OCTETS, spreading_factor=factor, bandwidth_hz=bandwidth_hz)


def _least_power_dbm(radio: Radio, away_m: float) -> float:
    """What is left of the power when whole decibels too many are taken away."""
    level_dbm = POWER_DBM - PROFILE.path_loss(away_m)
    least_dbm = PROFILE.gateway_least_dbm(radio.factor, radio.bandwidth_hz)
    return max(LEAST_POWER_DBM, POWER_DBM - floor(level_dbm - least_dbm))
