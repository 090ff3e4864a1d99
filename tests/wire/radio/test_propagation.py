from math import isfinite
from random import Random
from statistics import correlation, fmean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.air import AirFrame
from wire.eui64 import EUI64
from wire.radio.profiles import PROFILES
from wire.radio.propagation import (
    Link,
    Propagation,
    Site,
    building_loss_db,
    chance,
    distance_m,
)

GATEWAY = Site(EUI64.parse("0016c001f1500001"), 43.6045, 1.4440)
LAMP = Site(EUI64.parse("a81758fffe0301c4"), 43.6135, 1.4440)
METRE = 1 / 111_195  # of latitude, in degrees


def frame(sender: Site, *, down: bool = False, start_s: float = 0.0) -> AirFrame:
    return AirFrame(
        phy_payload=b"",
        frequency_hz=868_100_000,
        spreading_factor=7,
        bandwidth_hz=125_000,
        power_dbm=14,
        iq_inverted=down,
        start_s=start_s,
        airtime_s=0.05,
        sender=sender.eui,
        latitude=sender.latitude,
        longitude=sender.longitude,
    )


def up(air: Propagation, lamp: Site = LAMP, start_s: float = 0.0) -> Link:
    return air.link(frame(lamp, start_s=start_s), GATEWAY)


def air(name: str, seed: int = 1, **options: frozenset[EUI64]) -> Propagation:
    return Propagation(PROFILES[name], seed=seed, **options)


def lamps(count: int, step_m: float) -> list[Site]:
    """A row of lamps to the north, each so far from the one before."""
    return [
        Site(EUI64(number.to_bytes(8)), 43.7 + number * step_m * METRE, 1.4440)
        for number in range(count)
    ]


def test_a_degree_of_latitude_is_111_km() -> None:
    assert 111_195 == pytest.approx(distance_m(43, 1, 44, 1), abs=1)


@given(*[st.floats(-90, 90), st.floats(-180, 180)] * 2)
def test_distance_is_symmetric_and_on_the_globe(
    latitude: float, longitude: float, to_latitude: float, to_longitude: float
) -> None:
    there = distance_m(latitude, longitude, to_latitude, to_longitude)
    back = distance_m(to_latitude, to_longitude, latitude, longitude)

    assert there == pytest.approx(back)
    assert 0 <= there < 20_040_000
    assert isfinite(there)


def test_a_link_says_level_and_margin_over_noise() -> None:
    heard = up(air("ns3"))

    assert 1000.8 == pytest.approx(heard.distance_m, abs=1)
    assert 14 - 120.5 == pytest.approx(heard.rssi_dbm, abs=0.05)
    assert heard.rssi_dbm + 117 == pytest.approx(heard.snr_db, abs=0.05)
    assert heard.is_audible


@pytest.mark.parametrize("name", ["ns3", "urban"])
def test_the_way_is_the_same_in_both_directions(name: str) -> None:
    city = air(name, indoors=frozenset({LAMP.eui}))

    down = city.link(frame(GATEWAY, down=True), LAMP)

    assert up(city).rssi_dbm == down.rssi_dbm


def test_a_device_is_deaf_where_a_gateway_still_hears() -> None:
    far = Site(LAMP.eui, GATEWAY.latitude + 3500 * METRE, GATEWAY.longitude)
    city = air("ns3")

    assert up(city, far).is_audible
    assert not city.link(frame(GATEWAY, down=True), far).is_audible


def test_the_shadow_of_a_place_is_decided_by_the_seed() -> None:
    one, same, other = (up(air("urban", seed)).rssi_dbm for seed in (1, 1, 2))

    assert one == same != other


def test_the_shadow_has_the_published_spread_and_fades_with_the_distance() -> None:
    city, plain = air("urban"), air("ns3")
    row = lamps(2000, step_m=20)
    shadows = [up(city, one).rssi_dbm - up(plain, one).rssi_dbm for one in row]

    assert 0 == pytest.approx(fmean(shadows), abs=0.5)
    assert 4 == pytest.approx(pstdev(shadows), abs=0.4)
    assert correlation(shadows[:-1], shadows[1:]) > 0.7  # 20 m
    assert abs(correlation(shadows[:-20], shadows[20:])) < 0.15  # 400 m


def test_fading_is_drawn_anew_for_each_frame_with_the_published_spread() -> None:
    city = air("flora")
    levels = [up(city, start_s=second).rssi_dbm for second in range(2000)]

    assert 3.57 == pytest.approx(pstdev(levels), abs=0.2)
    assert levels[7] == up(air("flora"), start_s=7).rssi_dbm


def test_walls_dampen_only_what_is_indoors_and_always_alike() -> None:
    outside, inside = air("urban"), air("urban", indoors=frozenset({LAMP.eui}))

    walls_db = up(outside).rssi_dbm - up(inside).rssi_dbm

    assert 4 <= walls_db <= 23 + 30
    assert up(inside).rssi_dbm == up(inside, start_s=9).rssi_dbm


def test_walls_are_distributed_as_published() -> None:
    random = Random(1)
    losses = [building_loss_db(random) for _ in range(4000)]
    # Outer: .25·7.5 + .65·15 + .10·21; inner by numbers: the greater of two draws.
    assert 13.7 + 10.5 == pytest.approx(fmean(losses), abs=1.5)
    assert min(losses) >= 4
    assert max(losses) <= 53


def test_ns3_has_no_walls() -> None:
    inside = air("ns3", indoors=frozenset({LAMP.eui}))

    assert up(air("ns3")) == up(inside)


def test_a_chance_is_even_and_decided_by_its_key() -> None:
    drawn = [chance(1, number) for number in range(4000)]

    assert 0.5 == pytest.approx(fmean(drawn), abs=0.02)
    assert all(0 <= one < 1 for one in drawn)
    assert drawn == [chance(1, number) for number in range(4000)]
