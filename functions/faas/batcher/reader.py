"""
One batch function on one partition: intent, exact range, call, cursor.

`{pNN}:cursor:<function>` holds `position`, the last entry done, and while a range is
worked on `first`, `last` and `count`. Whoever finds an intent repeats it exactly.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from redis import Redis

from city import keys
from city.failpoint import Failpoint
from city.lease import Changes, Lease
from faas import scripts
from faas.batcher.ranges import Intent, Sized, next_intent
from faas.batches import Batch, Stored
from faas.manifest import Batched

BEGINNING: Final = "0-0"
READ_AHEAD: Final = 1000

Call = Callable[[Batch, str], None]
"""Run the function on a batch; the text is the position before it."""

_log = logging.getLogger(__name__)

__all__ = ["BEGINNING", "Reader"]


class Reader:
    """Works at one function's ranges of one partition, for the holder of its lease."""

    def __init__(
        self,
        *,
        redis: Redis,
        lease: Lease,
        partition: int,
        works_for: Batched,
        call: Call,
        flush_s: float | None = None,
        failpoint: Failpoint | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._redis: Any = redis  # its answers have no types
        self._lease = lease
        self._partition = partition
        self.works_for = works_for
        self._function, trigger = works_for.name, works_for.trigger
        self._trigger = (
            trigger if flush_s is None else replace(trigger, max_age_s=flush_s)
        )
        self._call = call
        self._failpoint = failpoint or Failpoint()
        self._clock = clock
        self._cursor = keys.cursor(partition, works_for.name)
        self._stream = keys.events(partition)
        self._waiting: list[Sized] = []
        self._ahead: list[Stored] = []
        self.position: str | None = None
        self._intent: Intent | None = None

    def forget(self) -> None:
        """Drop what is in memory: Redis knows better."""
        self._waiting.clear()
        self._ahead.clear()
        self.position = self._intent = None

    def turn(self) -> bool:
        """Do one range if one is due; tell whether one was done."""
        if self.position is None:
            self._recall()
        if self._intent is None:
            self._look_ahead()
            self._intend(next_intent(self._waiting, self._trigger, self._clock()))
        if self._intent is None:
            return False
        self._work(self._intent)
        return True

    def _recall(self) -> None:
        found = {
            k.decode(): v.decode() for k, v in self._redis.hgetall(self._cursor).items()
        }
        self.position = found.get("position", BEGINNING)
        self._waiting.clear()
        self._ahead.clear()
        if "first" in found:
            self._intent = Intent(
                first=found["first"], last=found["last"], count=int(found["count"])
            )

    def _look_ahead(self) -> None:
        """Read what waits, each entry once, and no more than a range may hold."""
        start = self._waiting[-1].entry if self._waiting else self.position
        held = sum(entry.bytes for entry in self._waiting)
        room = self._trigger.max_events - len(self._waiting)
        while room > 0 and held <= self._trigger.max_bytes:
            found = self._range(f"({start}", "+", min(room, READ_AHEAD))
            sizes = [Sized(e.entry, len(e.topic) + len(e.payload)) for e in found]
            self._ahead += found
            self._waiting += sizes
            held += sum(entry.bytes for entry in sizes)
            if len(found) < min(room, READ_AHEAD):
                return
            room -= len(found)
            start = found[-1].entry

    def _range(self, first: str, last: str, count: int) -> list[Stored]:
        command = ["XRANGE", self._stream, first, last, "COUNT", count]
        (found,) = scripts.send(self._redis, [command])
        return [_stored(entry, fields) for entry, fields in found]

    def _intend(self, intent: Intent | None) -> None:
        if intent is None:
            return
        changes = Changes()
        told = ("first", intent.first, "last", intent.last, "count", intent.count)
        changes.add("HSET", self._cursor, "position", self.position or BEGINNING, *told)
        if self._lease.commit(changes):
            self._intent = intent
        else:
            self.forget()

    def _work(self, intent: Intent) -> None:
        batch = self._read(intent)
        if batch.events:
            self._call(batch, self.position or BEGINNING)
        self._failpoint.reach("after_put_before_cursor")
        self._advance(intent)

    def _read(self, intent: Intent) -> Batch:
        found = self._ahead[: intent.count]
        if not found or (found[0].entry, found[-1].entry) != (
            intent.first,
            intent.last,
        ):
            # Somebody's intent: nothing that waits was read here before.
            found = self._range(intent.first, intent.last, intent.count + 1)
        if len(found) != intent.count:
            # Nothing of ours takes entries out above the cursor: somebody else did.
            _log.error(
                "batcher.range.short function=%s partition=%d first=%s last=%s "
                "wanted=%d found=%d",
                self._function,
                self._partition,
                intent.first,
                intent.last,
                intent.count,
                len(found),
            )
        return Batch(partition=self._partition, events=tuple(found))

    def _advance(self, intent: Intent) -> None:
        changes = Changes()
        changes.add("HSET", self._cursor, "position", intent.last)
        changes.add("HDEL", self._cursor, "first", "last", "count")
        if not self._lease.commit(changes):
            self.forget()
            return
        self.position, self._intent = intent.last, None
        self._waiting = self._waiting[intent.count :]
        self._ahead = self._ahead[intent.count :]


def _stored(entry: bytes, fields: list[bytes]) -> Stored:
    found = dict(zip(fields[::2], fields[1::2], strict=True))
    return Stored(
        entry=entry.decode(),
        topic=found.get(b"topic", b"").decode(errors="backslashreplace"),
        payload=found.get(b"payload", b""),
    )
