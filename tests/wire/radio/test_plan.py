from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.radio.plan import RadioPlan


def test_a_city_that_says_nothing_has_the_air_of_a_town() -> None:
    plan, faults = RadioPlan.read({})

    assert ("urban", "goursaud", 8, 0.0, []) == (
        plan.profile,
        plan.interference,
        plan.demodulators,
        plan.extra_loss,
        faults,
    )


def test_every_word_is_read() -> None:
    table: dict[str, Any] = {
        "profile": "lorasim",
        "interference": "croce",
        "demodulators": 16,
        "extra_loss": 0.05,
    }

    assert (RadioPlan(**table), []) == RadioPlan.read(table)


def test_everything_wrong_is_named() -> None:
    _, faults = RadioPlan.read(
        {
            "profile": "moon",
            "interference": [],
            "demodulators": True,
            "extra_loss": 1.5,
            "power": 3,
        }
    )

    assert 5 == len(faults)
    assert "[radio] profile = 'moon'" in faults[0]
    assert "lorasim" in faults[0]


VALUES = st.none() | st.text() | st.integers() | st.floats() | st.lists(st.text())


@pytest.mark.parametrize("key", ["profile", "interference", "demodulators"])
@given(value=VALUES)
def test_whatever_a_table_holds_is_read_or_named(key: str, value: Any) -> None:
    plan, faults = RadioPlan.read({key: value})

    assert (plan == RadioPlan()) or not faults
    assert plan.interference_model() is not None
