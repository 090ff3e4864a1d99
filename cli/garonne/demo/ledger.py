"""What the independent observer saw on the broker, each event once."""

import re
import threading
from dataclasses import dataclass
from hashlib import blake2b

__all__ = ["Ledger", "Seen", "digest"]

_EVENT = re.compile(r"application/[^/]+/device/([0-9a-fA-F]{16})/event/([^/]+)\Z")


@dataclass(frozen=True, slots=True)
class Seen:
    """One event: whose, of which kind, and the mark of its exact bytes."""

    dev_eui: str
    kind: str
    mark: bytes


def digest(topic: str, payload: bytes) -> bytes:
    """Return the mark of an event: MQTT repeats bytes, so bytes are the identity."""
    return blake2b(topic.encode() + b"\0" + payload, digest_size=16).digest()


class Ledger:
    """A set of events; `note` may be called from the MQTT client's thread."""

    def __init__(self) -> None:
        self._seen: set[Seen] = set()
        self._lock = threading.Lock()

    def note(self, topic: str, payload: bytes) -> None:
        """Write an event down, unless it is there already."""
        found = _EVENT.match(topic)
        if found:
            mark = digest(topic, payload)
            with self._lock:
                self._seen.add(Seen(found[1].lower(), found[2], mark))

    def snapshot(self) -> frozenset[Seen]:
        """Return all that was seen until now."""
        with self._lock:
            return frozenset(self._seen)

    def count(self, kind: str) -> int:
        """Return how many events of this kind were seen."""
        with self._lock:
            return sum(seen.kind == kind for seen in self._seen)

    def devices(self, kind: str) -> set[str]:
        """Return the DevEUIs that had an event of this kind."""
        with self._lock:
            return {seen.dev_eui for seen in self._seen if seen.kind == kind}
