"""Taking out of a stream what nobody needs any more."""

from collections.abc import Iterable
from typing import Any, Final

from redis import Redis

from city.archive import order

STEP: Final = 1000

__all__ = ["trim"]


def trim(
    redis: Redis,
    stream: str,
    position: str,
    budget: int,
    retries: Iterable[str] = (),
) -> int:
    """
    Take the oldest entries out, a step at a time; return how many went.

    What stays, whichever keeps more: everything above ``position`` (what is archived
    ends there), the newest ``budget`` entries, all that a consumer group has not
    acknowledged, and all that some function shall see again: ``retries`` are streams of
    references.
    """
    client: Any = redis  # its answers have no types
    over = client.xlen(stream) - budget
    if over <= 0:
        return 0
    oldest = client.xrange(stream, count=min(over, STEP))
    needed = [*_needed(client, stream), *_referred(client, retries)]
    bound = min([order(position), *needed])
    gone = [entry for entry, _ in oldest if order(entry.decode()) <= bound]
    if not gone:
        return 0
    milliseconds, sequence = order(gone[-1].decode())
    return int(
        client.execute_command(
            "XTRIM", stream, "MINID", "=", f"{milliseconds}-{sequence + 1}"
        )
    )


def _needed(client: Any, stream: str) -> list[tuple[int, int]]:
    """Return per consumer group the last entry it has done with, all before too."""
    ends = []
    for group in client.xinfo_groups(stream):
        pending = client.xpending(stream, group["name"])
        first = pending["min"]
        last = order(group["last-delivered-id"].decode())
        ends.append(_before(order(first.decode())) if first else last)
    return ends


def _referred(client: Any, retries: Iterable[str]) -> list[tuple[int, int]]:
    """Return per stream of references the last entry before all it refers to."""
    found = (client.xrange(name) for name in retries)
    ends = [
        min(order(fields[b"entry"].decode()) for _, fields in references)
        for references in found
        if references
    ]
    return [_before(end) for end in ends]


def _before(entry: tuple[int, int]) -> tuple[int, int]:
    milliseconds, sequence = entry
    return (milliseconds, sequence - 1) if sequence else (milliseconds - 1, 1 << 63)
