"""Every declared city can be provisioned, and every device is heard."""

from collections import Counter
from pathlib import Path

import pytest

from city.types import read_catalogue
from lorawan_sim.devices.weather_station import nearest
from provisioning.entry import BadCity, read_city
from wire.air import AirFrame
from wire.declared import DeclaredCity
from wire.radio.propagation import Site

HOME = Path(__file__).parents[2]
CITIES = sorted(path.name for path in (HOME / "cities").iterdir() if path.is_dir())
LOCAL = 0x02
SOME_SF, SLOWEST_SF = 9, 12


@pytest.fixture(params=CITIES)
def city(request: pytest.FixtureRequest) -> DeclaredCity:
    return read_city(HOME, request.param)


def heard_by(city: DeclaredCity, device_name: str, spreading_factor: int) -> int:
    device = next(one for one in city.devices if one.name == device_name)
    frame = AirFrame(
        phy_payload=b"",
        frequency_hz=868_100_000,
        spreading_factor=spreading_factor,
        bandwidth_hz=125_000,
        coding_rate="4/5",
        power_dbm=14.0,
        iq_inverted=False,
        start_s=0.0,
        airtime_s=1.0,
        sender=device.dev_eui,
        latitude=device.latitude,
        longitude=device.longitude,
    )
    air = city.radio.propagation(city.seed, city.indoors)
    sites = [Site(g.gateway_id, g.latitude, g.longitude) for g in city.gateways]
    return sum(air.link(frame, site).is_audible for site in sites)


def test_every_device_type_is_in_the_catalogue(city: DeclaredCity) -> None:
    assert {one.device_type for one in city.devices} <= read_catalogue(HOME).keys()


def test_no_address_belongs_to_anybody(city: DeclaredCity) -> None:
    addresses = [one.dev_eui for one in city.devices]
    addresses += [one.gateway_id for one in city.gateways]

    assert all(bytes(one)[0] & LOCAL for one in addresses)


def test_every_device_is_heard_at_a_middling_data_rate(city: DeclaredCity) -> None:
    for device in city.devices:
        assert heard_by(city, device.name, SOME_SF), device.name


def test_every_device_has_a_street_and_a_district(city: DeclaredCity) -> None:
    assert all(device.street and device.district for device in city.devices)


def test_first_light_is_ten_lamps_four_bays_and_one_of_each_in_the_box() -> None:
    city = read_city(HOME, "first-light")

    assert 2 == len(city.gateways)
    assert {"street-light": 10, "parking-bay": 4} == {
        kind: sum(one.device_type == kind for one in city.provisioned)
        for kind in ("street-light", "parking-bay")
    }
    assert ["bay-05", "lamp-11"] == sorted(d.name for d in city.devices if d.box)
    assert all(2 == heard_by(city, device.name, 8) for device in city.devices)


def test_toulouse_is_at_least_sixty_devices_of_four_types() -> None:
    city = read_city(HOME, "toulouse")

    assert 3 == len(city.gateways)
    assert {
        "street-light": 40,
        "parking-bay": 12,
        "weather-station": 4,
        "metered-relay": 4,
    } == Counter(device.device_type for device in city.provisioned)
    assert ["bay-13", "lamp-41"] == sorted(d.name for d in city.devices if d.box)


def test_some_devices_of_toulouse_are_heard_by_several_gateways() -> None:
    city = read_city(HOME, "toulouse")

    heard = Counter(heard_by(city, one.name, SLOWEST_SF) for one in city.devices)

    assert heard[1] == 0 or heard[2] + heard[3] > heard[1]


def test_every_lamp_of_toulouse_has_a_neighbour_to_be_commanded_with() -> None:
    city = read_city(HOME, "toulouse")
    lamps = [one for one in city.provisioned if one.device_type == "street-light"]

    districts = {lamp.district for lamp in lamps}
    assert len(districts) >= 20
    assert min(Counter(lamp.street for lamp in lamps).most_common(12))[1] >= 2


def test_a_station_tells_the_number_in_its_name() -> None:
    city = read_city(HOME, "toulouse")
    stations = [one for one in city.devices if one.device_type == "weather-station"]

    assert [one.name for one in stations] == [
        f"weather-{nearest(one.latitude, one.longitude):02}" for one in stations
    ]


def test_the_source_of_the_places_is_told() -> None:
    assert "ODbL" in (HOME / "cities" / "SOURCES.md").read_text("utf-8")


def test_a_city_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(BadCity, match="No such file"):
        read_city(HOME, "atlantis")
