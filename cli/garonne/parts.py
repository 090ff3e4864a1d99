"""The parts of a stack as values: what to start, what it needs, when it is ready."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = [
    "Finishes",
    "Gauge",
    "HttpAnswers",
    "MqttAnswers",
    "Part",
    "Probe",
    "RedisAnswers",
    "S3Answers",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """The program's own metric `garonne_ready` is 1 at this address."""

    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttAnswers:
    """The broker accepts our CONNECT; `ca_file` may sign it, if the URL says TLS."""

    url: str
    ca_file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisAnswers:
    """The server answers PING with our credentials."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswers:
    """An HTTP server answers at this address, whatever it says."""

    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Answers:
    """The object store knows our credentials; the bucket may be missing yet."""

    endpoint: str
    access_key: str
    secret_key: str = field(repr=False)
    bucket: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finishes:
    """The program does one thing and ends with 0."""


Probe = Gauge | HttpAnswers | MqttAnswers | RedisAnswers | S3Answers | Finishes


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One process: `needs` names the parts that must be ready before it starts."""

    name: str
    argv: tuple[str, ...]
    ready: Probe
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    needs: tuple[str, ...] = ()
    start_within_s: float = 30.0

    @property
    def one_shot(self) -> bool:
        """Whether it is done when it ends."""
        return isinstance(self.ready, Finishes)

    @property
    def address(self) -> str:
        """Where it can be asked, without credentials; for tables."""
        match self.ready:
            case Gauge(address=address) | HttpAnswers(address=address):
                return address
            case MqttAnswers(url=url) | RedisAnswers(url=url):
                return url.rpartition("@")[2].rpartition("//")[2]
            case S3Answers(endpoint=endpoint):
                return endpoint
            case Finishes():
                return ""
