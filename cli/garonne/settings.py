"""What the command reads from the environment, once, with every fault at once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from garonne.errors import WrongSettings

__all__ = ["GIVEN", "Settings", "find_home"]

# The addresses a person may set: the part behind a given address is not started here.
GIVEN = (
    "GARONNE_MQTT",
    "GARONNE_REDIS",
    "GARONNE_S3",
    "GARONNE_S3_ACCESS_KEY",
    "GARONNE_S3_SECRET_KEY",
    "GARONNE_CHIRPSTACK_GRPC",
    "GARONNE_CHIRPSTACK_TOKEN",
)

# What the supervisor sets itself for each program, or gives to only one start of it.
OWN = (
    "GARONNE_AIR",
    "GARONNE_CHIRPSTACK_TOKEN_FILE",
    "GARONNE_FAILPOINT",
    "GARONNE_METRICS",
)

LEVELS = ("debug", "info", "warning", "error")

# variable -> schemes it may have, and an example for the sentence.
SCHEMES = {
    "GARONNE_MQTT": (("mqtt", "mqtts"), "mqtt://user:password@host:1883"),
    "GARONNE_REDIS": (("redis", "unix"), "redis://:password@host:6379/0"),
    "GARONNE_S3": (("http", "https"), "http://host:9000"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    The settings of the command and of the stack it starts.

    `given` holds the addresses that were set from outside, by variable name;
    `others` the settings that only the programs themselves understand.
    """

    home: Path
    state: Path
    city: str
    keys: Path
    bucket: str
    log: str
    failpoint: str
    given: Mapping[str, str]
    others: Mapping[str, str]

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the environment; raise WrongSettings with every fault."""
        home = Path(environ.get("GARONNE_HOME") or find_home()).absolute()
        state = Path(environ.get("GARONNE_STATE") or home / ".garonne").absolute()
        given, file_faults = _given(environ)
        settings = cls(
            home=home,
            state=state,
            city=environ.get("GARONNE_CITY") or "toulouse",
            keys=Path(environ.get("GARONNE_KEYS") or state / "keys.csv").absolute(),
            bucket=environ.get("GARONNE_S3_BUCKET") or "garonne-raw",
            log=(environ.get("GARONNE_LOG") or "info").lower(),
            failpoint=environ.get("GARONNE_FAILPOINT", ""),
            given=given,
            others=_others(environ),
        )
        faults = [*file_faults, *settings.faults()]
        if faults:
            raise WrongSettings(faults)
        return settings

    def common(self) -> dict[str, str]:
        """Return what every program is told, as environment."""
        return {
            **self.others,
            "GARONNE_HOME": str(self.home),
            "GARONNE_STATE": str(self.state),
            "GARONNE_CITY": self.city,
            "GARONNE_KEYS": str(self.keys),
            "GARONNE_S3_BUCKET": self.bucket,
            "GARONNE_LOG": self.log,
        }

    def faults(self) -> list[str]:
        """Every contradiction, one sentence each."""
        return [
            *_folder_faults(self),
            *_address_faults(self.given),
            *_pair_faults(self.given),
            *_word_faults(self),
        ]


def find_home() -> Path:
    """Return the checkout: the nearest parent that holds chirpstack/device-types."""
    for folder in Path(__file__).resolve().parents:
        if (folder / "chirpstack" / "device-types").is_dir():
            return folder
    return Path.cwd()


def _others(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environ.items()
        if name.startswith("GARONNE_") and name not in {*GIVEN, *OWN} and value
    }


def _given(environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """What was given, also in files that `<name>_FILE` names."""
    given, faults = {}, []
    for name in GIVEN:
        value, file = environ.get(name, ""), environ.get(f"{name}_FILE", "")
        if file and not value:
            value, fault = _held(f"{name}_FILE", file)
            faults += [fault] if fault else []
        if value:
            given[name] = value
    return given, faults


def _held(name: str, file: str) -> tuple[str, str]:
    try:
        return Path(file).read_text(encoding="utf-8").strip(), ""
    except OSError as error:
        reason = error.strerror or "unreadable"
        return "", f"{name}: {file}: {reason.lower()}"


def _folder_faults(settings: Settings) -> list[str]:
    faults = []
    if not (settings.home / "chirpstack" / "device-types").is_dir():
        faults.append(
            f"GARONNE_HOME: {settings.home} holds no chirpstack/device-types; "
            "it must be the folder of a Garonne checkout"
        )
    elif not (settings.home / "cities" / settings.city / "city.toml").is_file():
        cities = sorted(p.parent.name for p in settings.home.glob("cities/*/city.toml"))
        faults.append(
            f"GARONNE_CITY: there is no city {settings.city!r} in "
            f"{settings.home / 'cities'}; found: {', '.join(cities) or 'none'}"
        )
    if settings.state.exists() and not settings.state.is_dir():
        faults.append(f"GARONNE_STATE: {settings.state} is not a folder")
    elif not os.access(_nearest_existing(settings.state), os.W_OK):
        faults.append(f"GARONNE_STATE: {settings.state} cannot be written")
    return faults


def _nearest_existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _address_faults(given: Mapping[str, str]) -> list[str]:
    faults = []
    for name, (schemes, example) in SCHEMES.items():
        if name in given and not _url_is_sound(given[name], schemes):
            faults.append(f"{name}: expected an address such as {example}")
    grpc = given.get("GARONNE_CHIRPSTACK_GRPC", "host:1")
    host, _, port = grpc.rpartition(":")
    if not host or not port.isdigit() or "/" in grpc:
        faults.append(f"GARONNE_CHIRPSTACK_GRPC: expected host:port, found {grpc!r}")
    return faults


def _url_is_sound(url: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(url)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return (
        parts.scheme in schemes
        and has_port
        and bool(parts.hostname or (parts.scheme == "unix" and parts.path))
    )


def _pair_faults(given: Mapping[str, str]) -> list[str]:
    faults = []
    credentials = ("GARONNE_S3_ACCESS_KEY", "GARONNE_S3_SECRET_KEY")
    missing = [name for name in credentials if name not in given]
    if "GARONNE_S3" in given and missing:
        faults.append(f"GARONNE_S3 is set but {' and '.join(missing)} is not")
    if "GARONNE_CHIRPSTACK_GRPC" in given:
        if "GARONNE_CHIRPSTACK_TOKEN" not in given:
            faults.append(
                "GARONNE_CHIRPSTACK_GRPC is set but GARONNE_CHIRPSTACK_TOKEN (or "
                "GARONNE_CHIRPSTACK_TOKEN_FILE) is not: ChirpStack asks for an API key"
            )
        if "GARONNE_MQTT" not in given:
            faults.append(
                "GARONNE_CHIRPSTACK_GRPC is set but GARONNE_MQTT is not: "
                "the city must use the broker that this ChirpStack uses"
            )
    return faults


def _word_faults(settings: Settings) -> list[str]:
    faults = []
    if settings.log not in LEVELS:
        faults.append(f"GARONNE_LOG: {settings.log!r} is none of {', '.join(LEVELS)}")
    if not 3 <= len(settings.bucket) <= 63:  # noqa: PLR2004 -- S3's own limits
        faults.append(
            f"GARONNE_S3_BUCKET: {settings.bucket!r} has not 3 to 63 characters"
        )
    return faults
