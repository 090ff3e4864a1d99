"""An exact range of one partition's stream, for the functions that want everything."""

from collections.abc import Sequence
from dataclasses import dataclass

from faas.streams import device_of, event_id, kind_of

__all__ = ["Batch", "Stored"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One event as it was stored: the exact bytes, whatever they are."""

    entry: str
    topic: str
    payload: bytes

    @property
    def kind(self) -> str:
        """The kind of event its topic names, else `unknown`."""
        return kind_of(self.topic) or "unknown"

    @property
    def dev_eui(self) -> str:
        """The device its topic names, else an empty text."""
        return device_of(self.topic) or ""

    @property
    def stored_ms(self) -> int:
        """When it was stored (Unix ms)."""
        return int(self.entry.partition("-")[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """All events of one partition from the first to the last entry, in order."""

    partition: int
    events: Sequence[Stored]

    @property
    def first(self) -> str:
        """Entry of the first event."""
        return self.events[0].entry

    @property
    def last(self) -> str:
        """Entry of the last event."""
        return self.events[-1].entry

    @property
    def id(self) -> str:
        """The range's name for good."""
        return f"{event_id(self.partition, self.first)}..{self.last}"
