"""The demo's operator works on every lamp in turn and leaves time for the answer."""

from garonne.demo.operator import EVERY_S, LAST_BEFORE_END_S, LEVELS, plan


def test_every_lamp_has_its_turn() -> None:
    turns = plan(["a", "b", "c"], 60)

    assert ["a", "b", "c", "a"] == [lamp for _, lamp, _ in turns[:4]]
    assert {level for _, _, level in turns} <= set(LEVELS)
    assert [at for at, _, _ in turns] == sorted(at for at, _, _ in turns)
    assert turns[-1][0] <= 60 - LAST_BEFORE_END_S


def test_even_a_short_run_has_one_command() -> None:
    assert 1 == len(plan(["a"], EVERY_S / 2))


def test_a_city_without_lamps_has_no_operator() -> None:
    assert [] == plan([], 60)
