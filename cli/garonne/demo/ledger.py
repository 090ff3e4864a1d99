"""What the independent observer saw on the broker, each event once."""

import re
import threading
from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b

import orjson

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
        self._codes: Counter[str] = Counter()
        self._lock = threading.Lock()

    def note(self, topic: str, payload: bytes) -> None:
        """Write an event down, unless it is there already."""
        found = _EVENT.match(topic)
        if found:
            seen = Seen(found[1].lower(), found[2], digest(topic, payload))
            with self._lock:
                if seen.kind == "log" and seen not in self._seen:
                    self._codes[_code(payload)] += 1
                self._seen.add(seen)

    def snapshot(self) -> frozenset[Seen]:
        """Return all that was seen until now."""
        with self._lock:
            return frozenset(self._seen)

    def codes(self) -> Counter[str]:
        """Return how often each code was logged."""
        with self._lock:
            return Counter(self._codes)

    def count(self, kind: str) -> int:
        """Return how many events of this kind were seen."""
        with self._lock:
            return sum(seen.kind == kind for seen in self._seen)

    def devices(self, kind: str) -> set[str]:
        """Return the DevEUIs that had an event of this kind."""
        with self._lock:
            return {seen.dev_eui for seen in self._seen if seen.kind == kind}


def _code(payload: bytes) -> str:
    try:
        return str(orjson.loads(payload)["code"])
    except (ValueError, TypeError, KeyError):
        return "unreadable"
