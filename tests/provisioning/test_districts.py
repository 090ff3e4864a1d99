"""A device that names no district gets that of its place."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from provisioning.districts import FILE, BadDistricts, Districts, placed
from provisioning.entry import BadCity, read_city

HOME = Path(__file__).parents[2]
TOULOUSE = HOME / "cities" / "toulouse"
SQUARE = [[1.0, 43.0], [2.0, 43.0], [2.0, 44.0], [1.0, 44.0], [1.0, 43.0]]


def geojson(**properties: str) -> str:
    polygon = {"type": "Polygon", "coordinates": [SQUARE]}
    feature = {"type": "Feature", "properties": properties, "geometry": polygon}
    return json.dumps({"type": "FeatureCollection", "features": [feature]})


@pytest.mark.parametrize(
    ("latitude", "longitude", "district"),
    [
        (43.60422, 1.44503, "Capitole"),
        (43.57003, 1.39227, "Reynerie"),
        (43.573248, 1.48022, "Montaudran - Lespinet"),
        (43.648273, 1.374876, ""),  # Blagnac is another town
    ],
)
def test_places_of_toulouse_are_in_their_districts(
    latitude: float, longitude: float, district: str
) -> None:
    districts = Districts((TOULOUSE / FILE).read_text("utf-8"))

    assert district == districts.of(latitude, longitude)


def test_what_the_row_says_stands() -> None:
    city = read_city(HOME, "toulouse")
    moved = replace(city, devices=(replace(city.devices[0], district="Mine"),))

    (device,) = placed(moved, TOULOUSE).devices

    assert "Mine" == device.district


def test_without_a_map_nothing_is_added(tmp_path: Path) -> None:
    city = read_city(HOME, "first-light")

    assert city == placed(city, tmp_path)


def test_a_point_on_a_border_has_one_district() -> None:
    assert "here" == Districts(geojson(name="here")).of(43.5, 1.0)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"features": [{}]}', geojson(nom="without a name")]
)
def test_a_map_that_is_none_says_what_was_wanted(text: str) -> None:
    with pytest.raises(BadDistricts, match="wanted features with a name"):
        Districts(text)


def test_a_city_with_a_bad_map_is_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "cities" / "toulouse"
    folder.mkdir(parents=True)
    for name in ("city.toml", "gateways.csv", "devices.csv"):
        (folder / name).write_bytes((TOULOUSE / name).read_bytes())
    (folder / FILE).write_text("{}")

    with pytest.raises(BadCity, match=r"districts\.geojson: wanted features"):
        read_city(tmp_path, "toulouse")
