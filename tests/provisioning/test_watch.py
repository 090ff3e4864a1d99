"""The technician hears of the join, of the first values, or of the reason."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from city.errors import Unreachable
from city.objects import DeviceEvent
from provisioning.watch import SILENCE, JoinNews, tell, watch_join

NOW = 1_800_000_000.0


def event(kind: str, body: dict[str, Any], at: float = NOW, **said: str) -> DeviceEvent:
    return DeviceEvent(
        id="1", kind=kind, time=at, body=json.dumps(body), properties=said
    )


JOIN = event("join", {"devAddr": "01a7c3e5"})
UP = event(
    "up",
    {
        "fPort": 23,
        "object": {"level": 40.0},
        "rxInfo": [{"rssi": -97}, {"rssi": -61}],
    },
)


class Stream:
    """Gives what it has, then waits until it is closed, or ends with an error."""

    def __init__(self, *events: DeviceEvent, error: Exception | None = None) -> None:
        self.events, self.error = events, error
        self.closed = threading.Event()

    @contextmanager
    def device_events(self, dev_eui: str) -> Iterator[Iterator[DeviceEvent]]:
        del dev_eui
        try:
            yield self._all()
        finally:
            self.closed.set()

    def _all(self) -> Iterator[DeviceEvent]:
        yield from self.events
        if self.error:
            raise self.error
        self.closed.wait(10)


def watch(stream: Stream, **limits: float) -> list[JoinNews]:
    return list(watch_join(stream, "0102030405060708", clock=lambda: NOW, **limits))


def test_a_join_and_the_first_values_end_the_watch() -> None:
    stream = Stream(JOIN, UP)

    news = watch(stream)

    assert ["joined", "values"] == [one.kind for one in news]
    assert "it has joined, as 01a7c3e5" == news[0].sentence
    assert {"level": 40.0} == news[1].values
    assert "it speaks (by 2 gateways, best -61 dBm)" == news[1].sentence
    assert stream.closed.is_set()


def test_what_was_before_is_not_news() -> None:
    old = event("up", {"object": {"level": 1.0}}, at=NOW - 3600)

    assert [{"level": 40.0}] == [n.values for n in watch(Stream(old, UP))]


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("UPLINK_MIC", "refused", "the key is wrong"),
        ("OTAA", "refused", "DevNonce was used before"),
        ("UPLINK_CODEC", "trouble", "could not be decoded"),
        ("DOWNLINK_GATEWAY", "trouble", "could not send"),
    ],
)
def test_a_reason_of_the_server_is_told_in_our_words(
    code: str, kind: str, words: str
) -> None:
    log = event("log", {"level": "ERROR", "code": code, "description": "it said"})

    news = tell(log)

    assert news is not None
    assert kind == news.kind
    assert words in news.sentence
    assert news.sentence.endswith("(ChirpStack: it said)")


def test_an_uplink_that_nothing_decodes_is_trouble() -> None:
    news = tell(event("up", {"fPort": 7, "rxInfo": [{"rssi": -80}]}))

    assert news is not None
    assert "it is heard (once, best -80 dBm), on port 7, but nothing decodes that" == (
        news.sentence
    )


def test_silence_is_news_too() -> None:
    passing = count(NOW, 10.0)

    news = list(
        watch_join(
            Stream(),
            "0102030405060708",
            silence_s=30.0,
            timeout_s=80.0,
            poll_s=0.0,
            clock=lambda: next(passing),
        )
    )

    assert [SILENCE] == [one.sentence for one in news]


def test_a_stream_that_ends_is_told() -> None:
    (lost,) = watch(Stream(error=Unreachable("ChirpStack's API does not answer")))

    assert "lost" == lost.kind
    assert "does not answer" in lost.sentence


@given(kind=st.sampled_from(["up", "join", "log", "status", "x"]), body=st.text())
def test_any_body_is_read(kind: str, body: str) -> None:
    told = tell(DeviceEvent(id="", kind=kind, time=NOW, body=body, properties={}))

    assert told is None or told.sentence


@given(
    kind=st.sampled_from(["up", "join", "log"]),
    body=st.dictionaries(
        st.sampled_from(
            ["object", "rxInfo", "code", "devAddr", "fPort", "description"]
        ),
        st.none()
        | st.integers()
        | st.text()
        | st.lists(st.none() | st.dictionaries(st.just("rssi"), st.integers())),
    ),
)
def test_any_document_is_read(kind: str, body: dict[str, Any]) -> None:
    told = tell(event(kind, body))

    assert told is None or told.sentence
