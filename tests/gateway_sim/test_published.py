"""Our medium gives the published results of others (docs/reference/radio.md)."""

from collections.abc import Callable
from math import exp
from statistics import fmean

import pytest

from gateway_sim import published
from gateway_sim.published import SN1_AIRTIME_S, SN3_AIRTIME_S

THIRD_OF_A_DAY_S = 28_800.0

pytestmark = pytest.mark.slow


def mean(run: Callable[[int], float], seeds: int = 5) -> float:
    return fmean(run(seed) for seed in range(seeds))


@pytest.mark.parametrize(
    ("devices", "airtime_s", "channels", "received"),
    [
        (25, SN1_AIRTIME_S, 1, 0.932),
        (50, SN1_AIRTIME_S, 1, 0.874),
        (100, SN1_AIRTIME_S, 1, 0.761),
        (25, SN3_AIRTIME_S, 1, 0.951),
        (50, SN3_AIRTIME_S, 1, 0.903),
        (100, SN3_AIRTIME_S, 1, 0.812),
        (100, SN1_AIRTIME_S, 3, 0.911),
    ],
)
def test_lorasim_extracts_the_same_share_of_data(
    devices: int, airtime_s: float, channels: int, received: float
) -> None:
    def run(seed: int) -> float:
        return published.lorasim(
            devices,
            airtime_s,
            seed=seed,
            channels=channels,
            duration_s=THIRD_OF_A_DAY_S,
        )

    assert received == pytest.approx(mean(run), abs=0.02)


@pytest.mark.parametrize(
    ("devices", "airtime_s", "received"),
    [(400, SN1_AIRTIME_S, 0.353), (800, SN3_AIRTIME_S, 0.2205)],
)
def test_lorasim_agrees_far_beyond_what_a_channel_can_carry(
    devices: int, airtime_s: float, received: float
) -> None:
    def run(seed: int) -> float:
        return published.lorasim(devices, airtime_s, seed=seed, duration_s=5_000.0)

    assert received == pytest.approx(mean(run), abs=0.02)


@pytest.mark.parametrize("devices", [50, 100])
def test_without_capture_it_is_pure_aloha(devices: int) -> None:
    load = devices * SN1_AIRTIME_S / (published.LORASIM_PERIOD_S + SN1_AIRTIME_S)

    def run(seed: int) -> float:
        return published.lorasim(
            devices, SN1_AIRTIME_S, seed=seed, interference="aloha"
        )

    assert exp(-2 * load) == pytest.approx(mean(run), abs=0.015)


@pytest.mark.parametrize(
    ("load_erlang", "delivered"),
    [(0.05, 0.908), (0.1, 0.828), (0.2, 0.674), (0.5, 0.368), (1.0, 0.135)],
)
def test_ns3s_aloha_throughput(load_erlang: float, delivered: float) -> None:
    # 0.5 is exp(-1): where the throughput of pure ALOHA has its maximum, 0.184.
    def run(seed: int) -> float:
        return published.ns3_aloha(load_erlang, seed=seed)

    assert delivered == pytest.approx(mean(run, seeds=8), abs=0.03)


@pytest.mark.parametrize(
    ("devices", "radius_m", "delivered"),
    [
        (250, 6400, 0.970),
        (500, 6400, 0.942),
        (2000, 6400, 0.818),
        (1000, 3000, 0.961),
        (4000, 3000, 0.843),
    ],
)
def test_ns3s_complete_network(devices: int, radius_m: float, delivered: float) -> None:
    def run(seed: int) -> float:
        return published.ns3_complete(devices, radius_m, seed=seed)

    seeds = 20 if devices <= 500 else 4
    assert delivered == pytest.approx(mean(run, seeds), abs=0.03)


@pytest.mark.parametrize(("load_erlang", "limit"), [(4, 8), (12, 8), (12, 16)])
def test_demodulators_block_as_erlang_says(load_erlang: float, limit: int) -> None:
    def run(seed: int) -> float:
        return published.demodulators(load_erlang, limit, seed=seed, frames=3000)

    assert 1 - erlang_b(load_erlang, limit) == pytest.approx(
        mean(run, seeds=3), abs=0.02
    )


def erlang_b(load_erlang: float, servers: int) -> float:
    """The share that finds all of so many servers busy."""
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = load_erlang * blocked / (number + load_erlang * blocked)
    return blocked
