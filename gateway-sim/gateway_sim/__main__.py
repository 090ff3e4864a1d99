"""``python -m gateway_sim``: the gateways of the declared city."""

import asyncio
import logging
import os
import signal
import sys
import time
from pathlib import Path

from gateway_sim.faults import Faults
from gateway_sim.medium import Medium
from gateway_sim.program import Program
from gateway_sim.settings import Settings
from wire.declared import DeclaredCity
from wire.errors import Malformed
from wire.lorawan.region.catalogue import REGIONS
from wire.settings import WrongSettings

WRONG_SETTINGS = 2
CANNOT_LISTEN = 1

log = logging.getLogger(__name__)


def main() -> int:
    """Run until SIGTERM; 2 for wrong settings or a wrong city, each fault on a line."""
    try:
        settings = Settings.read(os.environ)
        city = read_city(settings.city)
    except (WrongSettings, Malformed, OSError) as faults:
        print(f"gateway_sim: {faults}", file=sys.stderr)  # noqa: T201 - before any log
        return WRONG_SETTINGS
    logging.basicConfig(
        level=settings.log_level,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    for sentence in settings.unset:
        log.info('gateway.settings.default reason="%s"', sentence)
    try:
        asyncio.run(serve(settings, city))
    except OSError as error:
        log.error("gateway.program.fail error=%s", error)  # noqa: TRY400 - one line
        return CANNOT_LISTEN
    return 0


def read_city(folder: Path) -> DeclaredCity:
    """The declared city in a folder; raises Malformed with every fault."""
    return DeclaredCity.parse(
        city_toml=(folder / "city.toml").read_text(encoding="utf-8"),
        gateways_csv=(folder / "gateways.csv").read_text(encoding="utf-8"),
        devices_csv=(folder / "devices.csv").read_text(encoding="utf-8"),
    )


async def serve(settings: Settings, city: DeclaredCity) -> None:
    """Build the program and run it until a signal asks it to stop."""
    region = REGIONS[city.region]
    faults = Faults.parse(settings.faults, begins_s=time.time(), seed=city.seed)
    program = Program(
        city.gateways,
        server=settings.server,
        encoding=settings.encoding,
        region=region,
        seed=city.seed,
        stats_interval_s=settings.stats_interval_s,
        medium=Medium(
            city.gateways,
            region=region,
            seed=city.seed,
            plan=city.radio,
            propagation=city.radio.propagation(city.seed, city.indoors),
            faults=faults,
        ),
        faults=faults,
        beacons=settings.beacons,
    )
    if settings.metrics is not None:
        program.metrics.serve(settings.metrics.host, settings.metrics.port)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await program.run(settings.air.host, settings.air.port, stopping)


if __name__ == "__main__":
    sys.exit(main())
