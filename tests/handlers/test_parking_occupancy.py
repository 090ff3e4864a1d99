from collections.abc import Sequence
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas import Uplink
from faas.testing import Remembered, Shown, uplink
from handlers.parking_occupancy import parking_occupancy

TAGS = {"street": "Rue Alsace", "district": "Capitole"}
OTHER = {"street": "Rue Bayard", "district": "Matabiau"}


def bay(
    occupied: bool | None, f_cnt: int = 1, tags: dict[str, str] | None = None
) -> Uplink:
    data = {"message": "status"} if occupied is None else {"occupied": occupied}
    return uplink(
        data,
        f_cnt=f_cnt,
        device_type="parking-bay",
        tags=TAGS if tags is None else tags,
    )


def after(events: Sequence[Uplink]) -> Remembered:
    state = Remembered()
    for event in events:
        parking_occupancy(event, state=state, twin=Shown())
    return state


def test_a_bay_counts_in_its_street_its_district_and_the_city() -> None:
    assert {
        "city:occupied": 1,
        "street:Rue Alsace:occupied": 1,
        "district:Capitole:occupied": 1,
    } == after([bay(occupied=True)]).counts


def test_a_bay_that_empties_moves_to_the_free_ones() -> None:
    assert {
        "city:free": 1,
        "street:Rue Alsace:free": 1,
        "district:Capitole:free": 1,
    } == after([bay(True, 1), bay(False, 2)]).counts


def test_saying_the_same_again_changes_no_count() -> None:
    assert after([bay(True, 1)]).counts == after([bay(True, 1), bay(True, 2)]).counts


def test_the_same_event_twice_changes_no_count() -> None:
    once = [bay(True, 1), bay(False, 2)]

    assert after(once).counts == after([once[0], *once, once[1]]).counts


@pytest.mark.parametrize(
    "order", list(permutations([bay(True, 1), bay(False, 2), bay(True, 3)]))
)
def test_the_latest_word_counts_whatever_order_they_come_in(
    order: Sequence[Uplink],
) -> None:
    assert after([bay(True, 3)]).counts == after(order).counts


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9))))
def test_one_bay_is_counted_at_most_once(told: list[tuple[bool, int]]) -> None:
    counts = after([bay(*each) for each in told]).counts

    assert (1 if told else 0) == counts.get("city:free", 0) + counts.get(
        "city:occupied", 0
    )
    assert all(number == 1 for number in counts.values())


def test_a_bay_that_is_moved_counts_where_it_stands_now() -> None:
    assert {
        "city:occupied": 1,
        "street:Rue Bayard:occupied": 1,
        "district:Matabiau:occupied": 1,
    } == after([bay(True, 1), bay(True, 2, OTHER)]).counts


def test_a_bay_without_a_place_counts_as_unknown() -> None:
    assert "street:unknown:free" in after([bay(False, 1, {})]).counts


def test_a_message_without_occupancy_says_nothing() -> None:
    state = after([bay(None)])

    assert ({}, {}) == (state.memory, state.counts)


def test_the_bay_is_shown_as_a_parking_spot() -> None:
    parking_occupancy(bay(True), state=Remembered(), twin=(shown := Shown()))

    assert {
        "id": "urn:ngsi-ld:ParkingSpot:0102030405060708",
        "type": "ParkingSpot",
        "name": "device-0708",
        "category": ["onStreet"],
        "status": "occupied",
        "observedAt": "2026-09-14T12:00:00+00:00",
    } == shown["ParkingSpot"]
