"""Air time is a budget over a sliding hour, and joining has its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lorawan_sim.airtime_budget import HOUR_S, AirtimeBudget, JoinAirtime

NOON = 1_800_000_000.0


def test_a_fresh_budget_is_free_at_once() -> None:
    assert NOON == AirtimeBudget(36.0).free_at(1.0, NOON)


def test_more_than_the_whole_budget_is_never_free() -> None:
    assert float("inf") == AirtimeBudget(36.0).free_at(36.1, NOON)


def test_a_spent_budget_is_free_an_hour_after_the_first_spend() -> None:
    budget = AirtimeBudget(36.0)
    budget.spend(20.0, NOON)
    budget.spend(16.0, NOON + 600)

    assert NOON + HOUR_S == budget.free_at(10.0, NOON + 700)
    assert NOON + 600 + HOUR_S == budget.free_at(30.0, NOON + 700)


@given(
    st.lists(
        st.tuples(st.floats(0, 500), st.floats(0.01, 3.0)), min_size=1, max_size=120
    )
)
def test_no_hour_ever_holds_more_than_the_budget(
    wishes: list[tuple[float, float]],
) -> None:
    budget, now = AirtimeBudget(36.0), NOON
    sent: list[tuple[float, float]] = []
    for pause_s, airtime_s in wishes:
        now = budget.free_at(airtime_s, now + pause_s)
        budget.spend(airtime_s, now)
        sent.append((now, airtime_s))

    for end, _ in sent:
        within = [spent for at, spent in sent if end - HOUR_S < at <= end]
        assert sum(within) <= 36.0 + 1e-6


@given(st.lists(st.floats(0.05, 3.0), min_size=1, max_size=200))
def test_an_hour_of_spends_is_small_to_remember(spends: list[float]) -> None:
    budget = AirtimeBudget(1e9)
    for number, airtime_s in enumerate(spends):
        budget.spend(airtime_s, NOON + 10.0 * number)

    assert sum(spends) == pytest.approx(budget.spent_s(NOON + 2000))
    assert len(budget._entries) <= 3 * 101


@pytest.mark.parametrize(
    ("hour", "cap_s"), [(0, 36.0), (0.9, 36.0), (1, 36.0), (10.9, 36.0), (11, 8.7)]
)
def test_join_requests_have_a_cap_per_period(hour: float, cap_s: float) -> None:
    airtime = JoinAirtime(NOON)
    now = NOON + hour * HOUR_S

    assert now == airtime.free_at(cap_s, now)
    assert now < airtime.free_at(cap_s + 0.1, now)


def test_after_the_caps_a_day_has_its_own() -> None:
    airtime = JoinAirtime(NOON)
    now = NOON + 12 * HOUR_S
    airtime.spend(8.0, now)

    assert NOON + (11 + 24) * HOUR_S == airtime.free_at(1.0, now)
    assert NOON + 36 * HOUR_S == airtime.free_at(1.0, NOON + 36 * HOUR_S)
