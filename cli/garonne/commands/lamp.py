"""`garonne lamp`: switch a lamp, or all of a street, and wait for their own word."""

import getpass
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from redis.exceptions import RedisError

from city.commands import NOT_TAKEN, Commands, GroupStatus, Status, Target, Where
from city.errors import BadCommand, CityError
from city.group_order import member_id
from city.redis import connect
from city.settings import Reader
from city.types import read_catalogue
from garonne.errors import Refused
from garonne.places import find_devices
from garonne.running import environment_of
from garonne.settings import Settings
from garonne.words import counted
from wire.declared import DeclaredDevice

__all__ = ["Story", "lamp", "switch", "wanted", "way_sentence", "where_of"]

LAMP = "street-light"
LOOK_EVERY_S = 0.1
FULL, OUT = 100, 0


def lamp(
    settings: Settings,
    *,
    lamp: str,
    level: int | None,
    minutes: int | None = None,
    timeout: float | None = None,
) -> int:
    """
    Ask for a level (%), tell each step, and return 0 once every lamp confirmed it.

    `lamp` is a name, a DevEUI, a street or a district. The lamps of a street are told
    by one frame to all where that takes less air than one to each; either way each
    confirms for itself, and who missed the frame is told alone.
    """
    return switch(settings, lamp, (LAMP, "lamps"), wanted(level, minutes), timeout)


def switch(
    settings: Settings,
    word: str,
    what: tuple[str, str],
    wish: Mapping[str, int],
    timeout_s: float | None,
) -> int:
    """
    Bring a wish to the devices that a word means; 0 once every one confirmed it.

    `what` is their type and what a person calls several of them.
    """
    environment = environment_of(settings)
    device_type, several = what
    devices = find_devices(environment, word, device_type)
    one = len(devices) == 1
    who = devices[0].name if one else f"{len(devices)} {several} of {word}"
    try:
        return _ask(environment, devices, word, wish, timeout_s)
    except BadCommand as error:
        raise Refused(f"{who} ({devices[0].device_type}): {error}") from None
    except CityError as error:
        raise Refused(str(error)) from None
    except RedisError as error:
        raise Refused(f"the city's Redis does not answer: {error}") from None


def wanted(level: int | None, minutes: int | None) -> dict[str, int]:
    """Return the wish as the lamp's codec understands it."""
    if level is None:
        raise Refused("say what the lamp shall do: --level 60, --on or --off")
    return {"level": level} | ({"minutes": minutes} if minutes is not None else {})


def _ask(
    environment: Mapping[str, str],
    devices: Sequence[DeclaredDevice],
    word: str,
    wish: Mapping[str, int],
    timeout_s: float | None,
) -> int:
    redis = connect(Reader(environment).redis())
    with redis:
        catalogue = read_catalogue(Path(environment["GARONNE_HOME"]))
        commands = Commands(redis, catalogue)
        if len(devices) > 1:
            where = where_of(devices, word)
            waits, way = _request_group(commands, where, devices, wish)
            return _watch(commands, waits, timeout_s, way)
        return _watch(commands, [_request(commands, devices[0], wish)], timeout_s)


def where_of(devices: Sequence[DeclaredDevice], word: str) -> Where:
    """Return the street or the district that a word names, of the devices it found."""
    first, wanted = devices[0], word.strip().casefold()
    of_street = all(one.street.casefold() == wanted for one in devices)
    return Where(
        device_type=first.device_type,
        by="street" if of_street else "district",
        value=first.street if of_street else _district(devices, wanted),
    )


def _district(devices: Sequence[DeclaredDevice], wanted: str) -> str:
    return next(one.district for one in devices if one.district.casefold() == wanted)


def _request_group(
    commands: Commands,
    where: Where,
    devices: Sequence[DeclaredDevice],
    wish: Mapping[str, int],
) -> "tuple[list[Wait], Way]":
    asked_at = time.time()
    order_id = commands.request_group(
        where,
        wish,
        targets=[str(one.dev_eui) for one in devices],
        why="garonne lamp",
        requested_by=getpass.getuser(),
    )
    waits = [
        Wait(
            dev_eui=str(one.dev_eui),
            command_id=member_id(order_id, str(one.dev_eui)),
            story=Story(one.name, wish, asked_at),
        )
        for one in devices
    ]
    return waits, Way(where=where, order_id=order_id)


def _request(
    commands: Commands, device: DeclaredDevice, wish: Mapping[str, int]
) -> "Wait":
    target = Target(dev_eui=str(device.dev_eui), device_type=device.device_type)
    story = Story(device.name, wish, time.time())
    command_id = commands.request(
        target, wish, why="garonne lamp", requested_by=getpass.getuser()
    )
    return Wait(dev_eui=target.dev_eui, command_id=command_id, story=story)


def _watch(
    commands: Commands,
    waits: "Sequence[Wait]",
    timeout_s: float | None,
    way: "Way | None" = None,
) -> int:
    deadline = time.monotonic() + (timeout_s or float("inf"))
    while pending := [wait for wait in waits if not wait.ended]:
        if way is not None:
            way.look(commands)
        for wait in pending:
            wait.look(commands, named=len(waits) > 1)
        if all(wait.ended for wait in pending):
            break
        if time.monotonic() >= deadline:
            raise Refused(_overdue(pending, timeout_s))
        time.sleep(LOOK_EVERY_S)
    failures = [wait.failure for wait in waits if wait.failure]
    if failures:
        raise Refused("; ".join(failures))
    return 0


def _overdue(pending: "Sequence[Wait]", timeout_s: float | None) -> str:
    left = "; ".join(
        f"{one.story.name} did not confirm within {timeout_s:g} s: {one.why_not_yet}"
        for one in pending
        if not one.ended
    )
    return f"{left}; the command goes on without you"


def way_sentence(status: GroupStatus) -> str:
    """Say which way an order went, and what air time that takes."""
    all_, air = counted(status.devices, "device"), f"{status.airtime_s:.3f} s of air"
    if not status.grouped:
        return f"one frame to each of {all_}: {air}"
    alone = status.devices - status.grouped
    beside = f", {alone} told alone as they have no keys yet" if alone else ""
    times = f"sent by {counted(status.gateways, 'gateway')}"
    return (
        f"one frame to {status.grouped} of {all_}, {times}{beside}: {air} instead of"
        f" {status.instead_s:.3f} s"
    )


@dataclass(slots=True, kw_only=True)
class Way:
    """Which way an order to a group goes; told once it is known."""

    where: Where
    order_id: str
    told: bool = False

    def look(self, commands: Commands) -> None:
        """Tell the way as soon as the sender has chosen it."""
        status = None if self.told else commands.group_status(self.where, self.order_id)
        if status is not None:
            self.told = True
            print(way_sentence(status), flush=True)


@dataclass(slots=True, kw_only=True)
class Wait:
    """One lamp that was asked, and what is known of its command."""

    dev_eui: str
    command_id: str
    story: "Story"
    status: Status | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to the command."""
        return self.status is not None and self.status.ended

    @property
    def why_not_yet(self) -> str:
        """What the command waits for."""
        return self.status.why_not_yet if self.status else NOT_TAKEN

    @property
    def failure(self) -> str:
        """How the command ended, if not well."""
        if self.status is None or self.status.state == "confirmed":
            return ""
        return f"{self.story.name}: {self.status.state}: {self.status.reason}"

    def look(self, commands: Commands, *, named: bool) -> None:
        """Look again and tell what is new, under the lamp's name where several are."""
        self.status = commands.status(self.dev_eui, self.command_id)
        for line in self.story.tell(self.status):
            print(f"{self.story.name:<10} {line}" if named else line, flush=True)


def _reached(wish: Mapping[str, int]) -> str:
    if "level" in wish:
        return f"at {wish['level']} %"
    return "on" if wish.get("on") else "off"


class Story:
    """Turns a command's changing status into lines, each said once."""

    def __init__(self, name: str, wish: Mapping[str, int], asked_at: float) -> None:
        self.name = name
        self._wish = wish
        self._asked_at = asked_at
        self._told: set[str] = set()
        self._reason = ""

    def tell(self, status: Status | None) -> list[str]:
        """Return the lines that are new since the last time."""
        if status is None:
            return self._why(NOT_TAKEN)
        lines = [self._step(state, at) for state, at in self._new(status)]
        if status.state == "confirmed":
            return [*lines, self._happy_end(status)]
        return lines + ([] if status.ended else self._why(status.why_not_yet))

    def _new(self, status: Status) -> list[tuple[str, float]]:
        steps = sorted(status.at.items(), key=lambda step: step[1])
        new = [step for step in steps if step[0] not in self._told]
        self._told |= {state for state, _ in new}
        return new

    def _step(self, state: str, at: float) -> str:
        return f"{state:<13} {at - self._asked_at:6.1f} s"

    def _why(self, reason: str) -> list[str]:
        if not reason or reason == self._reason:
            return []
        self._reason = reason
        return [f"  not yet: {reason}"]

    def _happy_end(self, status: Status) -> str:
        took_s = status.at.get("confirmed", self._asked_at) - self._asked_at
        return (
            f"{self.name} is {_reached(self._wish)}: "
            f"its own report says so, {took_s:.1f} s after you asked"
        )
