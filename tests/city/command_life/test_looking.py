"""What became of a command that nobody told of: refused, lost, kept or sent."""

from tests.city.command_life.story import EUI, RULES, Story, name, sent

from city.command import derived_id
from city.command_life import Life
from city.steps import LOOK_FIRST_S, MISSED_S


def test_chirpstack_says_expired(story: Story) -> None:
    story.request(1)
    story.hand_over(name(1))
    story.life.dropped(name(1), "EXPIRED", "", story.now)
    story.drain()

    assert "expired" == story.state(1)


def test_chirpstack_says_too_long(story: Story) -> None:
    story.request(1)
    story.hand_over(name(1))
    story.life.dropped(name(1), "DOWNLINK_PAYLOAD_SIZE", "item_size 80", story.now)
    story.drain()

    assert "failed" == story.state(1)
    assert "too long" in story.reason(1)


def test_a_gateways_refusal_explains_and_settles_nothing(story: Story) -> None:
    story.request(1)
    story.hand_over(name(1))
    story.life.refused("DUTY_CYCLE_OVERFLOW", story.now)
    story.drain()

    assert "queued" == story.state(1)
    assert "duty cycle" in story.why(1)


def test_what_never_arrived_is_sent_again_with_the_same_id(story: Story) -> None:
    story.request(1)
    story.life.prepared(name(1), 7, story.now)
    story.drain()
    story.life.recover(story.now)

    assert ["look"] == story.drain()

    story.look(name(1), in_queue=False, f_cnt_down=7)

    assert [name(1), name(1)] == story.published


def test_what_is_in_the_queue_is_not_sent_again(story: Story) -> None:
    story.request(1)
    story.life.prepared(name(1), 7, story.now)
    story.life.recover(story.now)
    story.look(name(1), in_queue=True, f_cnt_down=7)

    assert "queued" == story.state(1)
    assert [name(1)] == story.published


def test_a_counter_that_moved_means_ask_and_not_send_again(story: Story) -> None:
    story.request(1)
    story.life.prepared(name(1), 7, story.now)
    story.life.recover(story.now)
    story.look(name(1), in_queue=False, f_cnt_down=8)

    assert "planned" == story.state(1)
    assert ["look"] == story.wait(MISSED_S)

    story.look(name(1), in_queue=False, f_cnt_down=8)

    ask = derived_id(name(1), "status")
    assert "transmitted" == story.state(1)
    assert ("prepare", ask) == story.acts[-1]

    story.report(90.0, 60)

    assert "transmitted" == story.state(1), "no tx ack was seen yet"

    story.hand_over(ask)
    story.txack(ask, 91.0)
    story.report(92.0, 60)

    assert "confirmed" == story.state(1)
    assert [name(1), ask] == story.published


def test_a_tx_ack_that_comes_late_settles_a_missed_item(story: Story) -> None:
    story.request(1)
    story.hand_over(name(1))
    story.wait(LOOK_FIRST_S)
    story.look(name(1), in_queue=False, f_cnt_down=8)
    story.txack(name(1), 60.0)
    story.report(61.0, 60)

    assert "confirmed" == story.state(1)
    assert [name(1)] == story.published


def test_a_join_that_emptied_the_queue_sends_again_in_the_new_session(
    story: Story,
) -> None:
    story.request(1)
    story.hand_over(name(1))
    story.life.joined(story.now)
    story.drain()

    assert "first uplink" in story.why(1)
    assert ["look"] == story.wait(MISSED_S)

    story.look(name(1), in_queue=False, f_cnt_down=0)
    story.hand_over(name(1), 0)

    assert [name(1), name(1)] == story.published


def test_a_broker_that_is_away_costs_nothing_but_time(story: Story) -> None:
    story.request(1)
    story.life.prepared(name(1), 7, story.now)
    story.drain()
    for _ in range(20):
        story.life.trouble(name(1), "the broker does not answer", story.now)
        story.drain()
        assert ["look"] == story.wait(2.0)
        story.look(name(1), in_queue=False, f_cnt_down=7)

    assert "planned" == story.state(1)

    story.life.published(name(1), story.now)
    story.drain()

    assert "queued" == story.state(1)


def test_hours_without_chirpstack_change_nothing_but_the_time(story: Story) -> None:
    story.request(1, expires_s=1e6)
    story.hand_over(name(1))
    for _ in range(1500):
        story.wait(60.0)
        story.life.trouble(name(1), "ChirpStack's API does not answer", story.now)
        story.drain()

    assert "queued" == story.state(1)
    assert "does not answer" in story.why(1)


def test_a_life_is_the_same_after_being_stored(story: Story) -> None:
    sent(story)
    story.report(40.0, 5, "schedule")
    story.request(2)
    story.hand_over(name(2))
    story.request(3)

    stored = bytes(story.life)

    assert stored == bytes(Life.parse(stored, EUI, RULES))
