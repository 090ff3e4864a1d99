"""What the worker is told by its environment."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from city import keys
from city.lease import LEASE_S
from city.settings import Address, Reader, Redis
from faas.functions import DEFAULT_POOL

__all__ = ["Settings", "handlers_folder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    One worker's settings.

    `handlers` is the folder of handler files (GARONNE_HANDLERS), `timeout_s` the
    longest a batch may run (GARONNE_WORKER_TIMEOUT_S), `executors` how many
    processes run handlers (GARONNE_WORKER_EXECUTORS), `batch` how many events one
    request carries at most (GARONNE_WORKER_BATCH).
    """

    redis: Redis
    handlers: Path
    pool: str = DEFAULT_POOL
    partitions: int = keys.EMBEDDED_PARTITIONS
    executors: int = 2
    batch: int = 200
    timeout_s: float = 10.0
    lease_s: float = LEASE_S
    metrics: Address | None = None
    log_level: str = "info"
    failpoint: str | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str], *, pool: str) -> "Settings":
        """Read them; `BadSettings` lists every fault."""
        reader = Reader(environment)
        settings = cls(
            redis=reader.redis(),
            handlers=handlers_folder(reader),
            pool=pool,
            partitions=int(
                reader.number("GARONNE_PARTITIONS", keys.EMBEDDED_PARTITIONS, least=1)
            ),
            executors=int(reader.number("GARONNE_WORKER_EXECUTORS", 2, least=1)),
            batch=int(reader.number("GARONNE_WORKER_BATCH", 200, least=1)),
            timeout_s=reader.number("GARONNE_WORKER_TIMEOUT_S", 10, least=0.05),
            lease_s=reader.number("GARONNE_WORKER_LEASE_S", LEASE_S, least=0.3),
            metrics=reader.metrics(),
            log_level=reader.log_level(),
            failpoint=reader.failpoint(),
        )
        reader.check()
        return settings


def handlers_folder(reader: Reader) -> Path:
    """Return the folder of handlers: as told, else the checkout's, else the wheel's."""
    told = reader.text("GARONNE_HANDLERS", " ").strip()
    if told:
        return Path(told)
    checkout = reader.home() / "functions" / "handlers"
    if checkout.is_dir():
        return checkout
    found = importlib.util.find_spec("handlers")
    places = list(found.submodule_search_locations or ()) if found else []
    return Path(places[0]) if places else checkout
