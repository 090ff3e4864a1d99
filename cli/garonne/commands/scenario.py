"""`garonne scenario run`: a city from a file, and whether it came as expected."""

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from garonne.errors import Refused
from garonne.scenario.files import Prepared, prepare
from garonne.scenario.virtual import Log, VirtualCity
from garonne.settings import Settings
from wire.scenario import Scenario, Side

__all__ = ["run"]

NOT_AS_EXPECTED = 1


def run(
    settings: Settings,
    *,
    file: str,
    virtual: bool = False,
    report: str | None = None,
    log: str | None = None,
) -> int:
    """Run a scenario; 0 only if everything it expects is found."""
    prepared = prepare(Path(file), settings.home)
    if virtual:
        found = _virtual(prepared, settings, Path(log) if log else None)
    else:
        from garonne.scenario.live import run_live  # noqa: PLC0415 -- slow to load

        found = run_live(prepared, settings)
    if report:
        Path(report).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return _judge(prepared.scenario, found)


def _virtual(
    prepared: Prepared, settings: Settings, log: Path | None
) -> dict[str, Any]:
    outages = prepared.scenario.faults_of(Side.ENGINE)
    if outages:
        names = ", ".join(fault.kind for fault in outages)
        raise Refused(f"{names}: no engine runs in virtual time; leave out --virtual")
    with _log(log) as write:
        return VirtualCity(prepared, settings.home, log=write).run()


@contextlib.contextmanager
def _log(path: Path | None) -> Iterator[Log | None]:
    if path is None:
        yield None
        return
    with path.open("wb") as file:
        yield lambda line: _line(file, line)


def _line(file: Any, line: bytes) -> None:
    file.write(line + b"\n")


def _judge(scenario: Scenario, found: dict[str, Any]) -> int:
    """Print every expectation with what was found."""
    findings = [one.judge(found) for one in scenario.expect]
    for one in findings:
        print(f"{'ok  ' if one.holds else 'FAIL'}  {one.expectation}  ({one.found})")
    wrong = sum(not one.holds for one in findings)
    if not findings:
        print(f"{scenario.name} expects nothing", file=sys.stderr)
    elif wrong:
        print(f"{scenario.name}: {wrong} of {len(findings)} not as expected")
    else:
        print(f"{scenario.name}: as expected")
    return NOT_AS_EXPECTED if wrong else 0
