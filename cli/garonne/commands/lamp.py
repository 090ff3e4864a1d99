"""`garonne lamp`: switch a lamp and wait for its own word that it did."""

import getpass
import math
import time
from collections.abc import Mapping
from pathlib import Path

from redis.exceptions import RedisError

from city.commands import NOT_TAKEN, Commands, Status, Target
from city.errors import BadCommand, CityError
from city.redis import connect
from city.settings import Reader
from city.types import read_catalogue
from garonne.errors import Refused
from garonne.places import find_device
from garonne.running import environment_of
from garonne.settings import Settings

__all__ = ["Story", "lamp", "wanted"]

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
    """Ask for a level (%), tell each step, and return 0 once the lamp confirmed it."""
    environment = environment_of(settings)
    device = find_device(environment, lamp)
    target = Target(dev_eui=str(device.dev_eui), device_type=device.device_type)
    try:
        return _ask(environment, device.name, target, wanted(level, minutes), timeout)
    except BadCommand as error:
        raise Refused(f"{device.name} ({device.device_type}): {error}") from None
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
    name: str,
    target: Target,
    wish: Mapping[str, int],
    timeout_s: float | None,
) -> int:
    redis = connect(Reader(environment).redis())
    with redis:
        catalogue = read_catalogue(Path(environment["GARONNE_HOME"]))
        commands = Commands(redis, catalogue)
        story = Story(name, wish, time.time())
        command_id = commands.request(
            target, wish, why="garonne lamp", requested_by=getpass.getuser()
        )
        return _watch(commands, target.dev_eui, command_id, story, timeout_s)


def _watch(
    commands: Commands,
    dev_eui: str,
    command_id: str,
    story: "Story",
    timeout_s: float | None,
) -> int:
    deadline = time.monotonic() + (math.inf if timeout_s is None else timeout_s)
    status: Status | None = None
    while status is None or not status.ended:
        status = commands.status(dev_eui, command_id)
        for line in story.tell(status):
            print(line, flush=True)
        if time.monotonic() >= deadline:
            reason = status.why_not_yet if status else NOT_TAKEN
            raise Refused(
                f"{story.name} did not confirm within {timeout_s:g} s: {reason}; "
                "the command goes on without you"
            )
        if status is None or not status.ended:
            time.sleep(LOOK_EVERY_S)
    if status.state != "confirmed":
        raise Refused(f"{story.name}: {status.state}: {status.reason}")
    return 0


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
            f"{self.name} is at {self._wish['level']} %: "
            f"its own report says so, {took_s:.1f} s after you asked"
        )
