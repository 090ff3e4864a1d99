"""An operator at work: switches a lamp now and then, by the same door as everybody."""

import random
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from redis.exceptions import RedisError

from city.commands import Commands, Target
from city.redis import connect
from city.settings import Reader
from city.types import read_catalogue

__all__ = ["Operator", "plan"]

LEVELS = (20, 40, 60, 80, 100)
FIRST_AFTER_S = 2.0
EVERY_S = 6.0
LAST_BEFORE_END_S = 5.0
LAMP = "street-light"


def plan(lamps: list[str], run_s: float) -> list[tuple[float, str, int]]:
    """Return (second, DevEUI, level %) in order: every lamp in turn, seeded."""
    chance = random.Random(len(lamps))  # noqa: S311 -- a demo repeats itself on purpose
    turns: list[tuple[float, str, int]] = []
    at_s = FIRST_AFTER_S
    while lamps and at_s <= max(FIRST_AFTER_S, run_s - LAST_BEFORE_END_S):
        lamp = lamps[len(turns) % len(lamps)]
        turns.append((at_s, lamp, chance.choice(LEVELS)))
        at_s += EVERY_S
    return turns


class Operator:
    """Requests what the plan says, when its second has come."""

    def __init__(
        self, environment: Mapping[str, str], lamps: list[str], run_s: float
    ) -> None:
        self._redis = connect(Reader(environment).redis())
        self._catalogue = read_catalogue(Path(environment["GARONNE_HOME"]))
        self._commands: Commands | None = None
        self._plan = plan(lamps, run_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._redis.close()

    def act(self, at_s: float) -> None:
        """Request everything that is due; what Redis did not take stays due."""
        while self._plan and self._plan[0][0] <= at_s:
            _, dev_eui, level = self._plan[0]
            try:
                self._request(dev_eui, level)
            except RedisError:
                return
            self._plan.pop(0)

    def _request(self, dev_eui: str, level: int) -> None:
        if self._commands is None:
            self._commands = Commands(self._redis, self._catalogue)
        self._commands.request(
            Target(dev_eui=dev_eui, device_type=LAMP),
            {"level": level},
            why="demo",
            requested_by="operator",
        )
