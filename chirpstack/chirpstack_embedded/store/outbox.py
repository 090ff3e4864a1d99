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

    def add(self, topic: str, payload: bytes) -> OutgoingEvent:
        """Write an event into the running transaction."""
        cursor = self._database.execute(
            "insert into event_outbox (topic, payload) values (?, ?)", (topic, payload)
        )
        return OutgoingEvent(id=cursor.lastrowid or 0, topic=topic, payload=payload)

    def waiting(self) -> list[OutgoingEvent]:
        """All events without PUBACK, oldest first."""
        return [
            OutgoingEvent(id=row["id"], topic=row["topic"], payload=row["payload"])
            for row in self._database.all("select * from event_outbox order by id")
        ]

    def remove(self, ids: Iterable[int]) -> None:
        """Forget events the broker has acknowledged."""
        self._database.executemany(
            "delete from event_outbox where id = ?", [(id_,) for id_ in ids]
        )
