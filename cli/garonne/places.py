"""Which device a person means: by its name in the city, or by its DevEUI."""

import difflib
from collections.abc import Mapping
from pathlib import Path

from garonne.errors import Refused
from provisioning import entry
from wire.declared import DeclaredCity, DeclaredDevice

__all__ = ["city_of", "find_device", "read_city"]


def read_city(home: Path, name: str) -> DeclaredCity:
    """Read cities/<name>/; Refused with every fault."""
    try:
        return entry.read_city(home, name)
    except entry.BadCity as error:
        raise Refused(str(error)) from None


def city_of(environment: Mapping[str, str]) -> DeclaredCity:
    """Read the city of a running stack."""
    home = Path(environment["GARONNE_HOME"])
    return read_city(home, environment["GARONNE_CITY"])


def find_device(environment: Mapping[str, str], word: str) -> DeclaredDevice:
    """Return the declared device of this name or DevEUI; Refused with near names."""
    city = city_of(environment)
    wanted = word.strip().lower()
    for device in city.devices:
        if wanted in {device.name.lower(), str(device.dev_eui)}:
            return device
    near = difflib.get_close_matches(wanted, [d.name for d in city.devices], n=3)
    hint = f"did you mean {', '.join(near)}? " if near else ""
    raise Refused(
        f"{city.name} has no device {word!r}; {hint}`garonne device list` shows all"
    )
