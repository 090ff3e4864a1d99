"""What the program is told by its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from wire.settings import Address, Reader, address, level, perhaps

DEVICE_TYPES = Path("chirpstack") / "device-types"
UNSET = {"GARONNE_AIR": "the gateways' simulated air is looked for at"}
"""What stands in for a setting that somebody might have forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    One run of the devices.

    `seed` None is the city's own; `world_begins` None is the moment of the
    start. `late_s` is how long after a window closed its frame may still
    come over the socket before the window counts as missed. `unset` says, one
    sentence each, which addresses are defaults.
    """

    device_types: Path
    city: Path
    keys: Path
    plans: Path | None
    state: Path
    air: Address
    metrics: Address | None
    seed: int | None
    spread_s: float
    world_speed: float
    world_begins: float | None
    late_s: float
    log_level: int
    unset: tuple[str, ...]

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Read `GARONNE_*`; raises WrongSettings with every fault at once."""
        reader = Reader(lambda name: environ.get(name, ""))
        read = reader.read
        home = Path(environ.get("GARONNE_HOME", "") or checkout())
        state = Path(environ.get("GARONNE_STATE", "") or home / ".garonne")
        values: dict[str, Any] = {
            "device_types": home / DEVICE_TYPES,
            "state": state,
            "city": read("GARONNE_CITY", lambda text: _city(home, text), "toulouse"),
            "keys": read("GARONNE_KEYS", _file, str(state / "keys.csv")),
            "plans": read("GARONNE_SIM_PLANS", perhaps(_plans), ""),
            "air": read("GARONNE_AIR", address, "127.0.0.1:1702"),
            "metrics": read("GARONNE_METRICS", perhaps(address), ""),
            "seed": read("GARONNE_SIM_SEED", perhaps(int), ""),
            "spread_s": read("GARONNE_SIM_SPREAD_S", _seconds, "20"),
            "world_speed": read("GARONNE_WORLD_SPEED", _factor, "1"),
            "world_begins": read("GARONNE_WORLD_BEGINS", perhaps(_instant), ""),
            "late_s": read("GARONNE_SIM_LATE_S", _seconds, "1"),
            "log_level": read("GARONNE_LOG", level, "info"),
        }
        reader.check()
        values["unset"] = reader.unset(UNSET)
        return cls(**values)


def checkout() -> Path:
    """The nearest folder above this file that holds the device types."""
    for folder in Path(__file__).resolve().parents:
        if (folder / DEVICE_TYPES).is_dir():
            return folder
    return Path.cwd()


def _city(home: Path, name: str) -> Path:
    folder = home / "cities" / name
    if not (folder / "city.toml").is_file():
        raise ValueError(f"no city.toml in {folder}; GARONNE_HOME is {home}")
    return folder


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise ValueError("no such file; it holds the root keys: dev_eui,app_key")
    return path


def _plans(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise ValueError("no such file; it holds what a scenario wants of devices")
    return path


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < float("inf"):
        raise ValueError("a time is a number of seconds, 0 or more")
    return seconds


def _factor(text: str) -> float:
    factor = float(text)
    if not 0 < factor < float("inf"):
        raise ValueError("a speed is a positive number, 1 is real time")
    return factor


def _instant(text: str) -> float:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an instant has an offset, as 2026-06-21T18:30:00+02:00")
    return instant.timestamp()
