"""
How much faster than the clock on the wall a virtual city of 1,000 devices runs.

One process joins devices, radio and the embedded ChirpStack's core. Parking bays that
report every quarter of an hour are the usual load; lamps on a busy evening, which also
tell every passer-by, are the heavy one. Joining is told apart: a thousand devices in
five minutes are more than the gateways' own air time can answer at once.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from garonne.scenario.files import prepared
from garonne.scenario.virtual import VirtualCity
from wire.scenario import Scenario

HOME = Path(__file__).resolve().parents[1]
GATEWAYS = [
    {"name": "concorde", "latitude": 43.61061, "longitude": 1.44299},
    {"name": "carmes", "latitude": 43.598, "longitude": 1.4455},
    {"name": "arenes", "latitude": 43.59345, "longitude": 1.41839},
]


def city(fleet: dict[str, Any], *, devices: int, seconds: float) -> VirtualCity:
    """A city of one fleet over the centre of Toulouse."""
    document = {
        "scenario": {
            "name": "bench",
            "seed": 1,
            "duration_s": seconds,
            "spread_s": seconds / 2,
        },
        "places": {"centre": {"box": [43.590, 1.425, 43.615, 1.460]}},
        "gateways": GATEWAYS,
        "fleets": [{"name": "fleet", "count": devices, "place": "centre", **fleet}],
    }
    return VirtualCity(prepared(Scenario.of(document), HOME), HOME)


def measure(fleet: dict[str, Any], *, devices: int, seconds: float) -> dict[str, Any]:
    """Virtual seconds a CPU second, while half of the time devices still join."""
    running = city(fleet, devices=devices, seconds=seconds)
    began = time.process_time()
    report = running.run()
    took_s = time.process_time() - began
    return {
        "devices": devices,
        "virtual_s": seconds,
        "cpu_s": round(took_s, 2),
        "speed": round(seconds / took_s, 1),
        "joined": report["joined"],
        "join_requests": report["joins"]["sent"],
        "uplinks": report["uplinks"]["sent"],
        "cpu_ms_per_frame": round(
            1000 * took_s / (report["uplinks"]["sent"] + report["joins"]["sent"]), 3
        ),
        "lost": report["lost"],
    }


def main() -> None:
    """Print the figures, and write them to a file when told to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", type=Path)
    parser.add_argument("--devices", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=3_600.0)
    options = parser.parse_args()
    bays = {"device_type": "parking-bay", "report_every_s": 900}
    lamps = {"device_type": "street-light"}
    figures = {
        name: measure(fleet, devices=options.devices, seconds=options.seconds)
        for name, fleet in (("bays", bays), ("lamps", lamps))
    }
    text = json.dumps(figures, indent=2)
    print(text)
    if options.report:
        options.report.write_text(text + "\n")


if __name__ == "__main__":
    main()
