import pytest

from faas.streams import device_of, event_id, kind_of, partition_of

TOPIC = "application/1b7f4c0e/device/A81758FFFE0301C4/event/up"


def test_a_devices_events_share_its_partition_whatever_the_case() -> None:
    lower = partition_of(TOPIC.lower(), 64)

    assert {lower} == {
        partition_of(TOPIC, 64),
        partition_of(TOPIC.replace("/up", "/txack"), 64),
    }


def test_a_topic_is_read_for_its_device_and_kind() -> None:
    assert ("a81758fffe0301c4", "up") == (device_of(TOPIC), kind_of(TOPIC))


@pytest.mark.parametrize(
    "topic", ["", "weather", "application/a/device/b/event/up", TOPIC + "/more", "é\n"]
)
def test_a_topic_without_a_device_has_a_partition_too(topic: str) -> None:
    assert partition_of(topic, 4) in range(4)
    assert (None, None) == (device_of(topic), kind_of(topic))


def test_an_event_is_named_by_partition_and_place() -> None:
    assert "p03-1795254044803-0" == event_id(3, "1795254044803-0")
