"""From a scenario file to a city that can run: everything wrong is said at once."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from city.errors import CityError
from city.types import DeviceType, read_catalogue
from garonne.errors import Refused, WrongSettings
from garonne.places import read_city
from garonne.scenario.duty_cycle import refusals
from lorawan_sim.behaviour import Reporting
from lorawan_sim.devices import is_simulated, maker
from lorawan_sim.world import SimulatedWorld
from wire.errors import Malformed
from wire.scenario import Scenario
from wire.scenario.layout import Layout, lay_out

EXAMPLES = "examples.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A scenario with its city and the device types it needs."""

    scenario: Scenario
    layout: Layout
    types: dict[str, DeviceType]


def prepare(path: Path, home: Path) -> Prepared:
    """Read and judge a scenario; WrongSettings names every fault of the file."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path} cannot be read: {error}") from None
    try:
        return prepared(Scenario.parse(text), home)
    except Malformed as faults:
        raise WrongSettings(
            [f"{path.name}: {fault}" for fault in str(faults).splitlines()]
        ) from None


def prepared(scenario: Scenario, home: Path) -> Prepared:
    """Lay a scenario out; Malformed names every fault."""
    declared = read_city(home, scenario.declared) if scenario.declared else None
    layout = lay_out(scenario, declared)
    try:
        types = read_catalogue(home)
    except CityError as error:
        raise Malformed(str(error)) from error
    faults = [*_unknown_types(layout, types), *_no_commands(scenario, layout, types)]
    if not faults:
        faults = _no_periods(scenario)
    if not faults:
        longest = {name: longest_uplink(home, name) for name in types}
        faults = refusals(scenario, layout, longest)
    if faults:
        raise Malformed("\n".join(faults))
    return Prepared(scenario=scenario, layout=layout, types=types)


def _no_periods(scenario: Scenario) -> list[str]:
    """Sentences about fleets whose type cannot be told how often to report."""
    world = SimulatedWorld(seed=0, starts_at=0.0, begins=scenario.world_begins)
    found = []
    for fleet in scenario.fleets:
        latitude, longitude = fleet.place[0]
        behaviour = maker(fleet.device_type)(
            seed=0, world=world, latitude=latitude, longitude=longitude
        )
        if fleet.report_every_s is not None and not isinstance(behaviour, Reporting):
            found.append(
                f"fleet {fleet.name}: a {fleet.device_type} has a period of its own; "
                "leave out report_every_s"
            )
    return found


def longest_uplink(home: Path, device_type: str) -> int:
    """Octets of the longest uplink among the examples of a type."""
    path = home / "chirpstack" / "device-types" / device_type / EXAMPLES
    examples: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    ups = [one["input"]["bytes"] for one in examples if one["type"] == "uplink"]
    return max(map(len, ups), default=0)


def _unknown_types(layout: Layout, types: dict[str, DeviceType]) -> list[str]:
    wanted = sorted({device.device_type for device in layout.city.devices})
    known = ", ".join(types)
    return [
        f"there is no device type {name!r} with a simulator; found: {known}"
        for name in wanted
        if name not in types or not is_simulated(name)
    ]


def _no_commands(
    scenario: Scenario, layout: Layout, types: dict[str, DeviceType]
) -> list[str]:
    type_of = {one.dev_eui: one.device_type for one in layout.city.devices}
    asked = {
        order.fleet: type_of[layout.fleets[order.fleet][0]] for order in scenario.orders
    }
    return [
        f"fleet {fleet}: a {name} takes no commands"
        for fleet, name in asked.items()
        if name in types and not types[name].commands
    ]
