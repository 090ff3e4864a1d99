"""What became of the commands: read from Redis, beside the sender's own counts."""

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
    updated_at: float


class Outbox:
    """The commands requested since this object was made."""

    def __init__(self, url: str, since: float) -> None:
        self._redis = redis.Redis.from_url(url, decode_responses=True, protocol=2)
        self._since = since
        self._before = self._added()

    def close(self) -> None:
        """Hang up."""
        self._redis.close()

    def commands(self) -> tuple[Commands, Row | None]:
        """Return the counts, and the lamp command that was confirmed last."""
        rows = list(self._rows())
        states = [row.state for row in rows] + ["requested"] * self._waiting()
        confirmed = [row for row in rows if row.state == "confirmed" and _is_lamp(row)]
        commands = Commands(
            by_state={state: states.count(state) for state in sorted(set(states))},
            switched=frozenset(row.dev_eui for row in confirmed),
        )
        return commands, max(confirmed, key=lambda row: row.updated_at, default=None)

    def asked(self) -> int:
        """Return how many commands were ever put in, by the streams' own count."""
        return self._added() - self._before

    def _added(self) -> int:
        infos: list[Any] = [self._redis.xinfo_stream(key) for key in self._streams()]
        return sum(int(info["entries-added"]) for info in infos)

    def _waiting(self) -> int:
        return sum(int(self._redis.xlen(key)) for key in self._streams())

    def _streams(self) -> list[str]:
        return list(self._redis.scan_iter(match="{p*}:outbox", count=1000))

    def _rows(self) -> Iterator[Row]:
        for key in self._redis.scan_iter(match="{p*}:command:*", count=1000):
            fields: Any = self._redis.hgetall(key)
            if float(fields.get("requested_at", 0)) >= self._since:
                yield Row(
                    dev_eui=fields["dev_eui"],
                    device_type=fields.get("device_type", ""),
                    object=orjson.loads(fields.get("object") or "{}"),
                    state=fields["state"],
                    updated_at=float(fields.get("updated_at", 0)),
                )


def _is_lamp(row: Row) -> bool:
    return "level" in row.object and row.device_type in {LAMP, ""}
