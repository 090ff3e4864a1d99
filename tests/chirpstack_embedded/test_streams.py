"""What the log views keep, and what they forget."""

from chirpstack_embedded.streams import Streams


def kept(streams: Streams, identifier: str) -> list[str]:
    looked = iter([True, False])
    found = streams.follow("device-event", identifier, lambda: next(looked))
    return [item.description for item in found]


def add(streams: Streams, identifier: str, *descriptions: str) -> None:
    for description in descriptions:
        streams.add(
            "device-event", identifier, time_ns=0, description=description, body="{}"
        )


def test_a_view_keeps_the_last_ten_lines() -> None:
    streams = Streams()

    add(streams, "a", *(str(number) for number in range(12)))

    assert [str(number) for number in range(2, 12)] == kept(streams, "a")


def test_many_devices_together_keep_no_more_than_the_most_lines() -> None:
    streams = Streams(most_lines=3)

    add(streams, "a", "first", "second")
    add(streams, "b", "third", "fourth")
    add(streams, "a", "fifth")

    assert (["fifth"], ["third", "fourth"]) == (kept(streams, "a"), kept(streams, "b"))


def test_a_view_without_lines_is_forgotten() -> None:
    streams = Streams(most_lines=1)

    add(streams, "a", "first")
    add(streams, "b", "second")

    assert [("device-event", "b")] == list(streams._views)
