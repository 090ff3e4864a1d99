"""A scenario on the whole stack: the demo's run, with another city and its faults."""

import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError

from city.commands import Commands, Target
from city.redis import connect
from city.settings import Reader
from city.types import read_catalogue
from garonne.demo.city import City, fresh_settings
from garonne.demo.live import Screen
from garonne.demo.phases import Demo, Limits
from garonne.demo.report import Report
from garonne.errors import GaronneError, Refused
from garonne.scenario.files import Prepared
from garonne.scenario.overlay import ENGINES, write_overlay
from garonne.settings import Settings
from wire.scenario import Side

__all__ = ["Turn", "run_live", "turns"]

DRAIN_S = 45.0
GIVEN_FOR = {
    "mosquitto": "GARONNE_MQTT",
    "valkey": "GARONNE_REDIS",
    "rclone": "GARONNE_S3",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One command an operator asks for, at a second of the run."""

    at_s: float
    dev_eui: str
    device_type: str
    object: Mapping[str, Any]


def run_live(prepared: Prepared, settings: Settings) -> dict[str, Any]:
    """Start the stack with the scenario's city, let it live, return the report."""
    _refuse_foreign_outages(prepared, settings)
    folder = Path(tempfile.mkdtemp(prefix="garonne-scenario-"))
    try:
        found = _run(prepared, settings, folder)
    except GaronneError as error:
        raise Refused(f"{error} (logs: {folder / 'state' / 'log'})") from None
    if all(found["laws"].values()):
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"logs: {folder / 'state' / 'log'}", file=sys.stderr)
    return found


def turns(prepared: Prepared) -> list[Turn]:
    """Every command of the run in order, chosen by the seed."""
    scenario, layout = prepared.scenario, prepared.layout
    types = {one.dev_eui: one.device_type for one in layout.city.devices}
    found: list[Turn] = []
    for number, order in enumerate(scenario.orders):
        dice = random.Random(f"{scenario.seed}/operator/{number}")  # noqa: S311 -- seeded, not secret
        devices, at_s = layout.fleets[order.fleet], order.at_s
        while at_s < scenario.duration_s:
            chosen = sorted(dice.sample(devices, min(order.devices, len(devices))))
            found += [
                Turn(
                    at_s=at_s,
                    dev_eui=str(eui),
                    device_type=types[eui],
                    object=order.object,
                )
                for eui in chosen
            ]
            at_s += order.every_s or float("inf")
    return sorted(found, key=lambda turn: turn.at_s)


@dataclass(slots=True)
class _Run(Demo):
    """The demo's phases with the scenario's own commands."""

    turns: tuple[Turn, ...] = ()

    def live(self) -> None:
        """Let the city live, and ask what the scenario asks."""
        environment = self._environment()
        redis = connect(Reader(environment).redis())
        commands: Commands | None = None
        due = list(self.turns)
        for left_s in self._ticks("run", self.limits.run_s):
            try:
                commands = commands or _commands(environment, redis)
                while due and due[0].at_s <= self.limits.run_s - left_s:
                    _request(commands, due[0])
                    due.pop(0)
            except RedisError:
                pass  # it is away on purpose; what it did not take stays due
            self._show()
        redis.close()

    def logs(self) -> Counter[str]:
        """How often each code was logged by the network server."""
        return self._observer.ledger.codes() if self._observer else Counter()


def _commands(environment: Mapping[str, str], redis: Any) -> Commands:
    return Commands(redis, read_catalogue(Path(environment["GARONNE_HOME"])))


def _request(commands: Commands, turn: Turn) -> None:
    commands.request(
        Target(dev_eui=turn.dev_eui, device_type=turn.device_type),
        turn.object,
        why="scenario",
        requested_by="operator",
    )


def _run(prepared: Prepared, settings: Settings, folder: Path) -> dict[str, Any]:
    environ = write_overlay(prepared, settings.home, folder / "home")
    os.environ.update(environ)  # for the supervisor, which is our child
    live = fresh_settings(Settings.read(os.environ), folder / "state")
    layout, scenario = prepared.layout, prepared.scenario
    city = City(live, os.environ)
    limits = Limits(
        join_s=0.0,  # second 0 of the run is the first device's start
        run_s=scenario.duration_s,
        drain_s=max(DRAIN_S, scenario.settle_s),
    )
    try:
        with Screen() as screen:
            run = _Run(
                city=city,
                screen=screen,
                limits=limits,
                devices={str(d.dev_eui): d.name for d in layout.city.provisioned},
                lamps=[],
                gateways=len(layout.city.gateways),
                turns=tuple(turns(prepared)),
            )
            report = run.run()
            return _document(prepared, report, city, run.logs())
    finally:
        city.stop()


def _document(
    prepared: Prepared, report: Report, city: City, logs: Counter[str]
) -> dict[str, Any]:
    scenario, meters = prepared.scenario, city.meters
    document = report.document()
    kinds = Counter(seen.kind for seen in report.published)
    ups = Counter(seen.dev_eui for seen in report.published if seen.kind == "up")
    return {
        "scenario": scenario.name,
        "mode": "live",
        "seed": scenario.seed,
        "joined": _share(len(report.joined & report.devices), len(report.devices)),
        "delivery": _share(ups.total(), report.uplinks.sent),
        "lost": document["uplinks"]["lost"],
        **document,
        "radio_lost": _whole(
            meters.by("garonne_gateway_uplinks_radio_lost_total", "cause", kind="data")
        ),
        "rejected": _whole(
            meters.by("garonne_chirpstack_uplinks_rejected_total", "cause", kind="data")
        ),
        "events": dict(sorted(kinds.items())),
        "logs": dict(sorted(logs.items())),
        "fleets": {
            name: {
                "devices": len(euis),
                "joined": _share(
                    sum(str(eui) in report.joined for eui in euis), len(euis)
                ),
                "published": sum(ups[str(eui)] for eui in euis),
            }
            for name, euis in prepared.layout.fleets.items()
        },
        "laws": {check.name: check.holds for check in report.checks},
    }


def _refuse_foreign_outages(prepared: Prepared, settings: Settings) -> None:
    for fault in prepared.scenario.faults_of(Side.ENGINE):
        given = GIVEN_FOR[ENGINES[fault.kind]]
        if given in settings.given:
            raise Refused(
                f"{fault.kind}: {given} is set, so that engine is not ours to stop"
            )


def _whole(counts: Mapping[str, float]) -> dict[str, int]:
    return {name: int(count) for name, count in sorted(counts.items()) if count}


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
