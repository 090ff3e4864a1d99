"""What the technician reads until a new device has joined and spoken."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from garonne.arrival import HINT_AFTER_S, Arrival

MIC: dict[str, Any] = {
    "level": "ERROR",
    "code": "UPLINK_MIC",
    "description": "MIC of join-request is invalid, make sure keys are correct",
}

JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def test_the_join_and_the_first_decoded_values_are_shown() -> None:
    arrival = Arrival("bay-09")

    assert ["joined after 6.2 s with DevAddr 01a7c3e5"] == arrival.feed(
        "join", {"devAddr": "01a7c3e5"}, 6.2
    )
    assert [] == arrival.feed("up", {"data": ""}, 7)
    lines = arrival.feed(
        "up",
        {"object": {"occupied": True}, "rxInfo": [{"rssi": -97}, {"rssi": -80}]},
        8.0,
    )

    assert "first values after 8.0 s, 2 gateways, best -80 dBm:" == lines[0]
    assert ["occupied", "True"] == lines[1].split()
    assert arrival.ended


def test_a_wrong_key_is_named_once() -> None:
    arrival = Arrival("bay-09")

    (line,) = arrival.feed("log", MIC, 5)

    assert "its AppKey is not the one that was typed" in line
    assert [] == arrival.feed("log", MIC, 6)
    assert [] == arrival.wait(100)
    assert "AppKey" in arrival.why_not()


def test_silence_gets_a_hint_once() -> None:
    arrival = Arrival("bay-09")

    assert [] == arrival.wait(HINT_AFTER_S - 1)
    assert "is it powered" in arrival.wait(HINT_AFTER_S)[0]
    assert [] == arrival.wait(HINT_AFTER_S + 1)


def test_a_join_clears_an_earlier_cause() -> None:
    arrival = Arrival("bay-09")
    arrival.feed("log", MIC, 5)

    arrival.feed("join", {"devAddr": "1"}, 6)

    assert "sent nothing that its codec decodes" in arrival.why_not()


@given(
    kind=st.sampled_from(["up", "join", "log", "status", "?"]),
    document=st.dictionaries(
        st.sampled_from(["object", "devAddr", "level", "code", "description"])
        | st.text(),
        JSON,
    ),
)
def test_no_document_makes_it_stumble(kind: str, document: dict[str, Any]) -> None:
    assert isinstance(Arrival("x").feed(kind, document, 1.0), list)
