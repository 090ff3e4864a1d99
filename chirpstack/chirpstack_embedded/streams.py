"""The last events and frames of every device and gateway (contract §5.5)."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count

HISTORY = 10
POLL_S = 1.0

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamItem:
    """One line of a log view."""

    id: str
    time_ns: int
    description: str
    body: Callable[[], str]
    """Rendered when somebody looks."""
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What happened, and the views it shows in: ``(kind, identifier)``."""

    views: tuple[Key, ...]
    time_ns: int
    description: str
    body: Callable[[], str]
    properties: Mapping[str, str] = field(default_factory=dict)

    def item(self, number: int) -> StreamItem:
        """Return the line a reader gets."""
        return StreamItem(
            id=f"{self.time_ns // 1_000_000}-{number}",
            time_ns=self.time_ns,
            description=self.description,
            body=self.body,
            properties=self.properties,
        )


class Streams:
    """Keeps ten items per key and lets readers follow."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._items: dict[Key, deque[tuple[int, Note]]] = {}
        self._numbers = count(1)

    def add(
        self,
        kind: str,
        identifier: str,
        *,
        time_ns: int,
        description: str,
        body: str | Callable[[], str],
        properties: Mapping[str, str] | None = None,
    ) -> None:
        """Append an item and wake the readers; a body may be rendered later."""
        note = Note(
            views=((kind, identifier),),
            time_ns=time_ns,
            description=description,
            body=body if callable(body) else partial(str, body),
            properties=properties or {},
        )
        self.add_all((note,))

    def add_all(self, notes: Iterable[Note]) -> None:
        """Append many items under one lock and wake the readers once."""
        with self._changed:
            for note in notes:
                entry = (next(self._numbers), note)
                for view in note.views:
                    items = self._items.get(view)
                    if items is None:
                        items = self._items[view] = deque(maxlen=HISTORY)
                    items.append(entry)
            self._changed.notify_all()

    def follow(
        self, kind: str, identifier: str, active: Callable[[], bool]
    ) -> Iterator[StreamItem]:
        """Yield the history, then what comes, while ``active()``."""
        last = 0
        while active():
            for number, item in self._after(kind, identifier, last):
                last = number
                yield item

    def _after(
        self, kind: str, identifier: str, last: int
    ) -> list[tuple[int, StreamItem]]:
        with self._changed:
            fresh = self._fresh(kind, identifier, last)
            if not fresh:
                self._changed.wait(POLL_S)
                fresh = self._fresh(kind, identifier, last)
            return fresh

    def _fresh(
        self, kind: str, identifier: str, last: int
    ) -> list[tuple[int, StreamItem]]:
        items = self._items.get((kind, identifier), ())
        return [(number, note.item(number)) for number, note in items if number > last]
