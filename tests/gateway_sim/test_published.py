"""Our medium gives the published results of others (docs/reference/radio.md)."""

from collections.abc import Callable
from math import exp
from statistics import fmean

import pytest

from gateway_sim import georgiou_raza, lorasim, published

THIRD_OF_A_DAY_S, FIFTH_OF_A_DAY_S = 28_800.0, 17_280.0

pytestmark = pytest.mark.slow


def mean(run: Callable[[int], float], seeds: int = 5) -> float:
    return fmean(run(seed) for seed in range(seeds))


@pytest.mark.parametrize(
    ("experiment", "devices", "received"),
    [
        (lorasim.SN1, 25, 0.932),
        (lorasim.SN1, 50, 0.874),
        (lorasim.SN1, 100, 0.761),
        (lorasim.SN3, 25, 0.951),
        (lorasim.SN3, 50, 0.903),
        (lorasim.SN3, 100, 0.812),
        (lorasim.SN1_3_CHANNELS, 100, 0.911),
    ],
)
def test_lorasim_extracts_the_same_share_of_data(
    experiment: lorasim.Experiment, devices: int, received: float
) -> None:
    def run(seed: int) -> float:
        return lorasim.run(experiment, devices, seed=seed, duration_s=THIRD_OF_A_DAY_S)

    assert received == pytest.approx(mean(run), abs=0.02)


@pytest.mark.parametrize(
    ("experiment", "devices", "received"),
    [
        (lorasim.SN2, 100, 0.9987),
        (lorasim.SN2, 400, 0.9954),
        (lorasim.SN2, 800, 0.9908),
        (lorasim.SN4, 100, 0.9985),
        (lorasim.SN4, 400, 0.9939),
        (lorasim.SN4, 1600, 0.9748),
        (lorasim.SN5, 100, 0.9984),
        (lorasim.SN5, 400, 0.9933),
        (lorasim.SN5, 800, 0.9868),
    ],
)
def test_lorasims_short_frames_are_lost_as_rarely(
    experiment: lorasim.Experiment, devices: int, received: float
) -> None:
    # So little is lost here that two hundredths would let anything pass.
    def run(seed: int) -> float:
        return lorasim.run(experiment, devices, seed=seed, duration_s=FIFTH_OF_A_DAY_S)

    assert received == pytest.approx(mean(run), abs=0.003)


def test_lorasims_devices_take_the_radio_of_least_air_time() -> None:
    near, far = (lorasim.SN4.radio_at(away_m) for away_m in (90.0, 91.0))

    assert (7, 500_000) == (near.factor, near.bandwidth_hz)
    assert (8, 500_000) == (far.factor, far.bandwidth_hz)


def test_lorasims_devices_take_the_least_power_in_whole_decibels() -> None:
    assert 2.0 == lorasim.SN5.radio_at(10.0).power_dbm
    assert 14.0 == lorasim.SN5.radio_at(90.0).power_dbm
    assert 14.0 == lorasim.SN4.radio_at(10.0).power_dbm


@pytest.mark.parametrize(
    ("experiment", "devices", "received"),
    [(lorasim.SN1, 400, 0.353), (lorasim.SN3, 800, 0.2205)],
)
def test_lorasim_agrees_far_beyond_what_a_channel_can_carry(
    experiment: lorasim.Experiment, devices: int, received: float
) -> None:
    def run(seed: int) -> float:
        return lorasim.run(experiment, devices, seed=seed, duration_s=5_000.0)

    assert received == pytest.approx(mean(run), abs=0.02)


@pytest.mark.parametrize("devices", [50, 100])
def test_without_capture_it_is_pure_aloha(devices: int) -> None:
    airtime_s = 1.71213
    load = devices * airtime_s / (lorasim.PERIOD_S + airtime_s)

    def run(seed: int) -> float:
        return lorasim.run(lorasim.SN1, devices, seed=seed, interference="aloha")

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


@pytest.mark.parametrize(
    ("distance_m", "connected"),
    [
        (600, 0.9967),
        (1999, 0.919),
        (2200, 0.947),
        (3999, 0.759),
        (5999, 0.662),
        (11_999, 0.654),
    ],
)
def test_georgiou_and_razas_share_of_frames_above_the_noise(
    distance_m: float, connected: float
) -> None:
    def run(seed: int) -> float:
        return georgiou_raza.connected(distance_m, seed=seed)

    assert connected == pytest.approx(mean(run), abs=0.01)


@pytest.mark.parametrize(
    ("distance_m", "captured"),
    [(600, 0.9495), (2200, 0.775), (5999, 0.550), (11_999, 0.280)],
)
def test_georgiou_and_razas_share_of_frames_that_survive_their_ring(
    distance_m: float, captured: float
) -> None:
    def run(seed: int) -> float:
        return georgiou_raza.captured(distance_m, seed=seed)

    assert captured == pytest.approx(mean(run), abs=0.015)


@pytest.mark.parametrize(
    ("distance_m", "connected", "captured"),
    [(600, 0.9967, 0.9495), (5999, 0.662, 0.550), (11_999, 0.654, 0.280)],
)
def test_the_closed_forms_are_those_of_the_paper(
    distance_m: float, connected: float, captured: float
) -> None:
    of_noise = georgiou_raza.connected_in_theory(distance_m)
    of_others = georgiou_raza.captured_in_theory(distance_m)

    assert connected == pytest.approx(of_noise, abs=0.0006)
    assert captured == pytest.approx(of_others, abs=0.0006)


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
