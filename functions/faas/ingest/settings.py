"""What ingest is told by its environment."""

from collections.abc import Mapping
from dataclasses import dataclass

from city import keys
from city.settings import Address, Mqtt, Reader, Redis

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One ingest's settings; `number` is its fixed place among its copies."""

    mqtt: Mqtt
    redis: Redis
    number: int = 0
    partitions: int = keys.EMBEDDED_PARTITIONS
    metrics: Address | None = None
    log_level: str = "info"
    failpoint: str | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str], *, number: int) -> "Settings":
        """Read them; `BadSettings` lists every fault."""
        reader = Reader(environment)
        settings = cls(
            mqtt=reader.mqtt(),
            redis=reader.redis(),
            number=number,
            partitions=int(
                reader.number("GARONNE_PARTITIONS", keys.EMBEDDED_PARTITIONS, least=1)
            ),
            metrics=reader.metrics(),
            log_level=reader.log_level(),
            failpoint=reader.failpoint(),
        )
        reader.check()
        return settings
