"""The environment of the program, read once."""

from collections.abc import Mapping
from dataclasses import dataclass

from chirpstack_embedded.errors import BadConfiguration

LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says beside ChirpStack's own files."""

    database: str | None = None
    """``GARONNE_CHIRPSTACK_DB``: the SQLite file; else ``sqlite.path`` of the files."""
    metrics: tuple[str, int] | None = None
    """``GARONNE_METRICS``: where Prometheus reads, ``host:port``."""
    udp: tuple[str, int] | None = None
    """``GARONNE_CHIRPSTACK_UDP``: where gateways speak Semtech's UDP, ``host:port``."""
    regions: tuple[str, ...] = ()
    """``GARONNE_REGIONS``: enabled before ``network.enabled_regions``."""
    station: tuple[str, int] | None = None
    """``GARONNE_CHIRPSTACK_STATION``: where Basics Station connects, ``host:port``."""
    strict_gateway_identity: bool = False
    """``GARONNE_CHIRPSTACK_STRICT_GATEWAYS``: a gateway speaks for itself only."""
    log_level: str = "info"
    """``GARONNE_LOG``."""
    failpoint: str = ""
    """``GARONNE_FAILPOINT``: where this process kills itself, for tests."""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings, or raise ``BadConfiguration`` with every fault."""
    faults: list[str] = []
    settings = Settings(
        database=environment.get("GARONNE_CHIRPSTACK_DB") or None,
        metrics=_address(environment, "GARONNE_METRICS", faults),
        udp=_address(environment, "GARONNE_CHIRPSTACK_UDP", faults),
        regions=tuple(environment.get("GARONNE_REGIONS", "").replace(",", " ").split()),
        station=_address(environment, "GARONNE_CHIRPSTACK_STATION", faults),
        strict_gateway_identity=_truth(
            environment, "GARONNE_CHIRPSTACK_STRICT_GATEWAYS", faults
        ),
        log_level=_level(environment.get("GARONNE_LOG") or "info", faults),
        failpoint=environment.get("GARONNE_FAILPOINT", ""),
    )
    if faults:
        raise BadConfiguration(faults)
    return settings


def _address(
    environment: Mapping[str, str], name: str, faults: list[str]
) -> tuple[str, int] | None:
    text = environment.get(name, "")
    if not text:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        faults.append(f"{name} is {text!r}, expected 'host:port'")
        return None
    return host, int(port)


def _truth(environment: Mapping[str, str], name: str, faults: list[str]) -> bool:
    text = environment.get(name, "") or "no"
    if text not in {"yes", "no"}:
        faults.append(f"{name} is {text!r}, expected yes or no")
    return text == "yes"


def _level(text: str, faults: list[str]) -> str:
    if text.lower() not in LEVELS:
        faults.append(f"GARONNE_LOG is {text!r}, expected one of {', '.join(LEVELS)}")
        return "info"
    return text.lower()
