"""
Georgiou and Raza 2017: can one gateway scale? Run on our own medium in virtual time.

500 devices in a disc of 12 km, one spreading factor for each ring of 2 km, Rayleigh
fading. ``connected`` and ``captured`` are what the medium gives, the two functions in
closed form what theory does.
"""

from collections.abc import Iterator
from math import exp, log10, pi, sqrt
from random import Random

from gateway_sim.medium import Medium
from gateway_sim.published import (
    CHANNELS_HZ,
    GATEWAY,
    METRES_PER_DEGREE,
    device_frame,
    outcomes,
)
from wire.air import AirFrame
from wire.eui64 import EUI64
from wire.lorawan.region.eu868 import EU868
from wire.radio.plan import RadioPlan
from wire.radio.profiles import FACTORS, PathLoss, RadioProfile, Rayleigh
from wire.radio.propagation import Propagation

DEVICES = 500
RADIUS_M = 12_000.0
RING_M = 2_000.0
POWER_DBM = 19.0
NOISE_DBM = -117.0
FLOOR_DB = dict(zip(FACTORS, (-6.0, -9.0, -12.0, -15.0, -17.5, -20.0), strict=True))
CAPTURE_DB = 6.0
DUTY_CYCLE = 0.01
EXPONENT = 2.7
WAVE_M = 299_792_458 / CHANNELS_HZ[0]
SLOT_S, AIRTIME_S = 1.0, 0.1
WANTED = 0  # the number of the device that is watched


def ring(distance_m: float) -> int:
    """Which ring a distance lies in; 0 is the innermost, SF7's."""
    return min(int(distance_m / RING_M), len(FACTORS) - 1)


def connected(distance_m: float, *, seed: int, frames: int = 4000) -> float:
    """The share of frames that stand out of the noise, nobody else sending."""
    profile = _profile({one: NOISE_DBM + snr for one, snr in FLOOR_DB.items()})
    sent = (_frame(WANTED, slot, distance_m, distance_m) for slot in range(frames))
    return _share(sent, profile, seed)


def captured(distance_m: float, *, seed: int, frames: int = 4000) -> float:
    """The share that survives the ring's others; there is no noise."""
    random = Random(f"georgiou-raza/{seed}/{distance_m}")
    profile = _profile(dict.fromkeys(FACTORS, -1000.0))

    def slots() -> Iterator[AirFrame]:
        for slot in range(frames):
            yield _frame(WANTED, slot, distance_m, distance_m)
            for number, away_m in enumerate(_others(random, ring(distance_m))):
                yield _frame(1 + number, slot, away_m, distance_m)

    return _share(slots(), profile, seed)


def connected_in_theory(distance_m: float) -> float:
    """exp(-q N / (P g)): an exponential level that exceeds the threshold."""
    floor_db = FLOOR_DB[FACTORS[ring(distance_m)]]
    margin_db = POWER_DBM - _loss()(distance_m) - NOISE_DBM - floor_db
    return exp(-(10 ** (-margin_db / 10)))


def captured_in_theory(distance_m: float, steps: int = 2000) -> float:
    """The Laplace transform of the ring's interference, integrated over the ring."""
    inner, ratio = ring(distance_m) * RING_M, 10 ** (CAPTURE_DB / 10)
    width = RING_M / steps
    middles = (inner + (step + 0.5) * width for step in range(steps))
    integral = width * sum(
        x / (1 + (x / distance_m) ** EXPONENT / ratio) for x in middles
    )
    density = DEVICES / (pi * RADIUS_M**2)
    return exp(-2 * pi * density * DUTY_CYCLE * integral)


def _others(random: Random, number: int) -> Iterator[float]:
    """Distances of those in a ring who send in one slot: a Poisson process."""
    inner, outer = number * RING_M, (number + 1) * RING_M
    share = (outer**2 - inner**2) / RADIUS_M**2
    at, mean = random.expovariate(1.0), DEVICES * share * DUTY_CYCLE
    while at < mean:
        at += random.expovariate(1.0)
        yield sqrt(random.uniform(inner**2, outer**2))


def _loss() -> PathLoss:
    at_1_m = 10 * EXPONENT * log10(4 * pi / WAVE_M)
    return PathLoss(loss_db=at_1_m, exponent=EXPONENT, at_m=1.0)


def _profile(sensitivity_dbm: dict[int, float]) -> RadioProfile:
    return RadioProfile(
        path_loss=_loss(),
        shadow=Rayleigh(),
        gateway_sensitivity_dbm=sensitivity_dbm,
        device_sensitivity_dbm=sensitivity_dbm,
    )


def _frame(number: int, slot: int, away_m: float, wanted_m: float) -> AirFrame:
    place = (away_m / METRES_PER_DEGREE, 0.0)
    factor = FACTORS[ring(wanted_m)]
    at_s = slot * SLOT_S
    return device_frame(
        number, at_s, AIRTIME_S, factor, CHANNELS_HZ[0], place, power_dbm=POWER_DBM
    )


def _share(frames: Iterator[AirFrame], profile: RadioProfile, seed: int) -> float:
    air = Medium(
        [GATEWAY],
        region=EU868,
        seed=seed,
        plan=RadioPlan(profile="ns3", interference="orthogonal", demodulators=1024),
        propagation=Propagation(profile, seed=seed),
    )
    wanted = EUI64(WANTED.to_bytes(8))
    causes = [
        outcome.cause
        for outcome in outcomes(frames, air)
        if outcome.frame.sender == wanted
    ]
    return causes.count(None) / len(causes)
