"""
One scheduled function: its ticks, and their effects.

A tick is an entry of `{sched:F}` whose id is its instant. Redis refuses an id that
is not newer, so copies that plan the same tick race harmlessly. What a tick wants
goes to many partitions, so it cannot be one commit: each wish is written under a
name of its own, once, and the tick is acknowledged last. A repeat writes nothing new.
"""

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from redis import Redis
from redis.exceptions import ResponseError

from city import keys
from city.lease import Lease
from faas import scripts
from faas.cloudevents import tick_envelope
from faas.events import Tick, tick
from faas.ingest.store import SEEN_KEPT
from faas.manifest import Planned
from faas.scripts import ONCE
from faas.streams import ticks
from faas.worker.commit import (
    COMMAND_IDS,
    Answer,
    Commit,
    command_document,
    group_document,
)
from faas.worker.executor import Executors, HandlerLost
from faas.worker.meters import Meters

CONSUMER: Final = "worker"
TICKS_KEPT: Final = 1_000

_log = logging.getLogger(__name__)

__all__ = ["Schedule"]


@dataclass(slots=True, kw_only=True)
class Schedule:
    """Plans and runs the ticks of one function, for the holder of its lease."""

    redis: Redis
    function: Planned
    executors: Executors
    meters: Meters
    partitions: int
    timeout_s: float
    lease: Lease
    now: Callable[[], float]
    _planned_ms: int = 0
    _opened: bool = False
    _attempts: dict[str, int] = field(default_factory=dict)
    _due_s: float = 0.0

    @property
    def stream(self) -> str:
        """The stream of its ticks."""
        return ticks(self.function.name)

    @property
    def group(self) -> str:
        """The pool's consumer group."""
        return keys.pool_group(self.function.pool)

    def turn(self) -> bool:
        """Plan the tick that is due and run one that waits; tell whether one ran."""
        if not self.lease.hold():
            return False
        self._plan()
        instant = self._next() if self.now() >= self._due_s else None
        if instant is None:
            return False
        self._run(instant)
        return True

    def _plan(self) -> None:
        every_ms = int(self.function.every_s * 1000)
        instant_ms = int(self.now() * 1000) // every_ms * every_ms
        if instant_ms == self._planned_ms:
            return
        add = ["XADD", self.stream, "MAXLEN", "~", TICKS_KEPT, f"{instant_ms}-0"]
        with suppress(ResponseError):  # a copy was faster
            scripts.send(self.redis, [[*add, "function", self.function.name]])
        self._planned_ms = instant_ms
        if not self._opened:
            # A function that is new waits for its next instant.
            create = ["XGROUP", "CREATE", self.stream, self.group, "$"]
            with suppress(ResponseError):  # BUSYGROUP: it is not new
                scripts.send(self.redis, [create])
            self._opened = True

    def _next(self) -> str | None:
        """Return the tick that was begun, else the oldest that was not."""
        read = ["XREADGROUP", "GROUP", self.group, CONSUMER, "COUNT", 1]
        for start in ("0", ">"):
            ask = [*read, "STREAMS", self.stream, start]
            (answer,) = scripts.send(self.redis, [ask])
            if answer:
                # RESP3 answers a map, RESP2 pairs.
                pairs = answer.items() if isinstance(answer, dict) else answer
                ((_, entries),) = pairs
                if entries:
                    return str(entries[0][0].decode())
        return None

    def _run(self, entry: str) -> None:
        event = tick(self.function.name, int(entry.partition("-")[0]))
        answer = self._call(event)
        self.meters.functions.count([answer])
        if answer["outcome"] == "done":
            self._write(event, answer["effects"])
        elif not self._give_up(event, entry, answer):
            return
        self._attempts.pop(entry, None)
        commit = Commit(
            partition=0,
            stream=self.stream,
            group=self.group,
            lease=self.lease.key,
            token=self.lease.token,
        )
        commit.begin(entry)
        scripts.send(self.redis, [commit.command()])

    def _call(self, event: Tick) -> Answer:
        name = self.function.name
        batch = b"[" + tick_envelope(name, round(event.time.timestamp() * 1000)) + b"]"
        try:
            with self.executors.borrow() as executor:
                ((answer,),) = (
                    each["answers"]
                    for each in executor.run(batch, [name], timeout_s=self.timeout_s)
                )
        except HandlerLost as lost:
            return {"function": name, "outcome": "retry", "reason": str(lost)}
        found: Answer = answer
        return found

    def _write(self, event: Tick, wanted: Mapping[str, Any]) -> None:
        name = self.function.name
        commands: list[Sequence[Any]] = []
        for position, order in enumerate(wanted.get("commands", ())):
            document = command_document(
                name, event, position, order, event.time.timestamp()
            )
            number = keys.partition_of(order["dev_eui"], self.partitions)
            commands.append(
                _once(number, keys.outbox(number), document["id"], "command", document)
            )
        for position, order in enumerate(wanted.get("group_orders", ())):
            now_s = event.time.timestamp()
            document = group_document(name, event, position, order, now_s)
            key = document["id"]
            commands.append(_once(0, keys.outbox(0), key, "group", document))
        for position, notice in enumerate(wanted.get("notices", ())):
            told = notice | {"function": name, "event": event.id}
            key = str(uuid.uuid5(COMMAND_IDS, f"{event.id}/notice/{position}"))
            commands.append(_once(0, keys.notices(0), key, "notice", told))
        if commands:
            scripts.send(self.redis, commands)

    def _give_up(self, event: Tick, entry: str, answer: Answer) -> bool:
        """Count a failure; tell whether it was the last, then people are told."""
        attempts = self._attempts[entry] = self._attempts.get(entry, 0) + 1
        again = answer["outcome"] == "retry"
        pause_s = self.function.retry.pause_s(attempts) if again else None
        reason = answer.get("reason", "")
        _log.warning(
            "fn.run.fail function=%s event=%s attempt=%d reason=%r",
            self.function.name,
            event.id,
            attempts,
            reason,
        )
        if pause_s is not None:
            self._due_s = self.now() + pause_s
            return False
        self.meters.dead.labels(self.function.name).inc()
        text = f"{self.function.name} gave up its tick of {event.time}: {reason}"
        self._write(event, {"notices": [{"text": text, "level": "error"}]})
        return True


def _once(
    partition: int, stream: str, key: str, name: str, document: Mapping[str, Any]
) -> list[Any]:
    digest = uuid.UUID(key).bytes
    arguments: list[Any] = [SEEN_KEPT, digest, name, orjson.dumps(document)]
    return scripts.call(ONCE, [stream, keys.seen(partition)], arguments)
