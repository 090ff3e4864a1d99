"""
One device's unfinished commands, as they are kept.

``Life`` decides; this remembers, and notes what changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

import orjson

from city.command import (
    Entry,
    Item,
    Rules,
    State,
    entry_document,
    item_document,
    read_entry,
    read_item,
)

CLASS_C_LOCK_S: Final = 5.0
"""ChirpStack's lock after each uplink and each class C frame of a device."""

Act = Literal["prepare", "publish", "look", "flush"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """
    What the adapter shall do about an item, once this life is stored.

    prepare: read the down counter. publish: to the broker. look: read the queue and
    the counter. flush: empty the device's queue.
    """

    act: Act
    item: Item


@dataclass(slots=True, kw_only=True)
class Radio:
    """
    What is known of the device's radio; it only makes the sentences true.

    ``heard``: since its join (None: unknown). ``busy_from``: our clock at its last
    uplink or class C frame.
    """

    class_c: bool = False
    heard: bool | None = None
    busy_from: float | None = None
    refusal: str = ""

    def free_at(self) -> float:
        """Return when ChirpStack may send to a class C device again (our clock)."""
        return -1.0 if self.busy_from is None else self.busy_from + CLASS_C_LOCK_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A report as the server received it."""

    time: float
    document: Mapping[str, Any]


class Line:
    """
    The unfinished commands of one device.

    ``open`` is being brought to the device: ``item`` is its, in ChirpStack or on the
    way. ``sent`` was transmitted and awaits its report; ``item`` may then be the status
    request. All others are ``waiting``.
    """

    def __init__(self, dev_eui: str, rules: Rules, radio: Radio | None = None) -> None:
        self.dev_eui = dev_eui
        self.rules = rules
        self.radio = radio or Radio()
        self.waiting: list[Entry] = []
        self.open: Entry | None = None
        self.sent: Entry | None = None
        self.item: Item | None = None
        self._report: Seen | None = None
        self._echo: Seen | None = None
        self._effects: list[Effect] = []
        self._changed: dict[str, tuple[State | None, Entry]] = {}

    def effects(self) -> list[Effect]:
        """Return what to do, drained."""
        drained, self._effects = self._effects, []
        return drained

    def changes(self) -> list[tuple[State | None, Entry]]:
        """Return the commands that changed with their state before, drained."""
        drained, self._changed = list(self._changed.values()), {}
        return drained

    @property
    def idle(self) -> bool:
        """Whether nothing is unfinished."""
        return not (self.waiting or self.open or self.sent or self.item)

    def entries(self) -> list[Entry]:
        """Return what is unfinished, oldest first."""
        return [e for e in (self.sent, self.open) if e is not None] + self.waiting

    def __bytes__(self) -> bytes:
        """Return everything as JSON."""
        return orjson.dumps(
            {
                "waiting": [entry_document(e) for e in self.waiting],
                "open": entry_document(self.open) if self.open else None,
                "sent": entry_document(self.sent) if self.sent else None,
                "item": item_document(self.item) if self.item else None,
                "report": self._report,
                "echo": self._echo,
                "radio": self.radio,
            }
        )

    @classmethod
    def parse(cls, data: bytes, dev_eui: str, rules: Rules) -> Self:
        """Read back what ``bytes()`` wrote."""
        found = orjson.loads(data)
        line = cls(dev_eui, rules, Radio(**found["radio"]))
        line.waiting = [read_entry(e) for e in found["waiting"]]
        line.open = read_entry(found["open"]) if found["open"] else None
        line.sent = read_entry(found["sent"]) if found["sent"] else None
        line.item = read_item(found["item"]) if found["item"] else None
        line._report = Seen(**found["report"]) if found["report"] else None
        line._echo = Seen(**found["echo"]) if found["echo"] else None
        return line

    def _move(self, entry: Entry, state: State, now: float) -> None:
        if entry.at.get(state) is None:
            self._note(entry, entry.state)
            entry.state = state
            entry.at[state] = now

    def _end(self, entry: Entry, state: State, reason: str, now: float) -> None:
        self._move(entry, state, now)
        entry.reason, entry.why_not_yet = reason, ""
        self._forget(entry)

    def _forget(self, entry: Entry) -> None:
        self.waiting = [e for e in self.waiting if e is not entry]
        if self.open is entry:
            self.open = None
        if self.sent is entry:
            self.sent = None
            self._orphan(self.item)

    def _orphan(self, item: Item | None) -> None:
        """Nobody waits for the status request any more; it may still be queued."""
        if item is not None and item.asks:
            item.orphan = True
            self.item = None if item.phase == "preparing" else item

    def _note(self, entry: Entry, before: State | None) -> None:
        self._changed.setdefault(entry.command.id, (before, entry))
