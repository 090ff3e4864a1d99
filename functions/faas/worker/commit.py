"""Turning one event and its functions' answers into one commit. Pure."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from city import keys
from city.group_order import group_name
from faas import scripts
from faas.events import Event
from faas.functions import Retry
from faas.scripts import Argument
from faas.twin import Fields, guard_of, sections

COMMAND_IDS: Final = uuid.UUID("6e5c8a0e-7f0b-5d0c-9b1e-2f6d3a4c8b17")
"""Namespace of command ids: UUIDv5 of function, event and position."""

NOTICES_KEPT: Final = 10_000
DEAD_KEPT: Final = 10_000

Answer = Mapping[str, Any]

__all__ = [
    "COMMAND_IDS",
    "Answer",
    "Commit",
    "command_document",
    "command_id",
    "group_document",
]


def command_id(function: str, event_id: str, position: int) -> str:
    """Name a command for good: a repeated run of the function names it the same."""
    return str(uuid.uuid5(COMMAND_IDS, f"{function}/{event_id}/{position}"))


@dataclass(slots=True, kw_only=True)
class Commit:
    """Collects the effects of one event; `command` is what Redis is to run."""

    partition: int
    stream: str
    entry: str
    group: str
    lease: str
    token: str
    _names: dict[str, int] = field(default_factory=dict)
    _effects: list[Argument] = field(default_factory=list)
    _slots: list[Argument] = field(default_factory=list)
    _guard: tuple[str, ...] = ()
    _dev_eui: str = ""

    def command(self) -> list[Argument]:
        """Return the one command that applies everything, or nothing."""
        self._write_slots()
        names = [self.stream, self.lease, *self._names]
        fixed: list[Argument] = [self.token, self.group, self.entry]
        return scripts.call(scripts.COMMIT, names, [*fixed, *self._effects])

    def twin(self, event: Event) -> None:
        """Write the built-in twin."""
        for slot, fields in sections(event):
            self._write(event, slot, fields)

    def effects(
        self, function: str, event: Event, wanted: Mapping[str, Any], now_s: float
    ) -> None:
        """Apply what a function wants."""
        state = keys.state(self.partition, function)
        if "memory" in wanted:
            memory = orjson.dumps(wanted["memory"])
            self._do("HSET", state, f"device:{event.dev_eui}", memory)
        for counter, amount in wanted.get("counts", {}).items():
            self._do("HINCRBY", state, f"count:{counter}", amount)
        for view, document in wanted.get("twin", {}).items():
            slot = f"view:{view}"
            self._write(event, slot, [slot, orjson.dumps(document)])
        for notice in wanted.get("notices", ()):
            self.notice(notice | {"function": function, "event": event.id})
        outbox = keys.outbox(self.partition)
        for position, order in enumerate(wanted.get("commands", ())):
            document = command_document(function, event, position, order, now_s)
            self._do("XADD", outbox, "*", "command", orjson.dumps(document))
        for position, order in enumerate(wanted.get("group_orders", ())):
            group = group_document(function, event.id, position, order, now_s)
            self._do("XADD", outbox, "*", "group", orjson.dumps(group))

    def notice(self, notice: Mapping[str, Any]) -> None:
        """Tell people something."""
        name = keys.notices(self.partition)
        kept = ("MAXLEN", "~", NOTICES_KEPT)
        self._do("XADD", name, *kept, "*", "notice", orjson.dumps(notice))

    def again(
        self, function: str, entry: str, attempts: int, due_ms: int, reason: str
    ) -> None:
        """Leave a reference to an event that this function shall see again."""
        self._do(
            "XADD",
            keys.retry(self.partition, function),
            "*",
            *("entry", entry, "attempts", attempts, "due_ms", due_ms),
            *("reason", reason),
        )

    def dead(
        self, function: str, entry: str, attempts: int, now_s: float, reason: str
    ) -> None:
        """Leave a dead letter."""
        self._do(
            "XADD",
            keys.dead(self.partition, function),
            *("MAXLEN", "~", DEAD_KEPT, "*"),
            *("entry", entry, "attempts", attempts, "at", now_s, "reason", reason),
        )

    def failed(
        self,
        function: str,
        entry: str,
        attempts: int,
        *,
        answer: Answer,
        retry: Retry,
        now_s: float,
    ) -> str:
        """Retry or bury an event a function failed on; return which."""
        pause_s = retry.pause_s(attempts) if answer["outcome"] == "retry" else None
        reason = str(answer.get("reason", ""))
        if pause_s is None:
            self.dead(function, entry, attempts, now_s, reason)
            return "dead"
        due_ms = int((now_s + pause_s) * 1000)
        self.again(function, entry, attempts, due_ms, reason)
        return "retry"

    def _write(self, event: Event, slot: str | None, fields: Fields) -> None:
        """Write to the device's twin; in a slot only if nothing later has."""
        guard = guard_of(event)
        if slot is None or guard is None:
            self._do("HSET", keys.twin(self.partition, event.dev_eui), *fields)
            return
        self._guard, self._dev_eui = guard, event.dev_eui
        self._slots += (f"order:{slot}", len(fields), *fields)

    def _write_slots(self) -> None:
        if self._slots:
            name = keys.twin(self.partition, self._dev_eui)
            self._do("TWIN", name, *self._guard, *self._slots)
            self._slots = []

    def _do(self, command: str, name: str, *arguments: Argument) -> None:
        self._effects += (len(arguments), command, self._index(name), *arguments)

    def _index(self, name: str) -> int:
        if name == self.stream:
            return 1
        return self._names.setdefault(name, len(self._names) + 3)


def group_document(
    function: str, event_id: str, position: int, order: Mapping[str, Any], now_s: float
) -> dict[str, Any]:
    """Return the outbox's JSON of an order to a group."""
    name = group_name(order["device_type"], order["by"], order["value"])
    occasion = order.get("once") or f"{event_id}/{position}"
    return {
        "id": str(uuid.uuid5(COMMAND_IDS, f"{function}/{name}/{occasion}")),
        "device_type": order["device_type"],
        "by": order["by"],
        "value": order["value"],
        "object": order["object"],
        "why": order["why"],
        "requested_by": function,
        "requested_at": now_s,
        "expires_at": now_s + order["expires_s"],
        "supersedes": order.get("supersedes", True),
        "targets": [],
    }


def command_document(
    function: str, event: Event, position: int, order: Mapping[str, Any], now_s: float
) -> dict[str, Any]:
    """Return the outbox's JSON of an order."""
    own = order["dev_eui"] == event.dev_eui
    return {
        "id": command_id(function, event.id, position),
        "dev_eui": order["dev_eui"],
        # Of another device the event says nothing; the sender asks its twin.
        "device_type": event.device_type if own else "",
        "application_id": event.application_id,
        "object": order["object"],
        "why": order["why"],
        "requested_by": function,
        "requested_at": now_s,
        "expires_at": now_s + order["expires_s"],
        "supersedes": order.get("supersedes", True),
    }
