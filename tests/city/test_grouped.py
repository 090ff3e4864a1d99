"""Commands that a group's frame carries: each ends by its device's own report."""

from typing import Any

import pytest
from tests.city.command_life.story import EUI, RULES, WITHIN_S, Story, name

from city.command import Command, Payload
from city.command_life import Life
from city.group_order import GroupOrder, GroupSend, choose, frame_s, member_id
from city.grouped import GROUP_GUARD_S, GROUP_WAIT_S
from wire.lorawan.region.eu868 import EU868

ORDER = name(99)


@pytest.fixture
def story() -> Story:
    return Story()


def grouped(story: Story, number: int = 1, **more: Any) -> str:
    return story.request(number, group=ORDER, **more)


def news(story: Story, what: Any) -> None:
    story.life.group_told(ORDER, what, story.now)
    story.drain()


def sent_to_all(story: Story) -> None:
    grouped(story)
    news(story, "queued")
    story.wait(1.0)
    news(story, "transmitted")


def test_a_grouped_command_sends_nothing_by_itself(story: Story) -> None:
    grouped(story)

    assert [] == story.acts
    assert "planned" == story.state(1)
    assert "waiting for the one frame to its whole group" == story.why(1)


def test_a_report_after_the_groups_frame_confirms(story: Story) -> None:
    sent_to_all(story)
    assert "transmitted" == story.state(1)

    story.report(60.0, 60)

    assert "confirmed" == story.state(1)
    assert [] == story.acts
    assert story.life.idle


def test_a_report_from_before_the_frame_confirms_nothing(story: Story) -> None:
    grouped(story)
    story.report(50.0, 60)
    news(story, "queued")
    story.wait(GROUP_GUARD_S / 2)
    story.report(50.2, 60)  # gathered by the server while the frame was handed over

    story.wait(1.0)
    news(story, "transmitted")

    assert "transmitted" == story.state(1)


def test_a_lamp_that_one_gateway_reached_is_confirmed_when_all_have_sent(
    story: Story,
) -> None:
    grouped(story)
    news(story, "queued")
    story.wait(3.0)
    story.report(60.0, 60)
    assert "queued" == story.state(1)

    story.wait(5.0)
    news(story, "transmitted")

    assert "confirmed" == story.state(1)


def test_a_lamp_that_missed_the_frame_is_asked_and_then_told_alone(
    story: Story,
) -> None:
    sent_to_all(story)

    assert ["prepare"] == story.wait(WITHIN_S)
    status_id = story.acts[-1][1]
    story.hand_over(status_id)
    story.txack(status_id, 70.0)
    story.report(71.0, 0, "light-1")
    story.wait(WITHIN_S)
    again = story.acts[-1][1]
    story.hand_over(again, 8)
    story.txack(again, 90.0)
    story.report(91.0, 60)

    assert "confirmed" == story.state(1)
    assert 2 == len(story.published)


def test_a_lamp_that_shows_something_else_is_told_alone(story: Story) -> None:
    sent_to_all(story)
    story.report(60.0, 0, "light-1")

    story.wait(WITHIN_S)
    status_id = story.acts[-1][1]
    story.hand_over(status_id)
    story.txack(status_id, 70.0)
    story.report(71.0, 0, "light-1")
    story.wait(WITHIN_S)

    assert "prepare" == story.acts[-1][0]
    assert story.acts[-1][1] not in {status_id, name(1)}


def test_a_frame_that_never_goes_lets_every_lamp_go_alone(story: Story) -> None:
    grouped(story)

    assert ["prepare"] == story.wait(GROUP_WAIT_S)
    assert [("prepare", name(1))] == story.acts


def test_a_failed_frame_lets_every_lamp_go_alone_at_once(story: Story) -> None:
    grouped(story)

    news(story, "failed")

    assert [("prepare", name(1))] == story.acts


def test_a_lamp_with_something_on_its_way_goes_alone_behind_it(story: Story) -> None:
    story.request(1, level=10)
    story.hand_over(name(1))
    grouped(story, 2)
    news(story, "queued")
    news(story, "transmitted")

    story.txack(name(1), 50.0)

    assert ("prepare", name(2)) == story.acts[-1]


def test_a_newer_wish_supersedes_while_the_frame_is_not_out(story: Story) -> None:
    grouped(story)

    story.request(2, level=10)

    assert "superseded" == story.state(1)
    assert ("prepare", name(2)) == story.acts[-1]


def test_a_newer_wish_waits_behind_a_frame_that_is_out(story: Story) -> None:
    grouped(story)
    news(story, "queued")

    story.request(2, level=10)
    assert [] == story.acts
    story.wait(1.0)
    news(story, "transmitted")

    assert ("prepare", name(2)) == story.acts[-1]


def test_what_was_cancelled_may_be_on_the_air_with_its_group(story: Story) -> None:
    grouped(story)
    news(story, "queued")

    story.life.cancel(name(1), "ada", story.now)
    story.drain()

    assert "failed" == story.state(1)
    assert "may already be on the air" in story.reason(1)


def test_a_life_is_read_back_as_it_was(story: Story) -> None:
    grouped(story)
    news(story, "queued")

    again = Life.parse(bytes(story.life), EUI, RULES)
    again.group_told(ORDER, "transmitted", story.now + 1)
    again.reported(
        60.0, {"message": "status", "level": 60, "reason": "manual"}, story.now + 2
    )

    assert again.idle


def test_a_command_keeps_its_group_through_the_outbox() -> None:
    command = Command(id=name(1), dev_eui=EUI, object={}, requested_at=1.0, group=ORDER)

    assert command == Command.parse(bytes(command))


# -- by air time


def test_one_frame_pays_where_gateways_are_fewer_than_lamps() -> None:
    choice = choose(["a", "b", "c"], ["a", "b", "c", "x"], 1, 0.2)

    assert (("a", "b", "c"), ()) == (choice.grouped, choice.alone)
    assert (0.2, 0.6) == pytest.approx((choice.airtime_s, choice.instead_s))


@pytest.mark.parametrize(
    ("members", "gateways"),
    [
        (["a", "b", "c"], 3),  # as many frames as there are lamps
        (["a"], 1),  # one lamp is no group
        ([], 1),
        (["a", "b"], 2),  # the third lamp needs one of its own anyway
        (["a", "b", "c"], 0),  # nobody would send it
    ],
)
def test_otherwise_each_lamp_has_a_frame_of_its_own(
    members: list[str], gateways: int
) -> None:
    assert ("a", "b", "c") == choose(["a", "b", "c"], members, gateways, 0.2).alone


def test_lamps_that_are_no_members_go_alone_beside_the_frame() -> None:
    choice = choose(["a", "b", "c", "d"], ["a", "b", "c"], 1, 0.2)

    assert (("a", "b", "c"), ("d",)) == (choice.grouped, choice.alone)


def test_the_air_time_is_that_of_the_groups_data_rate() -> None:
    # 16 octets at SF9 without CRC
    air_s = frame_s(Payload(f_port=60, data=b"\x01\xfe\x3c"), 3, EU868)

    assert 0.164864 == pytest.approx(air_s)


def test_each_devices_part_has_an_id_of_its_own_and_always_the_same() -> None:
    assert member_id(ORDER, EUI.upper()) == member_id(ORDER, EUI)
    assert member_id(ORDER, EUI) != member_id(ORDER, "0" * 16)


def test_orders_and_frames_are_read_as_they_were_written() -> None:
    order = GroupOrder(
        id=ORDER,
        device_type="street-light",
        by="street",
        value="Rue Vestrepain",
        object={"level": 60},
        requested_at=1.0,
        expires_at=2.0,
        targets=(EUI,),
    )
    send = GroupSend(
        order_id=ORDER,
        group_id=name(5),
        f_port=60,
        data="01fe3c",
        expires_at=2.0,
        partitions=(0, 3),
    ).prepared(7)

    assert order == GroupOrder.parse(bytes(order))
    assert send == GroupSend.parse(bytes(send))
    assert "street-light street Rue Vestrepain" == order.name
