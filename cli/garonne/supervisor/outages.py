"""Outages on purpose: which part is stopped when, counted from when all was up."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from garonne.supervisor.core import Supervision

__all__ = ["Outage", "Outages", "dump", "parse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """One part, stopped from one second of the run to another."""

    part: str
    from_s: float
    until_s: float


class Outages:
    """Holds and releases parts when their second has come."""

    def __init__(self, outages: Iterable[Outage]) -> None:
        self._due = sorted(
            (at_s, outage.part, is_over)
            for outage in outages
            for at_s, is_over in ((outage.from_s, False), (outage.until_s, True))
        )

    def act(self, core: Supervision, up_since: float, now: float) -> None:
        """Do what is due; a part that is not ours is left alone."""
        while self._due and up_since + self._due[0][0] <= now:
            _, part, is_over = self._due.pop(0)
            if part in core.lives:
                (core.release if is_over else core.hold)(part, now)


def dump(outages: Iterable[Outage]) -> str:
    """Return them as the text of `GARONNE_OUTAGES`."""
    rows = [[one.part, one.from_s, one.until_s] for one in outages]
    return json.dumps(rows)


def parse(text: str) -> list[Outage]:
    """Read what `dump` wrote; ValueError if it is something else."""
    rows = json.loads(text) if text else []
    try:
        return [
            Outage(part=str(part), from_s=float(begin), until_s=float(end))
            for part, begin, end in rows
        ]
    except TypeError as error:
        raise ValueError(f"not a list of outages: {error}") from error
