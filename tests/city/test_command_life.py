"""The life of a device's commands, told as stories."""

from typing import Any
from uuid import UUID

import pytest

from city.command import Command, Entry, Payload, Rules, derived_id
from city.command_life import Life
from city.line import Radio
from city.steps import EXPIRY_GRACE_S, LOOK_FIRST_S, MISSED_S

EUI = "0102030405060708"
WITHIN_S = 15.0
ASK = Payload(f_port=60, data=b"\x03")
RULES = Rules(
    confirm_message="status",
    confirm_fields=("level",),
    confirm_reason="manual",
    echo_message="dimming",
    confirm_within_s=WITHIN_S,
    expires_s=600.0,
    status_request=ASK,
)


class Story:
    """A life with a hand on it: what it wanted is kept in ``acts``."""

    def __init__(self, rules: Rules = RULES, *, class_c: bool = True) -> None:
        self.life = Life(EUI, rules, Radio(class_c=class_c, heard=True))
        self.acts: list[tuple[str, str]] = []
        self.entries: dict[str, Entry] = {}
        self.published: list[str] = []
        self.now = 1000.0

    def drain(self) -> list[str]:
        """Collect effects and changes; the life survives being stored each time."""
        effects = self.life.effects()
        for _before, entry in self.life.changes():
            self.entries[entry.command.id] = entry
        acts = [effect.act for effect in effects]
        self.acts += [(effect.act, effect.item.id) for effect in effects]
        self.published += [e.item.id for e in effects if e.act == "publish"]
        return list(acts)

    def request(self, number: int, level: int = 60, **more: Any) -> str:
        command = Command(
            id=name(number),
            dev_eui=EUI,
            object={"level": level},
            requested_at=self.now,
            expires_at=self.now + more.pop("expires_s", 600.0),
            **more,
        )
        self.life.request(command, Payload(f_port=60, data=bytes([level])), self.now)
        self.drain()
        return command.id

    def hand_over(self, item_id: str, f_cnt_down: int = 7) -> None:
        self.life.prepared(item_id, f_cnt_down, self.now)
        self.drain()
        self.life.published(item_id, self.now)
        self.drain()

    def txack(self, item_id: str, time: float) -> None:
        self.life.transmitted(item_id, time, self.now)
        self.drain()

    def report(self, time: float, level: int, reason: str = "manual") -> None:
        document = {"message": "status", "level": level, "reason": reason}
        self.life.reported(time, document, self.now)
        self.drain()

    def look(self, item_id: str, *, in_queue: bool, f_cnt_down: int) -> None:
        self.life.looked(
            item_id, in_queue=in_queue, f_cnt_down=f_cnt_down, now=self.now
        )
        self.drain()

    def wait(self, seconds: float) -> list[str]:
        self.now += seconds
        self.life.tick(self.now)
        return self.drain()

    def state(self, number: int) -> str:
        return self.entries[name(number)].state

    def why(self, number: int) -> str:
        return self.entries[name(number)].why_not_yet

    def reason(self, number: int) -> str:
        return self.entries[name(number)].reason


def name(number: int) -> str:
    return str(UUID(int=number))


@pytest.fixture
def story() -> Story:
    return Story()


def sent(story: Story, number: int = 1, *, time: float = 50.0) -> None:
    story.request(number)
    story.hand_over(name(number))
    story.txack(name(number), time)


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


def test_without_a_report_the_device_is_asked_twice_then_given_up(story: Story) -> None:
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

    assert [] == story.wait(WITHIN_S)
    assert "failed" == story.state(1)
    assert "nor after two status requests" in story.reason(1)
    assert [name(1), ask, second] == story.published


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


def test_a_life_is_the_same_after_being_stored(story: Story) -> None:
    sent(story)
    story.report(40.0, 5, "schedule")
    story.request(2)
    story.hand_over(name(2))
    story.request(3)

    stored = bytes(story.life)

    assert stored == bytes(Life.parse(stored, EUI, RULES))
