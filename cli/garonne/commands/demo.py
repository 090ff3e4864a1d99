"""`garonne demo`: the main job, and its report."""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from garonne.demo.city import City, fresh_settings
from garonne.demo.live import Screen
from garonne.demo.phases import Demo, Limits
from garonne.demo.report import Report
from garonne.errors import GaronneError, Refused
from garonne.places import read_city
from garonne.settings import Settings

__all__ = ["demo"]

LAMP = "street-light"


def demo(
    settings: Settings,
    *,
    seconds: float = 60.0,
    report: str | None = None,
    state: str | None = None,
) -> int:
    """Run the whole city on a fresh folder; 0 only if nothing was lost or failed."""
    if report:
        _must_be_writable(Path(report))
    folder = Path(state or tempfile.mkdtemp(prefix="garonne-demo-")).absolute()
    if any(folder.glob("*")):
        raise Refused(f"{folder} is not empty; a demo needs a fresh folder")
    try:
        result = _run(fresh_settings(settings, folder), seconds)
    except GaronneError as error:
        raise Refused(f"{error} (logs: {folder / 'log'})") from None
    _tell(result, Path(report) if report else None)
    if result.passed and not state:
        shutil.rmtree(folder, ignore_errors=True)
    elif not result.passed:
        print(f"logs: {folder / 'log'}", file=sys.stderr)
    return 0 if result.passed else 1


def _must_be_writable(file: Path) -> None:
    """Refuse now what would otherwise fail after the whole run."""
    try:
        file.open("a", encoding="utf-8").close()
    except OSError as error:
        raise Refused(
            f"the report {file} cannot be written: {error.strerror}"
        ) from None


def _run(settings: Settings, seconds: float) -> Report:
    declared = read_city(settings.home, settings.city)
    here = declared.provisioned
    lamps = [str(d.dev_eui) for d in here if d.device_type == LAMP]
    city = City(settings, os.environ)
    try:
        with Screen() as screen:
            return Demo(
                city=city,
                screen=screen,
                limits=Limits(run_s=seconds),
                devices={str(device.dev_eui): device.name for device in here},
                lamps=lamps,
                gateways=len(declared.gateways),
            ).run()
    finally:
        city.stop()


def _tell(result: Report, file: Path | None) -> None:
    document = json.dumps(result.document(), indent=2)
    if file:
        file.write_text(document + "\n", encoding="utf-8")
    print(document)
    for sentence in result.sentences():
        print(sentence, file=sys.stderr)
