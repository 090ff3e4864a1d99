"""A scenario's city as files: what the programs of a live run read."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

from garonne.scenario.files import Prepared
from garonne.scenario.virtual import gateway_fault_tables
from garonne.supervisor.outages import Outage, dump
from wire.declared import DEVICE_COLUMNS, GATEWAY_COLUMNS, DeclaredCity
from wire.scenario import Side

CITY = "scenario"
ENGINES = {
    "broker_outage": "mosquitto",
    "redis_outage": "valkey",
    "s3_outage": "rclone",
}


def write_overlay(prepared: Prepared, home: Path, folder: Path) -> dict[str, str]:
    """Write a data root with the scenario's city; return the settings of the run."""
    city = folder / "cities" / CITY
    city.mkdir(parents=True)
    (folder / "chirpstack").symlink_to((home / "chirpstack").resolve())
    for name, text in city_files(prepared.layout.city).items():
        (city / name).write_text(text, encoding="utf-8")
    faults = folder / "gateway-faults.json"
    faults.write_text(json.dumps(gateway_fault_tables(prepared)), encoding="utf-8")
    plans = folder / "plans.json"
    plans.write_text(json.dumps(device_plans(prepared)), encoding="utf-8")
    scenario = prepared.scenario
    begins = datetime.fromtimestamp(scenario.world_begins, UTC)
    return {
        "GARONNE_HOME": str(folder),
        "GARONNE_CITY": CITY,
        "GARONNE_WORLD_BEGINS": begins.isoformat(),
        "GARONNE_WORLD_SPEED": f"{scenario.world_speed:g}",
        "GARONNE_SIM_PLANS": str(plans),
        "GARONNE_SIM_SPREAD_S": f"{scenario.spread_s:g}",
        "GARONNE_FAULTS": str(faults),
        "GARONNE_OUTAGES": dump(outages(prepared)),
    }


def outages(prepared: Prepared) -> list[Outage]:
    """Which engine is stopped when."""
    return [
        Outage(part=ENGINES[fault.kind], from_s=fault.from_s, until_s=fault.until_s)
        for fault in prepared.scenario.faults_of(Side.ENGINE)
    ]


def device_plans(prepared: Prepared) -> dict[str, Any]:
    """What the scenario wants of every single device, by DevEUI."""
    layout = prepared.layout
    faults = layout.device_faults(prepared.scenario)
    return {
        str(eui): {
            "faults": [asdict(fault) for fault in faults.get(eui, ())],
            "report_every_s": layout.report_every_s.get(eui),
            "starts_s": starts_s,
        }
        for eui, starts_s in layout.starts_s.items()
    }


def city_files(city: DeclaredCity) -> dict[str, str]:
    """The three files of a declared city, as `DeclaredCity.parse` reads them."""
    tables: dict[str, dict[str, Any]] = {
        "city": {"name": city.name, "seed": city.seed, "region": city.region},
        "chirpstack": {"tenant": city.tenant, "application": city.application},
        "radio": asdict(city.radio),
    }
    return {
        "city.toml": "\n".join(_toml(name, row) for name, row in tables.items()),
        "gateways.csv": _csv(GATEWAY_COLUMNS, map(asdict, city.gateways)),
        "devices.csv": _csv((*DEVICE_COLUMNS, "indoors"), map(asdict, city.devices)),
    }


def _toml(name: str, row: Mapping[str, Any]) -> str:
    # JSON's texts and numbers are TOML's too.
    lines = [f"{key} = {json.dumps(value)}" for key, value in row.items()]
    return "\n".join([f"[{name}]", *lines, ""])


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row[column]) for column in columns])
    return out.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return str(value)
