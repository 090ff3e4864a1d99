"""What the program is told by its environment."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self, TypeVar

DEVICE_TYPES = Path("chirpstack") / "device-types"
LEVELS = ("debug", "info", "warning", "error")

T = TypeVar("T")


class WrongSettings(Exception):
    """All faults of the environment, one sentence each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where something listens."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    One run of the devices.

    `seed` None is the city's own; `world_begins` None is the moment of the
    start. `late_s` is how long after a window closed its frame may still
    come over the socket before the window counts as missed.
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

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Read `GARONNE_*`; raises WrongSettings with every fault at once."""
        faults: list[str] = []

        def read(name: str, parse: Callable[[str], T], default: str) -> T | None:
            text = environ.get(name, "") or default
            try:
                return parse(text)
            except ValueError as fault:
                faults.append(f"{name}={text!r}: {fault}")
                return None

        home = Path(environ.get("GARONNE_HOME", "") or checkout())
        state = Path(environ.get("GARONNE_STATE", "") or home / ".garonne")
        values = {
            "device_types": home / DEVICE_TYPES,
            "state": state,
            "city": read("GARONNE_CITY", lambda text: _city(home, text), "toulouse"),
            "keys": read("GARONNE_KEYS", _file, str(state / "keys.csv")),
            "plans": read("GARONNE_SIM_PLANS", _perhaps(_plans), ""),
            "air": read("GARONNE_AIR", _address, "127.0.0.1:1702"),
            "metrics": read("GARONNE_METRICS", _perhaps(_address), ""),
            "seed": read("GARONNE_SIM_SEED", _perhaps(int), ""),
            "spread_s": read("GARONNE_SIM_SPREAD_S", _seconds, "20"),
            "world_speed": read("GARONNE_WORLD_SPEED", _factor, "1"),
            "world_begins": read("GARONNE_WORLD_BEGINS", _perhaps(_instant), ""),
            "late_s": read("GARONNE_SIM_LATE_S", _seconds, "1"),
            "log_level": read("GARONNE_LOG", _level, "info"),
        }
        if faults:
            raise WrongSettings("\n".join(faults))
        return cls(**values)  # type: ignore[arg-type]  # None comes with a fault


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


def _address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdecimal() and int(port) < 2**16):
        raise ValueError("an address is host:port")
    return Address(host=host.strip("[]"), port=int(port))


def _perhaps(parse: Callable[[str], T]) -> Callable[[str], T | None]:
    return lambda text: parse(text) if text else None


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


def _level(text: str) -> int:
    if text.lower() not in LEVELS:
        raise ValueError(f"a level is one of {', '.join(LEVELS)}")
    return logging.getLevelNamesMapping()[text.upper()]
