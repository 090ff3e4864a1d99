"""What the batcher is told by its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from city import keys
from city.settings import S3, Address, Reader, Redis
from faas.worker.settings import handlers_folder

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    One batcher's settings.

    ``flush_s`` (GARONNE_ARCHIVE_FLUSH_S) replaces the functions' own ``max_age_s``;
    ``budget`` (GARONNE_STREAM_BUDGET) is how many events a stream keeps after they were
    archived; ``lease_s`` (GARONNE_BATCHER_LEASE_S) how soon another copy takes over;
    ``timeout_s`` (GARONNE_BATCHER_TIMEOUT_S) ends a function that hangs.
    """

    redis: Redis
    s3: S3
    handlers: Path
    partitions: int = keys.EMBEDDED_PARTITIONS
    flush_s: float | None = None
    budget: int = 100_000
    lease_s: float = 5.0
    timeout_s: float = 60.0
    metrics: Address | None = None
    log_level: str = "info"
    failpoint: str | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """Read them; `BadSettings` lists every fault."""
        read = Reader(environment)
        flush_s = read.number("GARONNE_ARCHIVE_FLUSH_S", 0)
        settings = cls(
            redis=read.redis(),
            s3=read.s3(),
            handlers=handlers_folder(read),
            partitions=int(
                read.number("GARONNE_PARTITIONS", keys.EMBEDDED_PARTITIONS, least=1)
            ),
            flush_s=flush_s or None,
            budget=int(read.number("GARONNE_STREAM_BUDGET", 100_000)),
            lease_s=read.number("GARONNE_BATCHER_LEASE_S", 5.0, least=0.3),
            timeout_s=read.number("GARONNE_BATCHER_TIMEOUT_S", 60.0, least=0.1),
            metrics=read.metrics(),
            log_level=read.log_level(),
            failpoint=read.failpoint(),
        )
        read.check()
        return settings
