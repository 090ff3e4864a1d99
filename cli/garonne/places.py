"""Which device a person means: by its name in the city, or by its DevEUI."""

import difflib
from collections.abc import Mapping
from pathlib import Path

from garonne.errors import Refused
from wire.declared import DeclaredCity, DeclaredDevice
from wire.errors import Malformed

__all__ = ["find_device", "read_city"]

DEV_EUI_DIGITS = 16


def read_city(home: Path, city: str) -> DeclaredCity:
    """Read cities/<name>/; Refused with every fault."""
    folder = home / "cities" / city
    texts = {}
    for name in ("city.toml", "gateways.csv", "devices.csv"):
        try:
            texts[name] = (folder / name).read_text(encoding="utf-8")
        except OSError as error:
            raise Refused(f"{folder / name}: {error.strerror}") from None
    try:
        return DeclaredCity.parse(
            city_toml=texts["city.toml"],
            gateways_csv=texts["gateways.csv"],
            devices_csv=texts["devices.csv"],
        )
    except Malformed as error:
        raise Refused(f"{folder}: {error}") from None


def find_device(environment: Mapping[str, str], word: str) -> DeclaredDevice:
    """Return the declared device of this name or DevEUI; Refused with near names."""
    city = read_city(Path(environment["GARONNE_HOME"]), environment["GARONNE_CITY"])
    wanted = word.strip().lower()
    for device in city.devices:
        if wanted in {device.name.lower(), str(device.dev_eui).lower()}:
            return device
    near = difflib.get_close_matches(wanted, [d.name for d in city.devices], n=3)
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    raise Refused(
        f"no device {word!r} in {environment['GARONNE_CITY']}{hint} "
        "`garonne device list` shows all"
    )
