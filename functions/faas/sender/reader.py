"""
How one partition's streams are read: what is new, and first what was not answered.

After a take-over everything read and not answered comes again, entry by entry, then
what is new. Only at the head of the streams is it known what has been told.
"""

from collections.abc import Mapping
from typing import Any, Final

from redis import Redis
from redis.exceptions import ResponseError

from city import keys

BATCH: Final = 200
CONSUMER: Final = "sender"

Stream = list[tuple[bytes, Mapping[bytes, bytes] | None]]


class Reader:
    """The sender's place in the events and the outbox of one partition."""

    def __init__(self, redis: Redis, partition: int) -> None:
        self._redis = redis
        self._names = (keys.events(partition), keys.outbox(partition))
        # Per stream the last entry read of those that were read and not answered.
        self._recalled: dict[str, bytes] = {}
        self._recalling = True
        self.caught_up = False

    def forget(self) -> None:
        """Begin again with what was read and not answered."""
        self._recalled.clear()
        self._recalling, self.caught_up = True, False

    def make_groups(self) -> None:
        """Make the sender's group at both streams, where there is none."""
        for stream in self._names:
            try:
                self._redis.xgroup_create(stream, keys.SENDER_GROUP, "0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise

    def read(self, block_s: float) -> dict[str, Stream]:
        """Read a batch of each stream; wait for one only at the head."""
        wait_ms = max(1, int(1000 * block_s)) if self.caught_up else None
        answer: Any = self._redis.xreadgroup(
            keys.SENDER_GROUP,
            CONSUMER,
            {name: self._start(name) for name in self._names},
            count=BATCH,
            block=wait_ms,
        )
        return {name.decode(): entries for name, entries in answer or ()}

    def advance(self, found: Mapping[str, Stream]) -> bool:
        """Note what has been taken in; whether the head is reached just now."""
        if any(found.values()):
            self._recalled |= {
                name: read[-1][0] for name, read in found.items() if read
            }
        elif self._recalling:
            self._recalling = False
        elif not self.caught_up:
            self.caught_up = True
            return True
        return False

    def _start(self, name: str) -> bytes:
        return self._recalled.get(name, b"0") if self._recalling else b">"
