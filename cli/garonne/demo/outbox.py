"""What became of the commands: read from Redis, beside the sender's own counts."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import redis

from garonne.demo.report import Commands

__all__ = ["Outbox"]

LAMP = "street-light"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One command's public hash."""

    dev_eui: str
    device_type: str
    object: Mapping[str, Any]
    state: str
    requested_at: float
    updated_at: float


class Outbox:
    """The commands requested since this object was made (Unix seconds)."""

    def __init__(self, url: str, since: float) -> None:
        self._redis = redis.Redis.from_url(url, decode_responses=True, protocol=2)
        self._since = since
        self._until = float("inf")
        self._before = self._added()
        self._asked = 0
        self._last: tuple[Commands, Row | None] = (Commands(), None)

    def close(self) -> None:
        """Hang up."""
        self._redis.close()

    def close_books(self, now: float) -> None:
        """What is requested from now on belongs to nobody's count."""
        self._until = now

    def commands(self) -> tuple[Commands, Row | None]:
        """
        Return the counts, and the lamp command that was confirmed last.

        While Redis is away these are the counts of the last look: a demo in which
        Redis is killed has to go on.
        """
        with contextlib.suppress(redis.RedisError):
            self._last = self._look()
        return self._last

    def asked(self) -> int:
        """
        Return how many commands were put in, by the streams' own count.

        An order to a group becomes commands of its members: the sender counts what it
        took out that was no new command itself, in the commit that takes it out.
        """
        with contextlib.suppress(redis.RedisError):
            self._asked = self._added() - self._before
        return self._asked

    def _look(self) -> tuple[Commands, Row | None]:
        found = [*self._waiting(), *self._rows()]
        rows = [row for row in found if row.requested_at <= self._until]
        states = [row.state for row in rows]
        confirmed = [row for row in rows if row.state == "confirmed" and _is_lamp(row)]
        commands = Commands(
            by_state={state: states.count(state) for state in sorted(set(states))},
            switched=frozenset(row.dev_eui for row in confirmed),
            later=len(found) - len(rows),
        )
        return commands, max(confirmed, key=lambda row: row.updated_at, default=None)

    def _added(self) -> int:
        infos: list[Any] = [self._redis.xinfo_stream(key) for key in self._streams()]
        tallies = list(self._redis.scan_iter(match="{p*}:tally", count=1000))
        beside: list[Any] = [self._redis.hget(key, "beside") for key in tallies]
        return sum(int(info["entries-added"]) for info in infos) - sum(
            int(count or 0) for count in beside
        )

    def _waiting(self) -> Iterator[Row]:
        """Yield what the sender has not taken out of the outbox yet."""
        for key in self._streams():
            entries: Any = self._redis.xrange(key)
            for _, fields in entries:
                command = orjson.loads(fields.get("command", "{}"))
                if float(command.get("requested_at", 0)) >= self._since:
                    yield _row({**command, "state": "requested"})

    def _streams(self) -> list[str]:
        return list(self._redis.scan_iter(match="{p*}:outbox", count=1000))

    def _rows(self) -> Iterator[Row]:
        for key in self._redis.scan_iter(match="{p*}:command:*", count=1000):
            fields: Any = self._redis.hgetall(key)
            if float(fields.get("requested_at", 0)) >= self._since:
                wish = orjson.loads(fields.get("object") or "{}")
                yield _row({**fields, "object": wish})


def _row(fields: Mapping[str, Any]) -> Row:
    return Row(
        dev_eui=fields["dev_eui"],
        device_type=fields.get("device_type") or "",
        object=fields["object"],
        state=fields["state"],
        requested_at=float(fields["requested_at"]),
        updated_at=float(fields.get("updated_at", 0)),
    )


def _is_lamp(row: Row) -> bool:
    return "level" in row.object and row.device_type in {LAMP, ""}
