"""The declared city from its folder, and the way into a ChirpStack."""

import os
from pathlib import Path

from city.errors import NetworkError
from city.network import Network
from provisioning.districts import FILE, BadDistricts, placed
from provisioning.keys import OWNER_ONLY
from wire.declared import DeclaredCity
from wire.errors import Malformed

KEY_NAME = "garonne"


class BadCity(Exception):
    """The folder of a city cannot be used; the text has a line for each fault."""


def read_city(home: Path, name: str) -> DeclaredCity:
    """Read `cities/<name>` under the data root, districts by its map if it has one."""
    folder = home / "cities" / name
    try:
        city = DeclaredCity.parse(
            city_toml=(folder / "city.toml").read_text("utf-8"),
            gateways_csv=(folder / "gateways.csv").read_text("utf-8"),
            devices_csv=(folder / "devices.csv").read_text("utf-8"),
        )
        return placed(city, folder)
    except OSError as error:
        raise BadCity(f"{error.filename}: {error.strerror}") from error
    except (Malformed, UnicodeDecodeError) as error:
        raise BadCity(f"the city in {folder} is not well declared:\n{error}") from error
    except BadDistricts as error:
        raise BadCity(f"{folder / FILE}: {error}") from error


def enter(target: str, *, user: str, password: str) -> Network:
    """Log a user in; raises `NetworkError` with the reason in a sentence."""
    with Network(target) as door:
        return Network(target, door.login(user, password))


def api_key(network: Network, file: Path, name: str = KEY_NAME) -> str:
    """Make an API key for the programs and keep it in `file`, for its owner only."""
    token = network.create_api_key(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(f"{token}\n")
    return token


def programs_token(target: str, network: Network, file: Path) -> str:
    """Return the token in `file` if it still opens `target`, else a new one."""
    if file.exists():
        token = file.read_text("utf-8").strip()
        with Network(target, token) as door:
            try:
                door.tenants()
            except NetworkError:
                pass
            else:
                return token
    return api_key(network, file)
