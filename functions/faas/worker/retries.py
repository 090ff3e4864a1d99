"""Events that functions shall see again: what waits, and what is due."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from redis import Redis

from city import keys
from faas import scripts
from faas.manifest import Known

_AT_ONCE: Final = 1_000
"""References looked at per function and round, the oldest first."""

__all__ = ["Waiting", "read_waiting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One reference to an event that a function failed on."""

    function: Known
    id: str
    entry: str
    attempts: int
    due_s: float
    reason: str


def read_waiting(
    redis: Redis, partition: int, functions: Iterable[Known], now_s: float
) -> list[Waiting]:
    """Return what is due now, per function in the order of its failures."""
    known = list(functions)
    if not known:
        return []
    commands = [
        ["XRANGE", keys.retry(partition, f.name), "-", "+", "COUNT", _AT_ONCE]
        for f in known
    ]
    answers = scripts.send(redis, commands)
    found = [
        _waiting(function, place, fields)
        for function, answer in zip(known, answers, strict=True)
        for place, fields in answer
    ]
    return [waiting for waiting in found if waiting.due_s <= now_s]


def _waiting(function: Known, place: bytes, fields: list[bytes]) -> Waiting:
    found = dict(zip(fields[::2], fields[1::2], strict=True))
    return Waiting(
        function=function,
        id=place.decode(),
        entry=found[b"entry"].decode(),
        attempts=int(found[b"attempts"]),
        due_s=int(found[b"due_ms"]) / 1e3,
        reason=found[b"reason"].decode("utf-8", "replace"),
    )
