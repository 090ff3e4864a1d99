"""
Which district a place is in: points in the city's own polygons.

It is asked once, when a device is provisioned, and the answer becomes the device's tag
`district`. So every event carries it, and nobody downstream needs a polygon.
"""

import json
from dataclasses import replace
from pathlib import Path

from shapely import Point, STRtree
from shapely.errors import ShapelyError
from shapely.geometry import shape

from wire.declared import DeclaredCity, DeclaredDevice

FILE = "districts.geojson"


class BadDistricts(Exception):
    """The file of districts cannot be used; the text says why."""


class Districts:
    """The districts of a city, from a GeoJSON of polygons with a `name` each."""

    def __init__(self, geojson: str) -> None:
        try:
            features = json.loads(geojson)["features"]
            self._names = [str(one["properties"]["name"]) for one in features]
            self._tree = STRtree([shape(one["geometry"]) for one in features])
        except (ValueError, KeyError, TypeError, AttributeError, ShapelyError) as error:
            raise BadDistricts(
                f"wanted features with a name and a polygon each, found {error!r}"
            ) from error

    def of(self, latitude: float, longitude: float) -> str:
        """Return the district of a place in degrees; empty outside of all."""
        here = Point(longitude, latitude)
        found = self._tree.query(here, predicate="intersects")
        return self._names[min(found)] if len(found) else ""


def placed(city: DeclaredCity, folder: Path) -> DeclaredCity:
    """Give each device that names no district that of its place, if there is a map."""
    path = folder / FILE
    if not path.is_file():
        return city
    districts = Districts(path.read_text("utf-8"))

    def with_district(device: DeclaredDevice) -> DeclaredDevice:
        if device.district:
            return device
        return replace(device, district=districts.of(device.latitude, device.longitude))

    return replace(city, devices=tuple(map(with_district, city.devices)))
