import pytest

from faas import Uplink, on_event, on_uplink
from faas.functions import OnBatch, OnEvent, Retry, on_batch, wants
from faas.testing import document, event, uplink


def test_a_labelled_handler_is_still_called_as_it_was_written() -> None:
    seen = []

    @on_uplink(device_type="street-light")
    def note(event: Uplink, times: int) -> None:
        seen.extend([event.dev_eui] * times)

    note(uplink(), times=2)

    assert ["0102030405060708"] * 2 == seen
    assert ("note", ("times",)) == (note.name, note.ports)


def test_each_label_says_what_wakes_its_handler() -> None:
    @on_event(kind="join", device_type="street-light")
    def joined(event: object) -> None: ...

    @on_batch(max_events=5)
    def everything(batch: object) -> None: ...

    assert OnEvent(kind="join", device_type="street-light") == joined.trigger
    assert OnBatch(max_events=5) == everything.trigger


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        (OnEvent(kind="up"), True),
        (OnEvent(kind="up", device_type="street-light"), True),
        (OnEvent(kind="up", device_type="parking-bay"), False),
        (OnEvent(kind="up", message="status"), True),
        (OnEvent(kind="up", message="usage"), False),
        (OnEvent(kind="join"), False),
    ],
)
def test_an_uplink_wakes_who_wants_it(trigger: OnEvent, *, expected: bool) -> None:
    assert expected is wants(trigger, uplink({"message": "status"}))


def test_only_uplinks_have_messages() -> None:
    joined = event("join", document(devAddr="01a7c3e5"))

    assert not wants(OnEvent(kind="join", message="status"), joined)


def test_pauses_grow_to_the_longest_and_end() -> None:
    retry = Retry(attempts=5, first_s=1, factor=4, longest_s=20)

    assert [1, 4, 16, 20, None] == [retry.pause_s(n) for n in range(1, 6)]
