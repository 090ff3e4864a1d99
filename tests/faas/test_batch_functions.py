"""Batch functions in the processes of their own in which all functions run."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas.batches import Batch, Stored
from faas.cloudevents import range_envelopes, read_range
from faas.errors import NotAnEvent
from faas.worker.executor import Executors, HandlerLost

TOPIC = "application/a/device/a81758fffe0301c4/event/up"

HANDLERS = """
import os, signal, time
from faas import Archive, Batch, on_batch

@on_batch()
def archived(batch: Batch, archive: Archive) -> None:
    archive.keep(batch)

@on_batch()
def looked_at(batch: Batch) -> None:
    pass

@on_batch()
def broken(batch: Batch) -> None:
    raise ValueError("no use")

@on_batch()
def another(batch: Batch, archive: Archive) -> None:
    archive.keep(Batch(partition=1, events=batch.events))

@on_batch()
def crashing(batch: Batch) -> None:
    os.kill(os.getpid(), signal.SIGKILL)

@on_batch()
def hanging(batch: Batch) -> None:
    while True:
        time.sleep(1)
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Executors]:
    folder = tmp_path_factory.mktemp("batch-handlers")
    (folder / "stories.py").write_text(HANDLERS, encoding="utf-8")
    executors = Executors(folder, 1)
    yield executors
    executors.close()


def a_batch(*payloads: bytes) -> Batch:
    stored = [
        Stored(entry=f"{n}-0", topic=TOPIC, payload=p) for n, p in enumerate(payloads)
    ]
    return Batch(partition=3, events=tuple(stored))


def answer(running: Executors, name: str, timeout_s: float = 20.0) -> dict[str, object]:
    with running.borrow() as executor:
        body = range_envelopes(a_batch(b"{}", b"\xff not json"))
        (found,) = executor.run(body, [name], timeout_s=timeout_s)
    assert "p03-0-0..1-0" == found["id"]
    (only,) = found["answers"]
    return {k: v for k, v in only.items() if k != "seconds"}


@given(st.lists(st.tuples(st.text(), st.binary()), min_size=1))
def test_a_range_is_carried_byte_for_byte(found: list[tuple[str, bytes]]) -> None:
    events = tuple(
        Stored(entry=f"{n}-{n}", topic=topic, payload=payload)
        for n, (topic, payload) in enumerate(found)
    )
    batch = Batch(partition=3, events=events)

    assert batch == read_range(range_envelopes(batch))


@given(st.binary())
def test_what_is_no_range_is_refused(body: bytes) -> None:
    with pytest.raises(NotAnEvent):
        read_range(body)


def test_a_range_of_two_streams_is_refused() -> None:
    other = Batch(partition=4, events=a_batch(b"{}").events)
    mixed = range_envelopes(a_batch(b"{}"))[:-1] + b"," + range_envelopes(other)[1:]

    with pytest.raises(NotAnEvent, match="asked for a range of one stream"):
        read_range(mixed)


def test_the_bytes_of_an_event_are_read_when_it_is_looked_at() -> None:
    whole = range_envelopes(a_batch(b"first", b"second"))
    broken = read_range(whole.replace(b'"c2Vjb25k"', b'"%"'))

    assert b"first" == broken.events[0].payload
    with pytest.raises(NotAnEvent, match="asked for a stored event"):
        _ = broken.events[1]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("archived", {"outcome": "done", "effects": {"kept": True}}),
        ("looked_at", {"outcome": "done", "effects": {}}),
    ],
)
def test_a_batch_function_says_what_is_to_be_done_with_its_range(
    running: Executors, name: str, expected: dict[str, object]
) -> None:
    assert {"function": name} | expected == answer(running, name)


@pytest.mark.parametrize("name", ["broken", "another"])
def test_a_batch_function_that_fails_is_to_see_its_range_again(
    running: Executors, name: str
) -> None:
    assert "retry" == answer(running, name)["outcome"]


def test_a_batch_function_that_crashes_or_hangs_ends_alone(running: Executors) -> None:
    with pytest.raises(HandlerLost, match="signal 9"):
        answer(running, "crashing")
    with pytest.raises(HandlerLost, match=r"ended after 0\.1 s"):
        answer(running, "hanging", timeout_s=0.1)

    assert "done" == answer(running, "archived")["outcome"]
