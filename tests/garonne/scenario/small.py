"""Small virtual cities for tests: four lamps, two gateways, ten minutes."""

from pathlib import Path
from typing import Any

from garonne.scenario.files import prepared
from garonne.scenario.virtual import VirtualCity
from wire.scenario import Expectation, Scenario

HOME = Path(__file__).parents[3]
LAMPS: dict[str, Any] = {
    "scenario": {"name": "Lamps", "seed": 7, "duration_s": 600, "spread_s": 10},
    "places": {"square": {"box": [43.603, 1.441, 43.606, 1.446]}},
    "gateways": [
        {"name": "north", "latitude": 43.611, "longitude": 1.443},
        {"name": "south", "latitude": 43.594, "longitude": 1.441},
    ],
    "fleets": [
        {
            "name": "lamps",
            "device_type": "street-light",
            "count": 4,
            "place": "square",
            "report_every_s": 20,
        }
    ],
}


def lamps(**changes: Any) -> dict[str, Any]:
    """The document of the small city, with other tables."""
    return {**LAMPS, **changes}


def ran(document: dict[str, Any], log: list[bytes] | None = None) -> dict[str, Any]:
    """Run a scenario in virtual time; return its report."""
    ready = prepared(Scenario.of(document), HOME)
    write = None if log is None else log.append
    return VirtualCity(ready, HOME, log=write).run()


def wrong(report: dict[str, Any], *expected: str) -> list[str]:
    """The expectations that a report does not meet, with what was found."""
    findings = [Expectation.parse(one).judge(report) for one in expected]
    return [f"{one.expectation}: {one.found}" for one in findings if not one.holds]
