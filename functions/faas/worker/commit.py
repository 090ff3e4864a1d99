"""Turning events and their functions' answers into one commit. Pure."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import orjson

from city import keys
from city.group_order import group_name
from faas import scripts
from faas.functions import Retry
from faas.scripts import Argument
from faas.worker.entries import About

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
    """
    Collects the effects of events of one stream; `command` is what Redis is to run.

    `begin` opens the next event: what follows is applied with its acknowledgement,
    or not at all.
    """

    partition: int
    stream: str
    group: str
    lease: str
    token: str
    events: int = 0
    memory: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """What functions remember of devices once all of it is applied."""
    cleared: bool = False
    _names: dict[str, int] = field(default_factory=dict)
    _written: list[Argument] = field(default_factory=list)
    _count_at: int = 0
    _effects: int = 0
    _slots: list[Argument] = field(default_factory=list)
    _event: About | None = None

    def command(self) -> list[Argument]:
        """Return the one command that applies everything, event by event."""
        self._close()
        names = [self.stream, self.lease, *self._names]
        fixed: list[Argument] = [self.token, self.group]
        return scripts.call(scripts.COMMIT, names, [*fixed, *self._written])

    def begin(self, entry: str) -> None:
        """Open the next event."""
        self._close()
        self._written += (entry, 0)
        self._count_at = len(self._written) - 1
        self.events += 1

    def clear(self) -> None:
        """Forget what was written of the event that is open."""
        del self._written[self._count_at + 1 :]
        self._effects, self._slots, self._event = 0, [], None
        self.cleared = True

    def twin(self, event: About) -> None:
        """Write the built-in twin."""
        for slot, told in event.told:
            self._slot(event, slot, told)

    def effects(
        self, function: str, event: About, wanted: Mapping[str, Any], now_s: float
    ) -> None:
        """Apply what a function wants."""
        state = keys.state(self.partition, function)
        if "memory" in wanted:
            memory = orjson.dumps(wanted["memory"])
            self.memory[function, event.dev_eui] = memory
            self._put("SET", state, f"device:{event.dev_eui}", memory)
        if counts := wanted.get("counts"):
            pairs = [x for name, n in counts.items() for x in (f"count:{name}", n)]
            self._put("ADD", state, len(pairs), *pairs)
        for view, document in wanted.get("twin", {}).items():
            slot = f"view:{view}"
            self._slot(event, slot, [slot, orjson.dumps(document)])
        for notice in wanted.get("notices", ()):
            self.notice(notice | {"function": function, "event": event.id})
        outbox = keys.outbox(self.partition)
        for position, order in enumerate(wanted.get("commands", ())):
            document = command_document(function, event, position, order, now_s)
            self._do("XADD", outbox, "*", "command", orjson.dumps(document))
        for position, order in enumerate(wanted.get("group_orders", ())):
            group = group_document(function, event, position, order, now_s)
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

    def _slot(self, event: About, slot: str, told: Sequence[str | bytes]) -> None:
        """Write to the device's twin; an uplink only what nothing later has written."""
        if event.guard is None or not slot:
            self._do("HSET", keys.twin(self.partition, event.dev_eui), *told)
            return
        self._event = event
        self._slots += (f"order:{slot}", len(told), *told)

    def _close(self) -> None:
        """Finish the event that is open: its slots are one effect."""
        if self._event is not None and self._event.guard is not None:
            name = keys.twin(self.partition, self._event.dev_eui)
            arguments = [*self._event.guard, *self._slots]
            self._put("TWIN", name, len(arguments), *arguments)
            self._slots, self._event = [], None
        if self._effects:
            self._written[self._count_at] = self._effects
            self._effects = 0

    def _do(self, command: str, name: str, *arguments: Argument) -> None:
        self._put("DO", name, len(arguments) + 1, command, *arguments)

    def _put(self, kind: str, name: str, *arguments: Argument) -> None:
        self._written += (kind, self._index(name), *arguments)
        self._effects += 1

    def _index(self, name: str) -> int:
        if name == self.stream:
            return 1
        return self._names.setdefault(name, len(self._names) + 3)


def group_document(
    function: str, event: "Cause", position: int, order: Mapping[str, Any], now_s: float
) -> dict[str, Any]:
    """Return the outbox's JSON of an order to a group."""
    name = group_name(order["device_type"], order["by"], order["value"])
    occasion = order.get("once") or f"{event.id}/{position}"
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
        "application_id": event.application_id,
    }


class Cause(Protocol):
    """What a command needs to know of the event it was ordered for."""

    @property
    def id(self) -> str:
        """Its name for good."""

    @property
    def dev_eui(self) -> str:
        """The device it is about; empty: none."""

    @property
    def device_type(self) -> str:
        """The type of that device."""

    @property
    def application_id(self) -> str:
        """The application of that device."""


def command_document(
    function: str, event: Cause, position: int, order: Mapping[str, Any], now_s: float
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
