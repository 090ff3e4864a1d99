"""A command among others: it waits, is replaced, expires, is cancelled."""

from tests.city.command_life.story import Story, name, sent

from city.steps import EXPIRY_GRACE_S


def test_a_newer_command_supersedes_what_waits(story: Story) -> None:
    story.request(1)
    story.hand_over(name(1))
    story.request(2)
    story.request(3)

    assert ["queued", "superseded", "planned"] == [story.state(i) for i in (1, 2, 3)]
    assert name(3) in story.reason(2)


def test_no_function_replaces_what_a_person_asked(story: Story) -> None:
    by_hand = story.request(1, level=20, manual=True)
    story.hand_over(by_hand)
    story.txack(by_hand, time=50.0)

    by_motion = story.request(2, level=100)

    assert by_motion not in story.published
    story.report(time=51.0, level=20)
    assert "confirmed" == story.entries[by_hand].state
    story.hand_over(by_motion)
    assert by_motion in story.published


def test_a_person_replaces_what_a_function_asked(story: Story) -> None:
    by_motion = story.request(1, level=100)

    by_hand = story.request(2, level=20, manual=True)

    assert "superseded" == story.entries[by_motion].state
    assert by_hand != by_motion


def test_a_command_that_supersedes_nothing_waits_for_its_turn(story: Story) -> None:
    story.request(1)
    story.request(2, supersedes=False)

    assert ["planned", "planned"] == [story.state(1), story.state(2)]
    assert "behind another command" in story.why(2)

    story.hand_over(name(1))
    story.txack(name(1), 50.0)

    assert [("prepare", name(1)), ("publish", name(1))] == story.acts

    story.report(51.0, 60)

    assert ("prepare", name(2)) == story.acts[-1]


def test_a_newer_command_need_not_wait_for_the_report_of_the_one_before(
    story: Story,
) -> None:
    sent(story)
    story.request(2, 80)
    story.hand_over(name(2))

    assert ["transmitted", "queued"] == [story.state(1), story.state(2)]

    story.txack(name(2), 60.0)

    assert ["superseded", "transmitted"] == [story.state(1), story.state(2)]


def test_the_one_before_can_still_be_confirmed_until_the_newer_is_sent(
    story: Story,
) -> None:
    sent(story)
    story.request(2, 80)
    story.hand_over(name(2))
    story.report(55.0, 60)
    story.txack(name(2), 60.0)
    story.report(61.0, 80)

    assert ["confirmed", "confirmed"] == [story.state(1), story.state(2)]


def test_only_one_item_at_a_time_is_in_chirpstack(story: Story) -> None:
    story.request(1)
    story.hand_over(name(1))
    story.request(2)

    assert [name(1)] == story.published


def test_a_waiting_command_expires_to_the_second(story: Story) -> None:
    story.request(1)
    story.hand_over(name(1))
    story.request(2, expires_s=30.0)
    story.wait(29.9)

    assert "planned" == story.state(2)

    story.wait(0.1)

    assert "expired" == story.state(2)


def test_a_queued_command_expires_once_chirpstack_is_seen_to_keep_it(
    story: Story,
) -> None:
    story.request(1, expires_s=5.0)
    story.hand_over(name(1))

    assert ["look"] == story.wait(5.0 + EXPIRY_GRACE_S)

    story.look(name(1), in_queue=True, f_cnt_down=7)

    assert "expired" == story.state(1)


def test_cancelling_what_waits_is_exact(story: Story) -> None:
    story.request(1)
    story.life.cancel(name(1), "ada", story.now)
    story.drain()

    assert "failed" == story.state(1)
    assert "cancelled by ada before it was sent" == story.reason(1)
    assert [] == story.published


def test_cancelling_what_is_queued_flushes_and_says_it_may_be_on_the_air(
    story: Story,
) -> None:
    story.request(1)
    story.hand_over(name(1))
    story.life.cancel(name(1), "ada", story.now)

    assert ["flush"] == story.drain()

    story.life.flushed(name(1), story.now)
    story.drain()

    assert "cancelled by ada; it may already be on the air" == story.reason(1)


def test_the_class_c_lock_is_named_and_ends(story: Story) -> None:
    story.request(1)
    story.hand_over(name(1))
    story.report(49.0, 0, "schedule")

    assert "5 s" in story.why(1)

    deadline = story.life.next_deadline()
    assert deadline is not None
    story.wait(deadline - story.now)

    assert "until a gateway says that it sent it" in story.why(1)


def test_class_a_waits_for_its_next_uplink() -> None:
    story = Story(class_c=False)
    story.request(1)
    story.hand_over(name(1))

    assert "next uplink" in story.why(1)
