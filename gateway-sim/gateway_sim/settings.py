"""What the program is told by its environment."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from gateway_sim.chirpstack import Encoding
from gateway_sim.faults import Faults
from gateway_sim.mqtt import Broker
from gateway_sim.station import DEFAULT_URI, LnsServer
from gateway_sim.udp import Server
from wire.errors import Malformed
from wire.semtech import DEFAULT_PORT
from wire.settings import Address, Reader, address, level, perhaps

DEVICE_TYPES = Path("chirpstack") / "device-types"
STATS_INTERVAL_S = 30.0
MQTT_PORT = 1883
MQTTS_PORT = 8883


class Protocol(StrEnum):
    """What a gateway speaks with its server."""

    MQTT = "mqtt"
    UDP = "udp"
    STATION = "station"


UNSET = {
    Protocol.MQTT: {"GARONNE_MQTT": "the broker is looked for at"},
    Protocol.UDP: {"GARONNE_GATEWAY_UDP": "the packet forwarder's server is"},
    Protocol.STATION: {"GARONNE_GATEWAY_STATION": "the LNS is looked for at"},
}
HEARS = {"GARONNE_AIR": "devices are heard at"}
"""What stands in for a setting that somebody might have forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One run of the gateways; `unset` says which addresses are defaults."""

    city: Path
    protocol: Protocol
    broker: Broker
    udp: Server
    station: LnsServer
    faults: str
    air: Address
    metrics: Address | None
    encoding: Encoding
    stats_interval_s: float
    beacons: bool
    log_level: int
    unset: tuple[str, ...]

    @property
    def server(self) -> Broker | Server | LnsServer:
        """Where the gateways connect."""
        match self.protocol:
            case Protocol.UDP:
                return self.udp
            case Protocol.STATION:
                return self.station
            case _:
                return self.broker

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Read ``GARONNE_*``; raises WrongSettings with every fault at once."""
        reader = Reader(
            lambda name: environ.get(name) or _held(environ, name), shown=_shown
        )
        read = reader.read
        ca_file = read("GARONNE_MQTT_CA", _authority, "") or ""
        home = Path(environ.get("GARONNE_HOME", "") or checkout())
        values: dict[str, Any] = {
            "city": read("GARONNE_CITY", lambda text: _city(home, text), "toulouse"),
            "broker": read(
                "GARONNE_MQTT",
                lambda text: replace(_broker(text), ca_file=ca_file),
                "mqtt://127.0.0.1:1883",
            ),
            "protocol": read("GARONNE_GATEWAY_PROTOCOL", _protocol, Protocol.MQTT),
            "udp": read("GARONNE_GATEWAY_UDP", _server, f"127.0.0.1:{DEFAULT_PORT}"),
            "station": read("GARONNE_GATEWAY_STATION", _lns, DEFAULT_URI),
            "faults": read("GARONNE_FAULTS", _faults, ""),
            "air": read("GARONNE_AIR", address, "127.0.0.1:1702"),
            "metrics": read("GARONNE_METRICS", perhaps(address), ""),
            "encoding": read("GARONNE_GATEWAY_ENCODING", _encoding, "protobuf"),
            "stats_interval_s": read(
                "GARONNE_GATEWAY_STATS_S", _seconds, str(STATS_INTERVAL_S)
            ),
            "beacons": read("GARONNE_GATEWAY_BEACONS", _truth, "no"),
            "log_level": read("GARONNE_LOG", level, "info"),
        }
        reader.check()
        values["unset"] = reader.unset(UNSET[values["protocol"]] | HEARS)
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


def _held(environ: Mapping[str, str], name: str) -> str:
    """What the file says that ``<name>_FILE`` names; the setting itself wins."""
    path = environ.get(f"{name}_FILE", "")
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error


def _broker(text: str) -> Broker:
    url = urlsplit(text)
    tls = url.scheme == "mqtts"
    if url.scheme not in {"mqtt", "mqtts"} or not url.hostname:
        raise ValueError("an address is mqtt[s]://[user:password@]host[:port]")
    return Broker(
        host=url.hostname,
        port=url.port or (MQTTS_PORT if tls else MQTT_PORT),
        tls=tls,
        user=unquote(url.username or ""),
        password=unquote(url.password or ""),
    )


def _authority(path: str) -> str:
    try:
        ssl.create_default_context(cafile=path or None)
    except OSError as error:
        reason = error.strerror or "it holds no certificate"
        raise ValueError(reason) from error
    return path


def _shown(text: str) -> str:
    """A setting without the password it may hold."""
    login, at, rest = text.rpartition("@")
    return f"{login.rpartition(':')[0]}:…{at}{rest}" if at else text


def _truth(text: str) -> bool:
    if text not in {"yes", "no"}:
        raise ValueError("it is yes or no")
    return text == "yes"


def _encoding(text: str) -> Encoding:
    try:
        return Encoding(text)
    except ValueError as error:
        raise ValueError(f"an encoding is {' or '.join(Encoding)}") from error


def _protocol(text: str) -> Protocol:
    try:
        return Protocol(text)
    except ValueError as error:
        raise ValueError(f"a protocol is one of {', '.join(Protocol)}") from error


def _server(text: str) -> Server:
    at = address(text)
    return Server(host=at.host, port=at.port)


def _lns(text: str) -> LnsServer:
    url = urlsplit(text)
    if url.scheme not in {"ws", "wss"} or not url.hostname or url.path.strip("/"):
        raise ValueError("an address is ws://host[:port] or wss://host[:port]")
    return LnsServer(uri=text.rstrip("/"))


def _faults(path: str) -> str:
    """The text of the file, read and judged; it counts from the program's start."""
    if not path:
        return "[]"
    try:
        text = Path(path).read_text(encoding="utf-8")
        Faults.parse(text)
    except (OSError, UnicodeDecodeError, Malformed) as error:
        raise ValueError(str(error).replace("\n", "; ")) from error
    return text


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise ValueError("a time is a positive number of seconds")
    return seconds
