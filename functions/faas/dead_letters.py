"""Events that wait for another try, and events given up: to see and to send back."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from redis import Redis

from city import keys
from faas import scripts
from faas.streams import event_id

_PAGE: Final = 1_000

__all__ = ["Letter", "dead", "send_back", "waiting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """
    One event that a function failed on.

    `at_s` (Unix s) is when it was given up, or for one that waits when it is due.
    `event` is its name everywhere; `entry` its place in the partition's stream.
    """

    function: str
    partition: int
    id: str
    entry: str
    attempts: int
    reason: str
    at_s: float

    @property
    def event(self) -> str:
        """The event's name for good."""
        return event_id(self.partition, self.entry)


def dead(redis: Redis) -> list[Letter]:
    """Return every dead letter, by partition and function."""
    return list(_letters(redis, "dead", b"at", 1.0))


def waiting(redis: Redis) -> list[Letter]:
    """Return every event that some function will see again."""
    return list(_letters(redis, "retry", b"due_ms", 1e3))


def send_back(redis: Redis, letter: Letter) -> bool:
    """Give a function another full round of attempts; False: the letter is gone."""
    source = keys.dead(letter.partition, letter.function)
    target = keys.retry(letter.partition, letter.function)
    moved = scripts.run(
        redis,
        scripts.SEND_BACK,
        [source, target],
        [letter.id, letter.entry, letter.reason],
    )
    return bool(moved)


def _letters(redis: Redis, part: str, at: bytes, per_s: float) -> Iterator[Letter]:
    for partition in range(keys.read_partitions(redis)):
        prefix = f"{keys.tag(partition)}:{part}:"
        for name in sorted(redis.scan_iter(match=f"{prefix}*", count=_PAGE)):
            function = name.decode().removeprefix(prefix)
            for place, fields in _entries(redis, name):
                yield Letter(
                    function=function,
                    partition=partition,
                    id=place.decode(),
                    entry=fields[b"entry"].decode(),
                    attempts=int(fields[b"attempts"]),
                    reason=fields[b"reason"].decode("utf-8", "replace"),
                    at_s=float(fields[at]) / per_s,
                )


def _entries(redis: Redis, name: bytes) -> Iterator[tuple[bytes, dict[bytes, bytes]]]:
    start = b"-"
    while True:
        read = ["XRANGE", name, start, "+", "COUNT", _PAGE]
        (page,) = scripts.send(redis, [read])
        for place, fields in page:
            yield place, _pairs(fields)
        if len(page) < _PAGE:
            return
        start = b"(" + page[-1][0]


def _pairs(fields: Any) -> dict[bytes, bytes]:
    return dict(zip(fields[::2], fields[1::2], strict=True))
