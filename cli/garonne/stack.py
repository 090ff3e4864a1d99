"""The table of the embedded stack: every part, what it needs, where it listens."""

import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from garonne.engines import mosquitto, rclone, valkey
from garonne.errors import Refused
from garonne.parts import (
    Finishes,
    Gauge,
    MqttAnswers,
    Part,
    Probe,
    RedisAnswers,
    S3Answers,
)
from garonne.places import read_city
from garonne.settings import Settings
from garonne.state import Ports, private_folder, secret

__all__ = ["PROGRAMS", "Program", "Stack", "declare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One of our programs: `python -m <module>`, ready when its gauge says so."""

    name: str
    module: str
    needs: tuple[str, ...] = ()
    one_shot: bool = False
    start_within_s: float = 40.0


GATEWAY_ENDPOINTS = ("GARONNE_CHIRPSTACK_UDP", "GARONNE_CHIRPSTACK_STATION")
STRICT_GATEWAYS = "GARONNE_CHIRPSTACK_STRICT_GATEWAYS"

# In the order of need. What is not started here (its address was given) drops out
# of everybody's needs. Devices come last: nobody must miss their first word.
PROGRAMS = (
    Program(name="chirpstack", module="chirpstack_embedded", needs=("mosquitto",)),
    Program(
        name="api-key",
        module="garonne.api_key",
        needs=("chirpstack",),
        one_shot=True,
    ),
    Program(
        name="provisioning",
        module="provisioning",
        needs=("chirpstack", "api-key"),
        one_shot=True,
        start_within_s=300.0,
    ),
    Program(
        name="nonces",
        module="garonne.nonces",
        needs=("provisioning",),
        one_shot=True,
    ),
    Program(name="ingest", module="faas.ingest", needs=("mosquitto", "valkey")),
    Program(name="worker", module="faas.worker", needs=("valkey",)),
    Program(name="batcher", module="faas.batcher", needs=("valkey", "rclone")),
    Program(
        name="sender",
        module="faas.sender",
        needs=("mosquitto", "valkey", "provisioning"),
    ),
    Program(name="gateways", module="gateway_sim", needs=("mosquitto", "provisioning")),
    Program(name="group-keys", module="provisioning.group_keys", needs=("sender",)),
    Program(
        name="devices",
        module="lorawan_sim",
        needs=("nonces", "gateways", "ingest", "worker", "batcher", "sender"),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """
    What `garonne up` starts, and the environment in which a city program runs.

    `outside` are the probes of what was given: asked once before the start.
    `moved` are sentences about remembered ports that were taken.
    """

    parts: tuple[Part, ...]
    environment: Mapping[str, str] = field(repr=False)
    outside: Mapping[str, Probe]
    moved: tuple[str, ...] = ()


def declare(settings: Settings) -> Stack:
    """Choose ports, write the engines' configurations and return the table."""
    ports = Ports(settings.state)
    engines, environment, outside = _engines(settings, ports)
    programs = _programs(settings)
    metrics = ports.choose(p.name for p in programs if not p.one_shot)
    declared = {engine.name for engine in engines} | {p.name for p in programs}
    parts = [
        _part(program, settings, environment, metrics, declared) for program in programs
    ]
    return Stack(
        parts=(*engines, *parts),
        environment=environment,
        outside=outside,
        moved=tuple(ports.moved),
    )


def _engines(
    settings: Settings, ports: Ports
) -> tuple[list[Part], dict[str, str], dict[str, Probe]]:
    given, state = settings.given, settings.state
    environment = settings.common() | dict(given)
    engines: list[Part] = []
    outside: dict[str, Probe] = {}
    chosen = ports.choose(("mqtt", "redis", "s3", "air", "chirpstack-api"))
    if "GARONNE_MQTT" in given:
        outside["GARONNE_MQTT"] = MqttAnswers(
            url=given["GARONNE_MQTT"],
            ca_file=settings.others.get("GARONNE_MQTT_CA", ""),
        )
    else:
        folder = private_folder(state / "mosquitto")
        engines.append(mosquitto.part(state / "engines", folder, chosen["mqtt"]))
        environment["GARONNE_MQTT"] = f"mqtt://127.0.0.1:{chosen['mqtt']}"
    if "GARONNE_REDIS" in given:
        outside["GARONNE_REDIS"] = RedisAnswers(url=given["GARONNE_REDIS"])
    else:
        part = valkey.part(state / "valkey", chosen["redis"])
        engines.append(part)
        environment["GARONNE_REDIS"] = valkey.url(state / "valkey", chosen["redis"])
    if "GARONNE_S3" in given:
        outside["GARONNE_S3"] = S3Answers(
            endpoint=given["GARONNE_S3"],
            access_key=given["GARONNE_S3_ACCESS_KEY"],
            secret_key=given["GARONNE_S3_SECRET_KEY"],
            bucket=settings.bucket,
        )
    else:
        folder = private_folder(state / "s3")
        engines.append(rclone.part(folder, chosen["s3"], settings.bucket))
        access_key, secret_key = rclone.credentials(folder)
        environment["GARONNE_S3"] = f"http://127.0.0.1:{chosen['s3']}"
        environment["GARONNE_S3_ACCESS_KEY"] = access_key
        environment["GARONNE_S3_SECRET_KEY"] = secret_key
    environment["GARONNE_AIR"] = f"127.0.0.1:{chosen['air']}"
    if "GARONNE_CHIRPSTACK_GRPC" not in given:
        address = f"127.0.0.1:{chosen['chirpstack-api']}"
        environment["GARONNE_CHIRPSTACK_GRPC"] = address
        environment["GARONNE_CHIRPSTACK_TOKEN_FILE"] = str(
            private_folder(state / "chirpstack") / "token"
        )
    return engines, environment, outside


def _programs(settings: Settings) -> list[Program]:
    elsewhere = (
        {"chirpstack", "api-key"}
        if "GARONNE_CHIRPSTACK_GRPC" in settings.given
        else set()
    )
    if not _has_groups(settings):
        elsewhere.add("group-keys")
    return [program for program in PROGRAMS if program.name not in elsewhere]


def _has_groups(settings: Settings) -> bool:
    """Whether the city declares multicast groups, as far as it can be read here."""
    path = settings.home / "cities" / settings.city / "city.toml"
    try:
        return bool(tomllib.loads(path.read_text("utf-8")).get("groups"))
    except (OSError, ValueError):
        return False  # provisioning says what is wrong with it


def _part(
    program: Program,
    settings: Settings,
    environment: Mapping[str, str],
    metrics: Mapping[str, int],
    declared: set[str],
) -> Part:
    argv: tuple[str, ...] = (sys.executable, "-m", program.module)
    env = dict(environment)
    if program.module == "chirpstack_embedded":
        argv = (*argv, "-c", str(settings.home / "chirpstack" / "server-config"))
        env = _chirpstack(settings, environment)
    ready: Probe = Finishes()
    if not program.one_shot:
        address = f"127.0.0.1:{metrics[program.name]}"
        env["GARONNE_METRICS"] = address
        ready = Gauge(address=address)
    return Part(
        name=program.name,
        argv=argv,
        env=env,
        ready=ready,
        needs=tuple(need for need in program.needs if need in declared),
        start_within_s=program.start_within_s,
    )


def _region(settings: Settings) -> str:
    """Return the city's region; what cannot be read is said by those who need it."""
    try:
        return read_city(settings.home, settings.city).region
    except Refused:
        return ""


def _mqtt_server(broker: SplitResult, ca_file: str) -> dict[str, str]:
    """Return where ChirpStack finds the broker; OpenSSL reads SSL_CERT_FILE itself."""
    if broker.scheme != "mqtts":
        server = f"tcp://{broker.hostname}:{broker.port or 1883}"
        return {"CHIRPSTACK_MQTT_SERVER": server}
    server = f"ssl://{broker.hostname}:{broker.port or 8883}"
    trust = {"SSL_CERT_FILE": ca_file} if ca_file else {}
    return {"CHIRPSTACK_MQTT_SERVER": server, **trust}


def _chirpstack(settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    """
    Return the environment of ChirpStack, and no variable more than it needs.

    It replaces the text $NAME of every variable it has in its configuration.
    """
    folder = private_folder(settings.state / "chirpstack")
    broker = urlsplit(environment["GARONNE_MQTT"])
    database = folder / "chirpstack.sqlite"
    return {
        **_mqtt_server(broker, environment.get("GARONNE_MQTT_CA", "")),
        "CHIRPSTACK_MQTT_USERNAME": unquote(broker.username or ""),
        "CHIRPSTACK_MQTT_PASSWORD": unquote(broker.password or ""),
        "CHIRPSTACK_API_BIND": environment["GARONNE_CHIRPSTACK_GRPC"],
        "CHIRPSTACK_API_SECRET": secret(folder / "api-secret", 44),
        "CHIRPSTACK_SQLITE_PATH": f"sqlite://{database}",
        "CHIRPSTACK_REDIS_SERVER": environment["GARONNE_REDIS"],
        "CHIRPSTACK_POSTGRESQL_DSN": "",
        "GARONNE_CHIRPSTACK_DB": str(database),
        "GARONNE_REGIONS": _region(settings),
        **{name: environment.get(name, "") for name in GATEWAY_ENDPOINTS},
        STRICT_GATEWAYS: environment.get(STRICT_GATEWAYS, "yes"),
        "GARONNE_LOG": settings.log,
    }
