"""The weather of the districts: what their stations tell, on average."""

from collections.abc import Iterator, Mapping
from typing import Any

from faas import State, Twin, Uplink, on_uplink

UNKNOWN = "unknown"
KMH_PER_MPS = 3.6
# What is averaged: the name in the observation, and how many steps make one unit.
# Counters are whole numbers, and sums can be added up whoever keeps them.
AVERAGED = {
    "temperature_c": 10,
    "humidity_percent": 1,
    "rain_mm": 10,
    "wind_kmh": 1,
    "pressure_hpa": 1,
}


@on_uplink(device_type="weather-station", message="observation")
def weather_district_mean(event: Uplink, state: State, twin: Twin) -> None:
    """
    Keep the sums of each district's latest observations, one per station.

    A new observation takes the place of the station's last one, so a mean is that
    of the stations as they stand now; `means` makes means of the sums.
    """
    before = state.read()
    if not event.newer_than(before.get("mark")):
        return
    after = {"district": event.tags.get("district", UNKNOWN), **steps(event.data)}
    for sums, sign in ((before, -1), (after, +1)):
        for counter, amount in addends(sums):
            state.add(counter, sign * amount)
    state.write({**after, "mark": event.mark})
    twin.show("WeatherObserved", weather_observed(event))


def steps(told: Mapping[str, Any]) -> dict[str, int]:
    """Return what is averaged in whole steps."""
    return {name: round(told[name] * steps) for name, steps in AVERAGED.items()}


def addends(station: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Name what a station adds to the sums of its district; nothing before it spoke."""
    if "district" in station:
        yield f"district:{station['district']}:stations", 1
        for name in AVERAGED:
            yield f"district:{station['district']}:{name}", station[name]


def means(counters: Mapping[str, int]) -> dict[str, dict[str, float]]:
    """Return the mean of each quantity per district, in its unit."""
    found: dict[str, dict[str, float]] = {}
    for counter, amount in counters.items():
        district, _, name = counter.removeprefix("district:").rpartition(":")
        stations = counters.get(f"district:{district}:stations", 0)
        if name in AVERAGED and stations:
            mean = amount / AVERAGED[name] / stations
            found.setdefault(district, {})[name] = round(mean, 2)
    return found


def weather_observed(event: Uplink) -> dict[str, Any]:
    """Return the observation as a FIWARE Smart Data Models `WeatherObserved`."""
    told, tags = event.data, event.tags
    return {
        "id": f"urn:ngsi-ld:WeatherObserved:{event.dev_eui}",
        "type": "WeatherObserved",
        "name": event.device_name,
        "dateObserved": told["time"],
        "refDevice": f"urn:ngsi-ld:Device:{event.dev_eui}",
        "temperature": told["temperature_c"],
        "relativeHumidity": told["humidity_percent"] / 100,
        "atmosphericPressure": told["pressure_hpa"],
        "precipitation": told["rain_mm"],
        "windDirection": told["wind_from_deg"],
        "windSpeed": round(told["wind_kmh"] / KMH_PER_MPS, 2),
        "gustSpeed": round(told["gust_kmh"] / KMH_PER_MPS, 2),
        **location(tags),
    }


def location(tags: Mapping[str, str]) -> dict[str, Any]:
    """Return the place in the device's tags as GeoJSON, if it is there."""
    if not {"longitude", "latitude"} <= tags.keys():
        return {}
    point = [float(tags["longitude"]), float(tags["latitude"])]
    return {"location": {"type": "Point", "coordinates": point}}
