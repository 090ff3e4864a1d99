"""Which devices a person means: by name or DevEUI, or all of a street or district."""

import difflib
from collections.abc import Mapping
from pathlib import Path

from garonne.errors import Refused
from provisioning import entry
from wire.declared import DeclaredCity, DeclaredDevice

__all__ = ["city_of", "find_devices", "read_city"]


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


def find_devices(
    environment: Mapping[str, str], word: str, device_type: str
) -> list[DeclaredDevice]:
    """
    Return the device of this name or DevEUI, or all of a type in a street or district.

    A device still in its box is meant by its name only. Refused with near names.
    """
    city = city_of(environment)
    wanted = word.strip().casefold()
    for device in city.devices:
        if wanted in {device.name.casefold(), str(device.dev_eui)}:
            return [device]
    here = [one for one in city.provisioned if one.device_type == device_type]
    places = {place for one in here for place in (one.street, one.district)}
    found = [one for one in here if wanted in _places(one)]
    if wanted and found:
        return found
    near = difflib.get_close_matches(word, [*(d.name for d in city.devices), *places])
    hint = f"did you mean {', '.join(near)}? " if near else ""
    raise Refused(
        f"{city.name} has no device, street or district {word!r}; {hint}"
        "`garonne device list` shows all"
    )


def _places(device: DeclaredDevice) -> set[str]:
    return {device.street.casefold(), device.district.casefold()}
