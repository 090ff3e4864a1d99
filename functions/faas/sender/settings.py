"""What the sender is told by its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from city import keys
from city.settings import Address, ChirpStack, Mqtt, Reader, Redis

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    One sender's settings.

    ``lease_s`` (GARONNE_SENDER_LEASE_S): how soon another copy takes over.
    """

    redis: Redis
    mqtt: Mqtt
    chirpstack: ChirpStack
    home: Path
    partitions: int = keys.EMBEDDED_PARTITIONS
    lease_s: float = 5.0
    metrics: Address | None = None
    log_level: str = "info"
    failpoint: str | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """Read them; `BadSettings` lists every fault."""
        read = Reader(environment)
        settings = cls(
            redis=read.redis(),
            mqtt=read.mqtt(),
            chirpstack=read.chirpstack(),
            home=read.home(),
            partitions=int(
                read.number("GARONNE_PARTITIONS", keys.EMBEDDED_PARTITIONS, least=1)
            ),
            lease_s=read.number("GARONNE_SENDER_LEASE_S", 5.0, least=0.3),
            metrics=read.metrics(),
            log_level=read.log_level(),
            failpoint=read.failpoint(),
        )
        read.check()
        return settings
