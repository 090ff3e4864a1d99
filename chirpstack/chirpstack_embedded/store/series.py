"""
Sums over hours, days and months.

Counting must not cost a commit: sums are added up in memory and written when
somebody reads, every minute in portions, and at the end. A kill loses at most that
minute of statistics, and nothing else.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice

from chirpstack_embedded.errors import NotStored
from chirpstack_embedded.store.database import Database

HOUR, DAY, MONTH, MINUTE = "HOUR", "DAY", "MONTH", "MINUTE"
KEPT = {HOUR: 2 * 86_400, DAY: 62 * 86_400, MONTH: 730 * 86_400}
"""How long a sum is kept, in seconds."""

EVERY_S = 60.0
PORTION = 200
MOST_POINTS = 100_000
_HOUR_S = 3600
_STEP_S = {MINUTE: 60, HOUR: 3600, DAY: 26 * 3600, MONTH: 32 * 86_400}

Sums = dict[str, float]


class Series:
    """The tables ``series`` and ``series_state``, and what is not in them yet."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sums: dict[tuple[str, int], Sums] = {}
        self._last: dict[tuple[str, int], Sums] = {}
        self._states: dict[str, str] = {}
        self._due_at = 0.0
        self._expected: dict[str, set[str]] = {}

    def add(self, name: str, values: Mapping[str, float], at: float) -> None:
        """Add to the sums of an hour."""
        key = name, int(at) // _HOUR_S
        sums = self._sums.get(key)
        if sums is None:
            self._sums[key] = dict(values)
            return
        for field, value in values.items():
            sums[field] = sums.get(field, 0.0) + value

    def put(self, name: str, value: float, at: float) -> None:
        """Replace the value of an hour."""
        self._last[name, int(at) // _HOUR_S] = {"value": value}

    def state(self, name: str, text: str) -> None:
        """Remember the last text."""
        self._states[name] = text

    def expect(self, profile_id: str, keys: list[str]) -> None:
        """Note keys a profile does not know yet."""
        self._expected.setdefault(profile_id, set()).update(keys)

    def expected(self) -> dict[str, set[str]]:
        """Return and forget the keys that profiles do not know yet."""
        found, self._expected = self._expected, {}
        return found

    def write_some(self, now: float) -> None:
        """Write a portion of what waits, if it is time."""
        if now < self._due_at:
            return
        for _ in range(PORTION):
            if not self._write_one():
                self._due_at = now + EVERY_S
                self._prune(now)
                return

    def write_all(self) -> None:
        """Write everything that waits."""
        while self._write_one():
            pass

    def read(
        self, name: str, aggregation: str, start: float, end: float
    ) -> list[tuple[float, Sums]]:
        """
        Return each point from ``start`` to ``end`` with its sums, empty or not.

        ``NotStored`` for more points than anybody can look at.
        """
        points = _few_points(aggregation, start, end)
        self.write_all()
        rows = self._database.all(
            "select at, sums from series where name = ? and aggregation = ?"
            " and at between ? and ?",
            name,
            aggregation,
            int(_point(aggregation, start)),
            int(end),
        )
        found = {row["at"]: json.loads(row["sums"]) for row in rows}
        return [(at, found.get(int(at), {})) for at in points]

    def last_state(self, name: str) -> str:
        """Return the last text, empty if there was none."""
        self.write_all()
        row = self._database.one("select value from series_state where name = ?", name)
        return row["value"] if row else ""

    def _write_one(self) -> bool:
        if self._states:
            name, text = self._states.popitem()
            self._database.execute(
                "insert into series_state values (?, ?)"
                " on conflict (name) do update set value = excluded.value",
                (name, text),
            )
            return True
        if self._sums:
            (name, hour), sums = self._sums.popitem()
            self._merge(name, hour, sums, adding=True)
            return True
        if self._last:
            (name, hour), sums = self._last.popitem()
            self._merge(name, hour, sums, adding=False)
            return True
        return False

    def _merge(self, name: str, hour: int, sums: Sums, *, adding: bool) -> None:
        for aggregation in KEPT:
            at = int(_point(aggregation, hour * _HOUR_S))
            row = self._database.one(
                "select sums from series where name = ? and aggregation = ? and at = ?",
                name,
                aggregation,
                at,
            )
            kept: Sums = json.loads(row["sums"]) if row and adding else {}
            for field, value in sums.items():
                kept[field] = kept.get(field, 0.0) + value
            self._database.execute(
                "insert into series values (?, ?, ?, ?)"
                " on conflict (name, aggregation, at) do update"
                " set sums = excluded.sums",
                (name, aggregation, at, json.dumps(kept)),
            )

    def _prune(self, now: float) -> None:
        for aggregation, seconds in KEPT.items():
            self._database.execute(
                "delete from series where aggregation = ? and at < ?",
                (aggregation, int(now - seconds)),
            )


def _point(aggregation: str, instant: float) -> float:
    """Return the beginning of what ``instant`` is in, in the server's time zone."""
    local = datetime.fromtimestamp(instant).replace(second=0, microsecond=0)  # noqa: DTZ006 - local days, as the real server
    if aggregation != MINUTE:
        local = local.replace(minute=0)
    if aggregation in {DAY, MONTH}:
        local = local.replace(hour=0)
    if aggregation == MONTH:
        local = local.replace(day=1)
    return local.timestamp()


def _few_points(aggregation: str, start: float, end: float) -> list[float]:
    try:
        points = list(islice(_points(aggregation, start, end), MOST_POINTS + 1))
    except (OSError, OverflowError, ValueError) as error:
        raise NotStored(f"no calendar holds {start:.0f} to {end:.0f}") from error
    if len(points) > MOST_POINTS:
        raise NotStored(f"more than {MOST_POINTS} points were asked for")
    return points


def _points(aggregation: str, start: float, end: float) -> Iterator[float]:
    at = _point(aggregation, start)
    while at <= end:
        yield at
        # A little more than one step, then back to its beginning: days have 23 to 25
        # hours and months 28 to 31 days.
        at = _point(aggregation, at + _STEP_S[aggregation])
