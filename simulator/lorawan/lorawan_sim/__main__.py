"""`python -m lorawan_sim`: the devices of the declared city."""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from lorawan_sim.catalogue import (
    SKIPPED_F_CNTS,
    Kind,
    Plan,
    build,
    read_keys,
    read_plans,
    read_profile,
)
from lorawan_sim.device import Device
from lorawan_sim.devices import is_simulated, maker
from lorawan_sim.fleet import Fleet
from lorawan_sim.program import Program
from lorawan_sim.settings import Settings
from lorawan_sim.state import State
from lorawan_sim.world import SimulatedWorld
from wire.declared import DeclaredCity
from wire.errors import Malformed
from wire.eui64 import EUI64
from wire.lorawan.region import Region
from wire.lorawan.region.catalogue import REGIONS
from wire.settings import WrongSettings

WRONG_SETTINGS = 2
CANNOT_RUN = 1
STATE_FILE = "lorawan_sim.sqlite"

log = logging.getLogger("lorawan_sim")


def main() -> int:
    """Run until SIGTERM; 2 for wrong settings or a wrong city, each fault on a line."""
    try:
        settings = Settings.read(os.environ)
        city = read_city(settings.city)
    except (WrongSettings, Malformed, OSError) as faults:
        print(f"lorawan_sim: {faults}", file=sys.stderr)  # noqa: T201 - before any log
        return WRONG_SETTINGS
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(message)s"
    )
    for sentence in settings.unset:
        log.info('device.settings.default reason="%s"', sentence)
    try:
        with State(settings.state / STATE_FILE) as state:
            asyncio.run(serve(settings, city, state))
    except OSError as error:
        log.error("device.program.fail error=%s", error)  # noqa: TRY400 - one line
        return CANNOT_RUN
    return 0


def read_city(folder: Path) -> DeclaredCity:
    """The declared city in a folder; raises Malformed with every fault."""
    return DeclaredCity.parse(
        city_toml=(folder / "city.toml").read_text(encoding="utf-8"),
        gateways_csv=(folder / "gateways.csv").read_text(encoding="utf-8"),
        devices_csv=(folder / "devices.csv").read_text(encoding="utf-8"),
    )


def read_kinds(
    settings: Settings, city: DeclaredCity, region: Region
) -> dict[str, Kind]:
    """The device types of the city that the catalogue and a module describe."""
    kinds: dict[str, Kind] = {}
    for name in {device.device_type for device in city.devices}:
        path = settings.device_types / name / "device-type.toml"
        if is_simulated(name) and path.is_file():
            text = path.read_text(encoding="utf-8")
            profile = read_profile(text, region=region, late_s=settings.late_s)
            kinds[name] = Kind(profile=profile, behaviour=maker(name))
    return kinds


def read_devices(
    settings: Settings,
    city: DeclaredCity,
    state: State,
    seed: int,
    plans: Mapping[EUI64, Plan],
) -> list[Device]:
    """Every device that can run; the others are said one by one."""
    now = time.time()
    begins = settings.world_begins
    world = SimulatedWorld(
        seed=seed,
        starts_at=now,
        begins=now if begins is None else begins,
        speed=settings.world_speed,
    )
    keys, wrong_keys = read_keys(settings.keys.read_text(encoding="utf-8"))
    devices, missing = build(
        city.devices,
        keys=keys,
        kinds=read_kinds(settings, city, REGIONS[city.region]),
        flash=state.load(),
        world=world,
        seed=seed,
        skipped=0 if state.stopped_cleanly else SKIPPED_F_CNTS,
        plans=plans,
    )
    for fault in (*wrong_keys, *missing):
        log.warning('device.fleet.skip reason="%s"', fault)
    return devices


async def serve(settings: Settings, city: DeclaredCity, state: State) -> None:
    """Build the program and run it until a signal asks it to stop."""
    seed = city.seed if settings.seed is None else settings.seed
    plans: dict[EUI64, Plan] = {}
    if settings.plans is not None:
        plans = read_plans(settings.plans.read_text("utf-8"), begins=time.time())
    program = Program(
        read_devices(settings, city, state, seed, plans),
        air=settings.air,
        state=state,
        seed=seed,
        spread_s=settings.spread_s,
        starts_s={
            eui: plan.starts_s
            for eui, plan in plans.items()
            if plan.starts_s is not None
        },
        fleet=Fleet(
            radio=city.radio,
            propagation=city.radio.propagation(city.seed, city.indoors),
        ),
    )
    if settings.metrics is not None:
        program.metrics.serve(settings.metrics.host, settings.metrics.port)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await program.run(stopping)


if __name__ == "__main__":
    sys.exit(main())
