import pytest

from wire.radio.profiles import (
    FACTORS,
    PROFILES,
    SNR_FLOOR_DB,
    RadioProfile,
    noise_dbm,
)

NS3, URBAN, LORASIM = (PROFILES[name] for name in ("ns3", "urban", "lorasim"))


@pytest.mark.parametrize(
    ("spreading_factor", "radius_m"),
    [(7, 2920), (8, 3509), (9, 4217), (10, 5067), (11, 5728), (12, 6474)],
)
def test_rings_at_14_dbm_are_those_of_ns3(spreading_factor: int, radius_m: int) -> None:
    # Radii measured from the ns-3 module: the device's sensitivity draws the rings.
    arriving_dbm = 14 - NS3.path_loss(radius_m)

    assert NS3.device_least_dbm(spreading_factor) == pytest.approx(
        arriving_dbm, abs=0.02
    )


def test_the_noise_floor_at_125_khz_is_minus_117() -> None:
    assert -117 == pytest.approx(noise_dbm(125_000), abs=0.05)


@pytest.mark.parametrize(
    ("name", "metres", "loss_db"),
    [
        ("lorasim", 40, 127.41),
        ("lorasim", 400, 148.21),
        ("ns3", 0, 7.7),
        ("ns3", 1000, 7.7 + 3 * 37.6),
        ("oulu", 10_000, 128.95 + 23.2),
        ("hata", 1000, 127.5),
    ],
)
def test_loss_follows_the_distance(name: str, metres: float, loss_db: float) -> None:
    assert loss_db == pytest.approx(PROFILES[name].path_loss(metres))


@pytest.mark.parametrize("spreading_factor", FACTORS)
def test_in_town_a_frame_must_also_stand_out_of_the_noise(
    spreading_factor: int,
) -> None:
    floor_dbm = noise_dbm(125_000) + SNR_FLOOR_DB[spreading_factor]

    assert floor_dbm == URBAN.gateway_least_dbm(spreading_factor)
    assert floor_dbm <= URBAN.device_least_dbm(spreading_factor)
    assert NS3.gateway_least_dbm(spreading_factor) < floor_dbm


def test_a_gateway_is_more_sensitive_than_a_device() -> None:
    assert -130 == NS3.gateway_least_dbm(7)
    assert -124 == NS3.device_least_dbm(7)


@pytest.mark.parametrize("spreading_factor", [0, 5, 6])
def test_faster_than_sf7_is_heard_like_sf7(spreading_factor: int) -> None:
    assert -130 == NS3.gateway_least_dbm(spreading_factor)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_twice_the_width_takes_three_decibels(profile: RadioProfile) -> None:
    wide, narrow = (profile.device_least_dbm(9, hz) for hz in (250_000, 125_000))

    assert 3.01 == pytest.approx(wide - narrow, abs=0.01)


def test_lorasims_slowest_row_is_less_sensitive_than_the_one_before() -> None:
    # A published oddity of its measured table, kept as it is.
    assert LORASIM.gateway_least_dbm(12) > LORASIM.gateway_least_dbm(11)
