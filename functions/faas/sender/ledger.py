"""What the sender keeps in Redis: each device's line, each command's public hash."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson
from redis import Redis

from city import keys
from city.command import ENDS, Entry, State
from city.command_life import Life
from city.lease import Argument, Changes

KEPT_S: Final = 30 * 86_400
"""How long an ended command is remembered."""

_ASKED: Final = ("device_type", "application_id")

__all__ = ["Ledger"]


class Ledger:
    """One partition's commands in Redis."""

    def __init__(self, redis: Redis, partition: int) -> None:
        self._redis: Any = redis  # its answers have no types
        self._partition = partition

    def unfinished(self) -> dict[str, bytes]:
        """Return the stored line of every device that has one."""
        names = self._redis.zrange(keys.timers(self._partition), 0, -1)
        euis = [name.decode() for name in names]
        lines = [self._redis.get(keys.line(self._partition, eui)) for eui in euis]
        return {e: v for e, v in zip(euis, lines, strict=True) if v is not None}

    def known(self, command_id: str) -> bool:
        """Tell whether a command was taken before."""
        return bool(self._redis.exists(keys.command(self._partition, command_id)))

    def twin(self, dev_eui: str) -> Mapping[str, str]:
        """Return what the twin says about who a device is."""
        found = self._redis.hget(keys.twin(self._partition, dev_eui), "device")
        device = orjson.loads(found) if found else {}
        return {name: device[name] for name in _ASKED if device.get(name)}

    def write(
        self, changes: Changes, lives: Iterable[Life]
    ) -> list[tuple[State | None, Entry]]:
        """Put the lines of devices and what changed in them into one commit."""
        written = []
        for life in lives:
            self._line(changes, life)
            for before, entry in life.changes():
                self._command(changes, before, entry)
                written.append((before, entry))
        return written

    def _line(self, changes: Changes, life: Life) -> None:
        name = keys.line(self._partition, life.dev_eui)
        timers = keys.timers(self._partition)
        if life.idle:
            changes.add("DEL", name)
            changes.add("ZREM", timers, life.dev_eui)
        else:
            changes.add("SET", name, bytes(life))
            changes.add("ZADD", timers, life.next_deadline() or 0, life.dev_eui)

    def _command(self, changes: Changes, before: State | None, entry: Entry) -> None:
        command = entry.command
        name = keys.command(self._partition, command.id)
        fields: list[Argument] = [x for pair in entry.fields().items() for x in pair]
        changes.add("HSET", name, *fields)
        tally = keys.tally(self._partition)
        if before is None:
            listed = keys.commands(self._partition, command.dev_eui)
            changes.add("ZADD", listed, command.requested_at, command.id)
            changes.add("ZREMRANGEBYSCORE", listed, 0, command.requested_at - KEPT_S)
            changes.add("HINCRBY", tally, "requested", 1)
        if entry.state in ENDS:
            changes.add("HINCRBY", tally, entry.state, 1)
            changes.add("EXPIRE", name, KEPT_S)
