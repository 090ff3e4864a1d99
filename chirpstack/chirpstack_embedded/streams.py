"""The last events and frames of every device and gateway (contract §5.5)."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

HISTORY = 10
MOST_LINES = 20_000
"""Of all views together: what a city of a thousand devices fills."""
POLL_S = 1.0

Key = tuple[str, str]


class Line(Protocol):
    """What happened; everything but its place is rendered when somebody looks."""

    @property
    def views(self) -> tuple[Key, ...]:
        """The views it shows in: ``(kind, identifier)``."""

    @property
    def time_ns(self) -> int:
        """When, in Unix ns."""

    @property
    def description(self) -> str:
        """What it is, in a word."""

    @property
    def properties(self) -> Mapping[str, str]:
        """What a list of lines shows of it."""

    def body(self) -> str:
        """All of it, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamItem:
    """One line of a log view."""

    id: str
    time_ns: int
    description: str
    body: Callable[[], str]
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A line that is known from the beginning."""

    views: tuple[Key, ...]
    time_ns: int
    description: str
    text: str
    properties: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> str:
        """Return the text."""
        return self.text


class Streams:
    """
    Keeps ten lines per view and lets readers follow.

    All views together keep ``MOST_LINES``; of more, those that came first are
    forgotten, so that many devices cost no more memory than a thousand.
    """

    def __init__(self, most_lines: int = MOST_LINES) -> None:
        self._changed = threading.Condition()
        self._most_lines = most_lines
        self._views: dict[Key, list[tuple[int, Line]]] = {}
        self._all: deque[tuple[int, Line]] = deque()
        self._numbers = count(1)

    def add(
        self,
        kind: str,
        identifier: str,
        *,
        time_ns: int,
        description: str,
        body: str,
        properties: Mapping[str, str] | None = None,
    ) -> None:
        """Append a line and wake the readers."""
        note = Note(
            views=((kind, identifier),),
            time_ns=time_ns,
            description=description,
            text=body,
            properties=properties or {},
        )
        self.add_all((note,))

    def add_all(self, lines: Iterable[Line]) -> None:
        """Append many lines under one lock and wake the readers once."""
        with self._changed:
            for line in lines:
                entry = (next(self._numbers), line)
                self._all.append(entry)
                for view in line.views:
                    items = self._views.setdefault(view, [])
                    items.append(entry)
                    del items[:-HISTORY]
            while len(self._all) > self._most_lines:
                self._forget(self._all.popleft())
            self._changed.notify_all()

    def _forget(self, entry: tuple[int, Line]) -> None:
        """Take the oldest line out of the views that still begin with it."""
        for view in entry[1].views:
            items = self._views.get(view)
            if items and items[0] is entry:
                del items[0]
                if not items:
                    del self._views[view]

    def follow(
        self, kind: str, identifier: str, active: Callable[[], bool]
    ) -> Iterator[StreamItem]:
        """Yield the history, then what comes, while ``active()``."""
        last = 0
        while active():
            for number, line in self._after((kind, identifier), last):
                last = number
                yield _item(number, line)

    def _after(self, view: Key, last: int) -> list[tuple[int, Line]]:
        with self._changed:
            fresh = self._fresh(view, last)
            if not fresh:
                self._changed.wait(POLL_S)
                fresh = self._fresh(view, last)
            return fresh

    def _fresh(self, view: Key, last: int) -> list[tuple[int, Line]]:
        return [entry for entry in self._views.get(view, ()) if entry[0] > last]


def _item(number: int, line: Line) -> StreamItem:
    return StreamItem(
        id=f"{line.time_ns // 1_000_000}-{number}",
        time_ns=line.time_ns,
        description=line.description,
        body=line.body,
        properties=line.properties,
    )
