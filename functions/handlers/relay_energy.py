"""Metered relays: what each one lets through, the energy per district, who is on."""

from collections.abc import Mapping
from typing import Any

from faas import State, Twin, Uplink, on_uplink

UNKNOWN = "unknown"
WH_PER_KWH = 1000


@on_uplink(device_type="metered-relay")
def relay_energy(event: Uplink, state: State, twin: Twin) -> None:
    """
    Add up energy by the meters' own counts, and relays by their own reports.

    A measurement adds what its meter has counted since the one before; the first
    only tells where the meter stands, and so does one that has gone back to zero.
    """
    before = state.read()
    if not event.newer_than(before.get(event.message)):
        return
    if event.message == "measurement":
        add_energy(before.get("energy_wh"), event, state)
        state.write({**before, **reading(event), event.message: event.mark})
        twin.show("ACMeasurement", ac_measurement(event))
    if event.message == "state" and "on" in event.data:
        count_switches(before.get("on"), event, state)
        on = bool(event.data["on"])
        state.write({**before, "on": on, event.message: event.mark})
        twin.show("DeviceState", {"deviceState": "on" if on else "off"})


def reading(event: Uplink) -> dict[str, Any]:
    """Return where the meter stands, if it says."""
    energy_wh = event.data.get("energy_import_t1_wh")
    return {} if energy_wh is None else {"energy_wh": energy_wh}


def add_energy(before_wh: int | None, event: Uplink, state: State) -> None:
    """Add what was counted since the last reading to the district and the city."""
    now_wh = event.data.get("energy_import_t1_wh")
    if before_wh is not None and now_wh is not None and now_wh > before_wh:
        for place in ("city", f"district:{district(event)}"):
            state.add(f"{place}:energy_wh", now_wh - before_wh)


def count_switches(before: bool | None, event: Uplink, state: State) -> None:
    """Count the relay where it stands now, and no longer where it stood."""
    after = bool(event.data["on"])
    for on, amount in ((before, -1), (after, +1)):
        if on is not None:
            for place in ("city", f"district:{district(event)}"):
                state.add(f"{place}:{'on' if on else 'off'}", amount)


def district(event: Uplink) -> str:
    """Return where the relay is."""
    return event.tags.get("district", UNKNOWN)


def ac_measurement(event: Uplink) -> dict[str, Any]:
    """Return the reading as a FIWARE Smart Data Models `ACMeasurement`."""
    told = event.data
    found = {
        "totalActivePower": told.get("power_w"),
        "totalActiveEnergyImport": kwh(told.get("energy_import_t1_wh")),
        "totalActiveEnergyExport": kwh(told.get("energy_export_t1_wh")),
        "frequency": told.get("frequency_hz"),
        "phaseVoltage": phase(told, "voltage_v"),
        "current": phase(told, "current_a"),
        "powerFactor": phase(told, "power_factor"),
    }
    return {
        "id": f"urn:ngsi-ld:ACMeasurement:{event.dev_eui}",
        "type": "ACMeasurement",
        "phaseType": "singlePhase",
        "dateObserved": event.time.isoformat(),
        "refDevice": [f"urn:ngsi-ld:Device:{event.dev_eui}"],
        **location(event.tags),
        **{name: value for name, value in found.items() if value is not None},
    }


def kwh(energy_wh: int | None) -> float | None:
    """Return an energy in the unit of the model."""
    return None if energy_wh is None else energy_wh / WH_PER_KWH


def phase(told: Mapping[str, Any], name: str) -> dict[str, float] | None:
    """Return a value as that of the only phase."""
    return {"L1": told[name]} if name in told else None


def location(tags: Mapping[str, str]) -> dict[str, Any]:
    """Return the place in the device's tags as GeoJSON, if it is there."""
    if not {"longitude", "latitude"} <= tags.keys():
        return {}
    point = [float(tags["longitude"]), float(tags["latitude"])]
    return {"location": {"type": "Point", "coordinates": point}}
