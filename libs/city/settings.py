"""
The settings every program shares, read from the environment with all faults at once.

A program asks a ``Reader`` for what it needs and calls ``check`` last::

    read = Reader(os.environ)
    settings = Settings(mqtt=read.mqtt(), redis=read.redis())
    read.check()
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from city.errors import BadSettings

LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A host and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return ``host:port``."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mqtt:
    """
    Where the broker listens, and who we are to it.

    ``ca_file`` holds the certificates that may sign the broker's; None: the system's.
    """

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    ca_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Redis:
    """Where Redis listens: TCP, or a Unix socket when ``path`` is set."""

    host: str = ""
    port: int = 0
    path: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    database: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class S3:
    """Where objects are kept."""

    endpoint: str
    access_key: str
    secret_key: str = field(repr=False)
    bucket: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChirpStack:
    """Where ChirpStack's API listens, with the key to it."""

    target: str
    token: str = field(repr=False)


def default_home() -> Path:
    """Return the checkout: the parent of this file that has the device types."""
    here = Path(__file__).resolve()
    found = [p for p in here.parents if (p / "chirpstack" / "device-types").is_dir()]
    return found[0] if found else Path.cwd()


class Reader:
    """Reads settings and collects what is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._faults: list[str] = []

    def check(self) -> None:
        """Raise BadSettings with every fault found so far, if there is one."""
        if self._faults:
            raise BadSettings(self._faults)

    def fault(self, sentence: str) -> None:
        """Add a fault a program found itself."""
        self._faults.append(sentence)

    def text(self, name: str, default: str | None = None) -> str:
        """
        Return a setting; without a default it must be there and not empty.

        ``<name>_FILE`` names a file that holds it, for what must not stand in an
        environment; the setting itself wins.
        """
        path = self._environment.get(f"{name}_FILE")
        if path and not self._environment.get(name):
            return self._held(name, path)
        value = self._environment.get(name) or default
        if value is None:
            self.fault(f"{name} is not set")
        return value or ""

    def perhaps(self, name: str) -> str:
        """Return a setting, or nothing when it is not set."""
        path = self._environment.get(f"{name}_FILE")
        value = self._environment.get(name, "")
        return self._held(name, path) if path and not value else value

    def number(self, name: str, default: float, *, least: float = 0.0) -> float:
        """Return a number that is at least ``least``."""
        text = self.text(name, str(default))
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if value >= least:
            return value
        self.fault(f"{name} must be a number of at least {least:g}, not {text!r}")
        return default

    def home(self) -> Path:
        """Return the data root (``GARONNE_HOME``)."""
        return Path(self.text("GARONNE_HOME", str(default_home())))

    def state(self) -> Path:
        """Return the state folder (``GARONNE_STATE``)."""
        return Path(self.text("GARONNE_STATE", str(self.home() / ".garonne")))

    def log_level(self) -> str:
        """Return the log level (``GARONNE_LOG``), lower case."""
        level = self.text("GARONNE_LOG", "info").lower()
        if level not in LOG_LEVELS:
            self.fault(f"GARONNE_LOG must be one of {', '.join(LOG_LEVELS)}: {level!r}")
        return level

    def failpoint(self) -> str | None:
        """Return the name of the point where this process kills itself, if any."""
        return self._environment.get("GARONNE_FAILPOINT") or None

    def metrics(self) -> Address | None:
        """Return where this program shows its metrics (``GARONNE_METRICS``)."""
        text = self._environment.get("GARONNE_METRICS")
        return self._address("GARONNE_METRICS", text) if text else None

    def mqtt(self) -> Mqtt:
        """Return the broker (``GARONNE_MQTT``)."""
        name = "GARONNE_MQTT"
        shape = "mqtt://[user:password@]host:port, or mqtts:// for TLS"
        url = self._url(name, ("mqtt", "mqtts"), shape)
        tls = url.scheme == "mqtts"
        host, port = self._host_port(name, url, 8883 if tls else 1883)
        return Mqtt(
            host=host,
            port=port,
            username=_user(url),
            password=_password(url),
            tls=tls,
            ca_file=self._ca_file() if tls else None,
        )

    def redis(self) -> Redis:
        """Return Redis (``GARONNE_REDIS``)."""
        name = "GARONNE_REDIS"
        url = self._url(
            name,
            ("redis", "unix"),
            "redis://[[user]:password@]host:port/0 or unix:///path",
        )
        if url.scheme == "unix":
            return Redis(path=url.path, username=_user(url), password=_password(url))
        host, port = self._host_port(name, url, 6379)
        return Redis(
            host=host,
            port=port,
            username=_user(url),
            password=_password(url),
            database=self._database(name, url),
        )

    def s3(self) -> S3:
        """Return the object store (``GARONNE_S3`` and its keys)."""
        endpoint = self._url(
            "GARONNE_S3", ("http", "https"), "http://host:port"
        ).geturl()
        return S3(
            endpoint=endpoint.rstrip("/"),
            access_key=self.text("GARONNE_S3_ACCESS_KEY"),
            secret_key=self.text("GARONNE_S3_SECRET_KEY"),
            bucket=self._bucket(),
        )

    def chirpstack(self) -> ChirpStack:
        """Return ChirpStack's API (``GARONNE_CHIRPSTACK_GRPC`` and its token)."""
        name = "GARONNE_CHIRPSTACK_GRPC"
        address = self._address(name, self.text(name))
        return ChirpStack(target=str(address), token=self._token())

    def _ca_file(self) -> str | None:
        path = self._environment.get("GARONNE_MQTT_CA")
        if path:
            try:
                ssl.create_default_context(cafile=path)
            except OSError as error:  # no certificate in it is one, too
                reason = error.strerror or "it holds no certificate"
                self.fault(f"GARONNE_MQTT_CA: {path}: {reason}")
        return path or None

    def _token(self) -> str:
        path = self._environment.get("GARONNE_CHIRPSTACK_TOKEN_FILE")
        if not path:
            return self.text("GARONNE_CHIRPSTACK_TOKEN")
        return self._held("GARONNE_CHIRPSTACK_TOKEN", path)

    def _held(self, name: str, path: str) -> str:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            reason = error.strerror or "unreadable"
            self.fault(f"{name}_FILE: {path}: {reason}")
            return ""

    def _bucket(self) -> str:
        bucket = self.text("GARONNE_S3_BUCKET", "garonne-raw")
        shortest = 3  # S3's own rule
        if len(bucket) < shortest:
            self.fault(f"GARONNE_S3_BUCKET must have 3 letters or more: {bucket!r}")
        return bucket

    def _url(self, name: str, schemes: tuple[str, ...], shape: str) -> SplitResult:
        text = self.text(name)
        try:
            url = urlsplit(text)
        except ValueError:
            url = urlsplit("")
        if text and (url.scheme not in schemes or not (url.netloc or url.path)):
            # The value may hold a password: the shape is told, never the value.
            self.fault(f"{name} must look like {shape}")
        return url

    def _host_port(self, name: str, url: SplitResult, default: int) -> tuple[str, int]:
        try:
            host, port = url.hostname or "", url.port or default
        except ValueError:
            self.fault(f"{name} has a port that is not one")
            return "", default
        if url.scheme and not host:
            self.fault(f"{name} names no host")
        return host, port

    def _database(self, name: str, url: SplitResult) -> int:
        text = url.path.strip("/") or "0"
        if text.isascii() and text.isdigit():
            return int(text)
        self.fault(f"{name} names a database that is not a number")
        return 0

    def _address(self, name: str, text: str) -> Address:
        host, _, port = text.rpartition(":")
        if host and port.isascii() and port.isdigit() and int(port) < 1 << 16:
            return Address(host=host.strip("[]"), port=int(port))
        if text:
            self.fault(f"{name} must look like host:port, not {text!r}")
        return Address(host="", port=0)


def _user(url: SplitResult) -> str | None:
    return unquote(url.username) if url.username else None


def _password(url: SplitResult) -> str | None:
    return unquote(url.password) if url.password else None
