"""The supervisor's decisions, with chosen times and no process."""

import pytest

from garonne.parts import Finishes, Gauge, Part
from garonne.supervisor.core import (
    FIRST_BACK_OFF_S,
    LONGEST_BACK_OFF_S,
    STEADY_AFTER_S,
    STOP_WITHIN_S,
    Kill,
    Probe,
    Start,
    State,
    Supervision,
    Terminate,
)
from garonne.supervisor.outages import Outage, Outages, dump, parse


def part(name: str, *needs: str) -> Part:
    return Part(name=name, argv=(name,), ready=Gauge(address=name), needs=needs)


def once(name: str, *needs: str) -> Part:
    return Part(name=name, argv=(name,), ready=Finishes(), needs=needs)


def chain() -> Supervision:
    return Supervision([part("broker"), once("setup", "broker"), part("city", "setup")])


def given_up() -> Supervision:
    core = Supervision([part("broker"), part("city", "broker")])
    core.tick(0)
    core.answered("broker", 1)
    core.tick(1)
    core.answered("city", 2)
    core.actions()
    core.notes()
    return core


def test_a_part_starts_only_when_all_it_needs_is_ready_or_done() -> None:
    core = chain()

    core.tick(0)
    assert [Start("broker", 0)] == core.actions()
    core.answered("broker", 1)
    core.tick(1)
    assert [Start("setup", 0)] == core.actions()
    core.exited("setup", 0, 2)
    assert [Start("city", 0)] == core.actions()
    assert not core.is_up
    core.answered("city", 3)
    assert core.is_up


def test_what_a_part_needs_must_be_declared_before_it() -> None:
    with pytest.raises(ValueError, match="city needs"):
        Supervision([part("city", "broker")])


def test_a_starting_part_is_asked_again_and_again() -> None:
    core = Supervision([part("broker")])
    core.tick(0)
    core.actions()

    core.tick(core.next_deadline())
    assert [Probe("broker")] == core.actions()
    core.not_yet("broker", "does not answer", core.next_deadline())
    core.tick(core.next_deadline())
    assert [Probe("broker")] == core.actions()


def test_a_part_that_is_never_ready_ends_the_start_in_one_sentence() -> None:
    core = Supervision([part("broker")])
    core.tick(0)

    core.not_yet("broker", "does not answer on 1883", 30)

    assert "broker was not ready within 30 s: it does not answer on 1883" == (
        core.failure
    )
    core.exited("broker", -15, 31)
    assert core.is_over


def test_a_part_that_dies_three_times_before_it_was_ready_ends_the_start() -> None:
    core = Supervision([part("broker")])
    core.tick(0)
    core.exited("broker", 1, 0.1)
    core.tick(10)
    core.exited("broker", 1, 10.1)
    core.tick(20)

    core.exited("broker", 1, 20.1)

    assert "broker ended with code 1 before it was ready" == core.failure
    assert core.is_over


def test_wrong_settings_are_not_tried_again() -> None:
    core = Supervision([part("broker")])
    core.tick(0)

    core.exited("broker", 2, 0.1)

    assert "broker ended with code 2 before it was ready" == core.failure


def test_a_one_shot_that_fails_ends_the_start() -> None:
    core = chain()
    core.tick(0)
    core.answered("broker", 1)
    for at in (2, 20, 40):
        core.tick(at)
        core.exited("setup", 1, at)

    assert "setup ended with code 1 before it was ready" == core.failure


def test_a_part_that_was_ready_is_restarted_ever_more_slowly_for_ever() -> None:
    core = given_up()
    now, pauses = 10.0, []

    for _ in range(9):
        core.exited("city", -9, now)
        pauses.append(core.lives["city"].deadline - now)
        now = core.lives["city"].deadline
        core.tick(now)
        core.answered("city", now)

    assert FIRST_BACK_OFF_S == pauses[0]
    assert [2 * pauses[0], 4 * pauses[0]] == pauses[1:3]
    assert LONGEST_BACK_OFF_S == pauses[-1]
    assert 9 == core.lives["city"].restarts
    assert not core.failure


def test_a_steady_part_is_forgiven() -> None:
    core = given_up()
    core.exited("city", -9, 10)
    core.tick(11)
    core.answered("city", 11)

    core.tick(11 + STEADY_AFTER_S)
    core.exited("city", -9, 200)

    assert 200 + FIRST_BACK_OFF_S == core.next_deadline()


def test_the_others_live_on_when_one_dies() -> None:
    core = given_up()

    core.exited("broker", -9, 10)

    assert [] == core.actions()
    assert State.READY is core.lives["city"].state
    assert ["broker was killed (signal 9); starting it again in 0.5 s"] == core.notes()


def test_stopping_goes_in_reverse_order_of_need() -> None:
    core = given_up()

    core.stop(10)
    assert [Terminate("city")] == core.actions()
    core.exited("city", 0, 11)
    assert [Terminate("broker")] == core.actions()
    assert not core.is_over
    core.exited("broker", 0, 12)
    assert core.is_over


def test_a_part_that_does_not_stop_is_killed_once() -> None:
    core = given_up()
    core.stop(10)
    core.actions()

    core.tick(10 + STOP_WITHIN_S)
    core.tick(11 + STOP_WITHIN_S)

    assert [Kill("city")] == core.actions()


def test_a_part_that_waits_for_its_restart_is_not_started_while_stopping() -> None:
    core = given_up()
    core.exited("city", -9, 10)
    core.stop(10.1)
    core.actions()

    core.exited("broker", 0, 10.2)
    core.tick(100)

    assert [] == core.actions()
    assert core.is_over


def up() -> Supervision:
    core = given_up()
    core.actions()
    return core


def test_a_held_part_stays_stopped_until_it_is_released() -> None:
    core = up()

    core.hold("broker", 10.0)
    assert [Terminate("broker")] == core.actions()
    core.exited("broker", 0, 11.0)
    core.tick(60.0)
    assert State.HELD is core.lives["broker"].state
    assert [] == core.actions()
    core.release("broker", 61.0)
    assert [Start("broker", 1)] == core.actions()


def test_a_held_part_that_does_not_stop_is_killed() -> None:
    core = up()

    core.hold("broker", 10.0)
    core.actions()
    core.tick(10.0 + STOP_WITHIN_S)
    assert [Kill("broker")] == core.actions()


def test_a_held_part_does_not_keep_the_city_from_stopping() -> None:
    core = up()

    core.hold("broker", 10.0)
    core.exited("broker", 0, 11.0)
    core.stop(12.0)
    core.exited("city", 0, 13.0)
    assert core.is_over


def test_outages_hold_and_release_in_their_second() -> None:
    core = up()
    outages = Outages([Outage(part="broker", from_s=5, until_s=8)])

    outages.act(core, 100.0, 104.9)
    assert not core.lives["broker"].held
    outages.act(core, 100.0, 105.0)
    assert core.lives["broker"].held
    outages.act(core, 100.0, 108.0)
    assert not core.lives["broker"].held


def test_an_outage_of_a_part_that_is_not_ours_touches_nothing() -> None:
    core = up()

    Outages([Outage(part="rclone", from_s=0, until_s=1)]).act(core, 100.0, 109.0)
    assert [] == core.actions()


def test_outages_travel_as_text() -> None:
    outages = [Outage(part="broker", from_s=5.0, until_s=8.0)]

    assert outages == parse(dump(outages))
    assert [] == parse("")
    with pytest.raises(ValueError, match="not a list of outages"):
        parse("3")
