"""How a command is confirmed: the report after the tx ack, and nothing less."""

import pytest
from tests.city.command_life.story import WITHIN_S, Story, name, sent

from city.command import derived_id


def test_a_matching_report_after_the_tx_ack_confirms(story: Story) -> None:
    sent(story)

    assert "transmitted" == story.state(1)

    story.report(51.0, 60)

    assert "confirmed" == story.state(1)
    assert "" == story.why(1)
    assert story.life.idle


def test_the_states_come_in_their_order(story: Story) -> None:
    story.request(1)

    assert "planned" == story.state(1)

    story.hand_over(name(1))

    assert "queued" == story.state(1)
    assert {"requested", "planned", "queued"} == set(story.entries[name(1)].at)


def test_a_report_from_before_the_tx_ack_does_not_confirm(story: Story) -> None:
    sent(story, time=50.0)
    story.report(49.9, 60)

    assert "transmitted" == story.state(1)


def test_a_report_that_overtook_the_tx_ack_in_the_stream_confirms(story: Story) -> None:
    story.request(1)
    story.hand_over(name(1))
    story.report(51.0, 60)

    assert "queued" == story.state(1)

    story.txack(name(1), 50.0)

    assert "confirmed" == story.state(1)


@pytest.mark.parametrize(("level", "reason"), [(59, "manual"), (60, "schedule")])
def test_a_report_of_something_else_does_not_confirm(
    story: Story, level: int, reason: str
) -> None:
    sent(story)
    story.report(51.0, level, reason)

    assert "transmitted" == story.state(1)
    assert f"level {level} (reason {reason})" in story.why(1)


def test_an_echo_acknowledges_but_never_confirms(story: Story) -> None:
    sent(story)
    story.life.reported(51.0, {"message": "dimming", "level": 60}, story.now)
    story.drain()

    assert "acknowledged" == story.state(1)


def test_a_lorawan_ack_acknowledges(story: Story) -> None:
    sent(story)
    story.life.acknowledged(name(1), story.now)
    story.drain()

    assert "acknowledged" == story.state(1)


def test_a_lorawan_ack_that_overtook_its_tx_ack_still_counts(story: Story) -> None:
    story.request(1)
    story.hand_over(name(1))
    story.life.acknowledged(name(1), story.now)
    story.txack(name(1), 50.0)

    assert "acknowledged" == story.state(1)


def test_a_silent_device_is_asked_twice_told_again_asked_and_given_up(
    story: Story,
) -> None:
    sent(story)
    ask = derived_id(name(1), "status")

    assert ["prepare"] == story.wait(WITHIN_S)

    story.hand_over(ask, 8)
    story.txack(ask, 70.0)

    assert "transmitted" == story.state(1)
    assert "asked the device" in story.why(1)
    second = derived_id(name(1), "status 2")
    assert ["prepare"] == story.wait(WITHIN_S)

    story.hand_over(second, 9)
    story.txack(second, 90.0)

    again = derived_id(name(1), "again 1")
    assert ["prepare"] == story.wait(WITHIN_S)

    story.hand_over(again, 10)
    assert "no report came; sent again" in story.why(1)
    story.txack(again, 110.0)
    third = derived_id(name(1), "status 3")
    assert ["prepare"] == story.wait(WITHIN_S)

    story.hand_over(third, 11)
    story.txack(third, 130.0)

    assert [] == story.wait(WITHIN_S)
    assert "failed" == story.state(1)
    assert "nor after three status requests, also after it was sent again" in (
        story.reason(1)
    )
    assert [name(1), ask, second, again, third] == story.published


def test_the_answer_to_the_status_request_confirms(story: Story) -> None:
    sent(story)
    story.wait(WITHIN_S)
    ask = derived_id(name(1), "status")
    story.hand_over(ask)
    story.txack(ask, 70.0)
    story.report(71.0, 60)

    assert "confirmed" == story.state(1)


def test_a_report_that_comes_before_the_status_request_leaves_confirms(
    story: Story,
) -> None:
    sent(story)
    story.wait(WITHIN_S)
    story.report(66.0, 60)

    assert "confirmed" == story.state(1)
    assert story.life.idle


def test_a_queued_status_request_that_is_no_longer_needed_still_holds_the_line(
    story: Story,
) -> None:
    sent(story)
    story.wait(WITHIN_S)
    ask = derived_id(name(1), "status")
    story.hand_over(ask)
    story.report(66.0, 60)

    assert "confirmed" == story.state(1)
    assert not story.life.idle

    story.request(2)

    assert "behind" in story.why(2)

    story.txack(ask, 70.0)
    story.hand_over(name(2))

    assert "queued" == story.state(2)


def test_a_device_that_did_not_obey_is_told_once_more(story: Story) -> None:
    sent(story)
    story.wait(WITHIN_S)
    ask = derived_id(name(1), "status")
    again = derived_id(name(1), "again 1")
    story.hand_over(ask)
    story.txack(ask, 70.0)
    story.report(71.0, 0, "schedule")

    assert ["prepare"] == story.wait(WITHIN_S)

    story.hand_over(again)
    story.txack(again, 90.0)
    story.report(91.0, 60)

    assert "confirmed" == story.state(1)
    assert [name(1), ask, again] == story.published


def test_a_device_that_never_obeys_fails_with_what_it_reports(story: Story) -> None:
    sent(story)
    story.wait(WITHIN_S)
    for item in ("status", "again 1"):
        story.hand_over(derived_id(name(1), item))
        story.txack(derived_id(name(1), item), story.now)
        story.report(story.now + 1, 0, "schedule")
        story.wait(WITHIN_S)

    assert "failed" == story.state(1)
    assert "the device reports level 0 (reason schedule)" in story.reason(1)
