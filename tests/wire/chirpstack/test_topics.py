import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.chirpstack.topics import (
    DeviceTopic,
    GatewayTopic,
    command_topic,
    event_topic,
    gateway_topic,
)
from wire.errors import Malformed
from wire.eui64 import EUI64

APPLICATION = "1b7f4c0e-0e4d-4a53-9f0a-2f6b6a2d7c31"
DEV_EUI = EUI64.parse("a81758fffe0301c4")
GATEWAY = EUI64.parse("0016c001f1500a2b")


def test_an_event_topic_is_built_and_read() -> None:
    topic = f"application/{APPLICATION}/device/a81758fffe0301c4/event/up"
    where = DeviceTopic.parse(topic)

    assert topic == event_topic(APPLICATION, DEV_EUI, "up")
    assert topic == str(where)
    assert (APPLICATION, DEV_EUI) == (where.application_id, where.dev_eui)
    assert ("event", "up") == (where.channel, where.kind)


def test_a_command_topic_is_built_and_read() -> None:
    topic = f"application/{APPLICATION}/device/a81758fffe0301c4/command/down"

    assert topic == command_topic(APPLICATION, DEV_EUI)
    assert "command" == DeviceTopic.parse(topic).channel


def test_a_topic_keeps_its_own_spelling() -> None:
    topic = "application/a/device/A81758FFFE0301C4/command/down"
    where = DeviceTopic.parse(topic)

    assert DEV_EUI == where.dev_eui
    assert "A81758FFFE0301C4" == where.dev_eui_text
    assert topic == str(where)


@pytest.mark.parametrize("prefix", ["eu868", "", "north/eu868"])
def test_a_gateway_topic_has_any_prefix(prefix: str) -> None:
    topic = gateway_topic(prefix, GATEWAY, "event", "up")
    where = GatewayTopic.parse(topic)

    assert topic == str(where)
    assert (prefix, GATEWAY) == (where.prefix, where.gateway_id)
    assert ("event", "up") == (where.channel, where.kind)


def test_the_usual_gateway_topic_is_chirpstacks() -> None:
    expected = "eu868/gateway/0016c001f1500a2b/command/down"

    assert expected == gateway_topic("eu868", GATEWAY, "command", "down")


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "application/a/device/a81758fffe0301c4/event",
        "application/a/device/a81758fffe0301c4/event/up/more",
        "application/a/device/a81758fffe0301/event/up",
        "application/a/device/a81758fffe0301c4/state/up",
        "eu868/gateway/0016c001f1500a2b/event/up",
    ],
)
def test_another_topic_is_no_device_topic(topic: str) -> None:
    with pytest.raises(Malformed):
        DeviceTopic.parse(topic)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "gateway",
        "eu868/gateway/0016c001f1500a2b/event",
        "eu868/gateway/0016c001f1500a2b/other/up",
        "eu868/gateway/0016/event/up",
        "eu868/mygateway/0016c001f1500a2b/event/up",
        "application/a/device/a81758fffe0301c4/event/up",
    ],
)
def test_another_topic_is_no_gateway_topic(topic: str) -> None:
    with pytest.raises(Malformed):
        GatewayTopic.parse(topic)


@given(st.text())
def test_no_text_breaks_the_parsers(topic: str) -> None:
    for parse in (DeviceTopic.parse, GatewayTopic.parse):
        try:
            parse(topic)
        except Malformed:
            continue
