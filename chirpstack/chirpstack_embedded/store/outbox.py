"""The transactional outbox: events that left with a commit and wait for a PUBACK."""

from collections.abc import Iterable
from dataclasses import dataclass

from chirpstack_embedded.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingEvent:
    """One publish: the row, where to, and the exact bytes."""

    id: int
    topic: str
    payload: bytes


class Outbox:
    """The table ``event_outbox``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, events: Iterable[tuple[str, bytes]]) -> list[OutgoingEvent]:
        """Write topics and payloads into the running transaction, in order."""
        first = self._last_id() + 1
        added = [
            OutgoingEvent(id=id_, topic=topic, payload=payload)
            for id_, (topic, payload) in enumerate(events, first)
        ]
        if added:
            self._database.executemany(
                "insert into event_outbox (id, topic, payload) values (?, ?, ?)",
                [(event.id, event.topic, event.payload) for event in added],
            )
        return added

    def waiting(self) -> list[OutgoingEvent]:
        """All events without PUBACK, oldest first."""
        return [
            OutgoingEvent(id=row["id"], topic=row["topic"], payload=row["payload"])
            for row in self._database.all("select * from event_outbox order by id")
        ]

    def _last_id(self) -> int:
        # AUTOINCREMENT: an id never comes again, also when the table is empty.
        row = self._database.one(
            "select seq from sqlite_sequence where name = 'event_outbox'"
        )
        return int(row["seq"]) if row else 0

    def remove(self, ids: Iterable[int]) -> None:
        """Forget events the broker has acknowledged."""
        self._database.executemany(
            "delete from event_outbox where id between ? and ?", _ranges(ids)
        )


def _ranges(ids: Iterable[int]) -> list[tuple[int, int]]:
    """Put neighbours together: the broker answers mostly in order."""
    ranges: list[tuple[int, int]] = []
    for id_ in sorted(ids):
        if ranges and id_ <= ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], id_)
        else:
            ranges.append((id_, id_))
    return ranges
