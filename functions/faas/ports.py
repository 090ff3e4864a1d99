"""
What a handler may ask for, and how each port collects what the handler wants.

A port changes nothing by itself. It writes down effects; the runtime commits
them together with the event, or not at all. The JSON of effects is the same
inside a worker and over HTTP:

    {"commands": [{"dev_eui", "object", "why", "expires_s", "supersedes"}],
     "group_orders": [{"device_type", "by", "value", "object", "why", "once", …}],
     "memory": {...}, "counts": {"name": +1}, "twin": {"View": {...}},
     "notices": [{"text", "level", "dev_eui"}],
     "kept": true}

`kept` is of batch functions alone: the range they were given is to be archived.
Keys without content are left out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal, Protocol

from faas.batches import Batch

EXPIRES_S: Final = 300.0
"""How long an order is worth sending when its handler does not say."""

_LARGEST_AMOUNT: Final = 2**53
_DEV_EUI: Final = re.compile(r"[0-9a-f]{16}\Z")

Level = Literal["info", "warning", "error"]

__all__ = [
    "BATCH_PORTS",
    "PORTS",
    "Archive",
    "Clock",
    "Commands",
    "Effects",
    "Level",
    "Notices",
    "State",
    "Twin",
    "read_dev_eui",
    "read_where",
]


class Commands(Protocol):
    """Orders to devices."""

    def send(
        self,
        dev_eui: str,
        wanted: Mapping[str, Any],
        *,
        why: str,
        expires_s: float = EXPIRES_S,
        supersedes: bool = True,
    ) -> None:
        """
        Ask a device for what its codec's encodeDownlink understands.

        State a wanted level, never a toggle. `supersedes`: replaces what still
        waits for this device. After `expires_s` seconds it is no longer sent.
        """

    def send_group(
        self,
        device_type: str,
        wanted: Mapping[str, Any],
        *,
        where: Mapping[str, str],
        why: str,
        once: str = "",
        expires_s: float = EXPIRES_S,
        supersedes: bool = True,
    ) -> None:
        """
        Ask all devices of a type in a street or district, with one frame if that pays.

        `where` is one tag: `{"district": "Saint-Cyprien"}`. Each device's own report
        confirms its part; what no report confirms is repaired by a frame of its own.
        `once` names an occasion: of all orders of this function to the same group with
        the same name only the first counts.
        """


class Twin(Protocol):
    """What others may know about this event's device."""

    def show(self, view: str, document: Mapping[str, Any]) -> None:
        """Show the device in another vocabulary; an older event never overwrites."""


class State(Protocol):
    """What this function remembers."""

    def read(self) -> dict[str, Any]:
        """Return what it remembered about this event's device, at first `{}`."""

    def write(self, memory: Mapping[str, Any]) -> None:
        """Remember this about the event's device, in place of what was there."""

    def add(self, counter: str, amount: int = 1) -> None:
        """Add to one of this function's counters, city-wide."""


class Notices(Protocol):
    """Sentences for people."""

    def send(self, text: str, *, level: Level = "info") -> None:
        """Tell the city's operators."""


class Archive(Protocol):
    """The raw archive; offered to functions that take batches."""

    def keep(self, batch: Batch) -> None:
        """Keep a batch byte for byte; a repeat overwrites it with itself."""


class Clock(Protocol):
    """The instant at which the event came in: the same when it is run again."""

    def now(self) -> datetime:
        """Return that instant, in UTC."""


@dataclass(slots=True, kw_only=True)
class Effects:
    """What one run of one function wants; every port writes here."""

    dev_eui: str = ""
    memory: Mapping[str, Any] = field(default_factory=dict)
    now_s: float = 0.0
    wanted: dict[str, Any] = field(default_factory=dict)

    def list_of(self, name: str) -> list[Any]:
        """Return the list of effects under that name."""
        found: list[Any] = self.wanted.setdefault(name, [])
        return found

    def table_of(self, name: str) -> dict[str, Any]:
        """Return the table of effects under that name."""
        found: dict[str, Any] = self.wanted.setdefault(name, {})
        return found


@dataclass(frozen=True, slots=True)
class _Commands:
    effects: Effects

    def send(
        self,
        dev_eui: str,
        wanted: Mapping[str, Any],
        *,
        why: str,
        expires_s: float = EXPIRES_S,
        supersedes: bool = True,
    ) -> None:
        self.effects.list_of("commands").append(
            {
                "dev_eui": read_dev_eui(dev_eui),
                "object": dict(wanted),
                "why": why,
                "expires_s": expires_s,
                "supersedes": supersedes,
            }
        )

    def send_group(
        self,
        device_type: str,
        wanted: Mapping[str, Any],
        *,
        where: Mapping[str, str],
        why: str,
        once: str = "",
        expires_s: float = EXPIRES_S,
        supersedes: bool = True,
    ) -> None:
        by, value = read_where(where)
        self.effects.list_of("group_orders").append(
            {
                "device_type": device_type,
                "by": by,
                "value": value,
                "object": dict(wanted),
                "why": why,
                "once": once,
                "expires_s": expires_s,
                "supersedes": supersedes,
            }
        )


def read_where(where: Mapping[str, str]) -> tuple[str, str]:
    """Return the one tag of a group; `ValueError` when there is not exactly one."""
    if len(where) != 1:
        raise ValueError(f"asked for one tag that names a group; found {dict(where)}")
    ((by, value),) = where.items()
    return by, value


def read_dev_eui(dev_eui: str) -> str:
    """Return a DevEUI in small letters; `ValueError` when it is none."""
    found = dev_eui.lower()
    if not _DEV_EUI.match(found):
        raise ValueError(
            f"asked for a DevEUI of 16 hexadecimal digits; found {dev_eui!r}"
        )
    return found


@dataclass(frozen=True, slots=True)
class _Twin:
    effects: Effects

    def show(self, view: str, document: Mapping[str, Any]) -> None:
        self.effects.table_of("twin")[view] = dict(document)


@dataclass(frozen=True, slots=True)
class _State:
    effects: Effects

    def read(self) -> dict[str, Any]:
        found: Mapping[str, Any] = self.effects.wanted.get(
            "memory", self.effects.memory
        )
        return dict(found)

    def write(self, memory: Mapping[str, Any]) -> None:
        self.effects.wanted["memory"] = dict(memory)

    def add(self, counter: str, amount: int = 1) -> None:
        counts = self.effects.table_of("counts")
        counts[counter] = total = counts.get(counter, 0) + int(amount)
        if abs(total) > _LARGEST_AMOUNT:
            raise ValueError(f"asked to add {total} to {counter!r}, which is too much")


@dataclass(frozen=True, slots=True)
class _Notices:
    effects: Effects

    def send(self, text: str, *, level: Level = "info") -> None:
        notice = {"text": text, "level": level, "dev_eui": self.effects.dev_eui}
        self.effects.list_of("notices").append(notice)


@dataclass(frozen=True, slots=True)
class _Clock:
    effects: Effects

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.effects.now_s, UTC)


PORTS: Final[Mapping[str, Any]] = {
    "clock": _Clock,
    "commands": _Commands,
    "notices": _Notices,
    "state": _State,
    "twin": _Twin,
}
"""Port by parameter name: what makes it from the effects it shall fill."""


@dataclass(frozen=True, slots=True)
class _Archive:
    effects: Effects
    batch: Batch

    def keep(self, batch: Batch) -> None:
        if batch is not self.batch:
            raise ValueError("asked to keep another batch than the one it was given")
        self.effects.wanted["kept"] = True


BATCH_PORTS: Final[Mapping[str, Any]] = {"archive": _Archive}
"""The same for functions that take batches: what makes it from effects and batch."""
