from datetime import UTC, datetime

import pytest

from faas.ports import PORTS, Effects
from faas.testing import FixedClock, Remembered, Sent, Shown, Told, uplink


def test_an_uplink_without_a_decoded_object_has_empty_data() -> None:
    assert {} == uplink().data


def test_the_fake_commands_are_a_list_to_compare_with() -> None:
    sent = Sent()
    sent.send("0102030405060708", {"level": 1}, why="dusk")

    assert [("0102030405060708", {"level": 1})] == sent
    assert ["dusk"] == sent.whys


def test_an_order_to_what_is_no_device_is_refused_by_both() -> None:
    for commands in (Sent(), PORTS["commands"](Effects())):
        with pytest.raises(ValueError, match="16 hexadecimal digits; found 'lamp-05'"):
            commands.send("lamp-05", {"level": 1}, why="dusk")


def test_the_fake_state_remembers_and_counts() -> None:
    state = Remembered({"a": 1})
    state.write(state.read() | {"b": 2})
    state.add("seen", 2)
    state.add("gone")
    state.add("gone", -1)

    assert ({"a": 1, "b": 2}, {"seen": 2}) == (state.memory, state.counts)


def test_the_other_fakes_keep_what_they_were_given() -> None:
    shown, told = Shown(), Told()
    shown.show("View", {"a": 1})
    told.send("it rains", level="warning")

    assert ({"View": {"a": 1}}, ["it rains"]) == (shown, told)
    assert datetime(2026, 9, 14, 12, tzinfo=UTC) == FixedClock().now()
