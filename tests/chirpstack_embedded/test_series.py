"""Sums over hours, days and months, in memory first and in SQLite later."""

from datetime import datetime

import pytest

from chirpstack_embedded.errors import NotStored
from chirpstack_embedded.store import Store
from chirpstack_embedded.store.series import EVERY_S, KEPT

NOON = datetime(2026, 9, 14, 12, 30).timestamp()  # noqa: DTZ001 - the server's own zone
HOUR_S = 3600


@pytest.fixture
def store() -> Store:
    return Store(":memory:", NOON)


def values(store: Store, aggregation: str, start: float, end: float) -> list[float]:
    points = store.series.read("x", aggregation, start, end)
    return [sums.get("n", 0.0) for _, sums in points]


def test_hours_add_up_to_days_and_months(store: Store) -> None:
    for at in (NOON, NOON + 60, NOON + HOUR_S, NOON + 86_400):
        store.series.add("x", {"n": 1.0}, at)

    assert [2.0, 1.0] == values(store, "HOUR", NOON, NOON + HOUR_S)
    assert [3.0, 1.0] == values(store, "DAY", NOON, NOON + 86_400)
    assert [4.0] == values(store, "MONTH", NOON, NOON + 86_400)


def test_what_is_added_after_a_look_counts_too(store: Store) -> None:
    store.series.add("x", {"n": 1.0}, NOON)
    values(store, "HOUR", NOON, NOON)
    store.series.add("x", {"n": 2.0}, NOON)

    assert [3.0] == values(store, "HOUR", NOON, NOON)


def test_a_year_has_twelve_months(store: Store) -> None:
    points = store.series.read("x", "MONTH", NOON, NOON + 334 * 86_400)

    assert 12 == len({at for at, _ in points})


def test_sums_are_written_in_time_and_forgotten_in_time(store: Store) -> None:
    store.series.add("x", {"n": 1.0}, NOON)
    store.series.write_some(NOON + EVERY_S)
    written = store.database.count("select count(*) from series")
    store.series.write_some(NOON + KEPT["HOUR"] + 2 * HOUR_S)
    later = store.database.count("select count(*) from series")

    assert (3, 2) == (written, later)


def test_more_points_than_anybody_looks_at_are_refused(store: Store) -> None:
    with pytest.raises(NotStored, match="more than 100000 points"):
        store.series.read("x", "MINUTE", 0.0, NOON)


def test_a_file_keeps_what_was_counted(tmp_path: object) -> None:
    path = f"{tmp_path}/server.sqlite"
    first = Store(path, NOON)
    first.series.add("x", {"n": 1.0}, NOON)
    first.series.state("s", "open")
    first.close()
    second = Store(path, NOON)

    assert [1.0] == values(second, "HOUR", NOON, NOON)
    assert "open" == second.series.last_state("s")


@pytest.mark.parametrize("start", [-1e18, 1e18])
def test_a_range_outside_of_any_calendar_is_refused(store: Store, start: float) -> None:
    with pytest.raises(NotStored, match="no calendar holds"):
        store.series.read("x", "HOUR", start, start + 1)
