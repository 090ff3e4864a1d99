from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from faas import (
    Clock,
    Commands,
    Event,
    GiveUp,
    Notices,
    State,
    Twin,
    Uplink,
    on_event,
    on_uplink,
)
from faas.app import ONLY, create_app
from faas.cloudevents import BATCH, SEQUENCE, SINGLE, envelope, sequence
from faas.testing import document, uplink_document

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@on_uplink(device_type="street-light")
def brighten(event: Uplink, commands: Commands) -> None:
    commands.send(event.dev_eui.upper(), {"level": 100}, why="motion", expires_s=60)


@on_uplink(device_type="parking-bay")
def count(event: Uplink, state: State, twin: Twin, notices: Notices) -> None:
    told = state.read().get("told", 0) + 1
    state.write({"told": told})
    state.add("told")
    state.add("told")
    twin.show("Bay", {"told": told, "f_cnt": event.f_cnt})
    notices.send("told", level="warning")


@on_event(kind="join")
def fail(event: Event) -> None:
    raise RuntimeError(f"{event.dev_eui} is not wanted")


@on_event(kind="status")
def give_up(event: Event) -> None:
    raise GiveUp(f"no use: {event.kind}")


@on_event(kind="log")
def unwritable(event: Event, state: State, clock: Clock) -> None:
    state.write({"set": {event.kind}, "at": clock.now()})


@on_event(kind="location")
def forget(event: Event, state: State, twin: Twin) -> None:
    twin.show(event.kind, {"was": state.read()})
    state.write({})


HANDLERS = (brighten, count, fail, forget, give_up, unwritable)
APP = create_app({f.name: f for f in HANDLERS})


@pytest.fixture
def client() -> FlaskClient:
    return APP.test_client()


def cloud_event(
    data: dict[str, Any], kind: str = "up", event_id: str = "p00-5-0", **memory: Any
) -> bytes:
    return envelope(
        event_id=event_id,
        kind=kind,
        source="/application/a",
        arrived_ms=1_000,
        payload=orjson.dumps(data),
        memory=memory,
    )


def post_batch(client: FlaskClient, *events: bytes, **headers: str) -> Any:
    body = b"[" + b",".join(events) + b"]"
    answer = client.post("/", data=body, content_type=BATCH, headers=headers)
    assert 200 == answer.status_code
    return answer.json


def without_time(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in a.items() if k != "seconds"} for a in answers]


def test_a_batch_is_answered_event_by_event(client: FlaskClient) -> None:
    lamp = cloud_event(uplink_document(), event_id="p00-1-0")
    other = cloud_event(uplink_document(device_type="other"), event_id="p00-2-0")
    found = post_batch(client, lamp, other)

    assert ["p00-1-0", "p00-2-0"] == [each["id"] for each in found]
    assert [
        {
            "function": "brighten",
            "outcome": "done",
            "effects": {
                "commands": [
                    {
                        "dev_eui": "0102030405060708",
                        "object": {"level": 100},
                        "why": "motion",
                        "expires_s": 60,
                        "supersedes": True,
                    }
                ]
            },
        }
    ] == without_time(found[0]["answers"])
    assert [] == found[1]["answers"]


def test_a_sequence_is_answered_as_a_batch_is(client: FlaskClient) -> None:
    lamp = cloud_event(uplink_document(), event_id="p00-1-0")
    bay = cloud_event(uplink_document(device_type="parking-bay"), event_id="p00-2-0")
    answer = client.post("/", data=sequence([lamp, bay]), content_type=SEQUENCE)

    assert 200 == answer.status_code
    assert answer.json is not None
    assert [
        {"id": each["id"], "answers": without_time(each["answers"])}
        for each in post_batch(client, lamp, bay)
    ] == [
        {"id": each["id"], "answers": without_time(each["answers"])}
        for each in answer.json
    ]


@pytest.mark.parametrize("body", [b"{}", b"\x1e", b"\x1e{}", b"\x1e[]"])
def test_what_is_no_sequence_is_refused(client: FlaskClient, body: bytes) -> None:
    answer = client.post("/", data=body, content_type=SEQUENCE)

    assert 400 == answer.status_code


def test_a_field_that_cannot_be_read_will_never_work(client: FlaskClient) -> None:
    bay = cloud_event({**uplink_document(device_type="parking-bay"), "fCnt": -1})
    (found,) = post_batch(client, bay)

    assert [
        {
            "function": "count",
            "outcome": "dead",
            "reason": "asked for a ChirpStack 'up' event; "
            "found fCnt = -1, not a 32-bit counter",
        }
    ] == without_time(found["answers"])


def test_ports_collect_and_change_nothing(client: FlaskClient) -> None:
    bay = cloud_event(uplink_document(device_type="parking-bay"), count={"told": 4})
    (found,) = post_batch(client, bay)

    assert {
        "memory": {"told": 5},
        "counts": {"told": 2},
        "twin": {"Bay": {"told": 5, "f_cnt": 1}},
        "notices": [
            {"text": "told", "level": "warning", "dev_eui": "0102030405060708"}
        ],
    } == found["answers"][0]["effects"]


def test_memory_is_carried_from_event_to_event_of_a_device(client: FlaskClient) -> None:
    bay = cloud_event(uplink_document(device_type="parking-bay"), count={"told": 4})
    other = cloud_event(
        uplink_document(device_type="parking-bay", dev_eui="00000000000000ff")
    )
    found = post_batch(client, bay, other, bay)

    assert [5, 1, 6] == [
        each["answers"][0]["effects"]["memory"]["told"] for each in found
    ]


def test_what_is_forgotten_stays_forgotten_for_the_next_event(
    client: FlaskClient,
) -> None:
    first = cloud_event(document(), "location", forget={"told": 4})
    found = post_batch(client, first, first)

    assert [{"was": {"told": 4}}, {"was": {}}] == [
        each["answers"][0]["effects"]["twin"]["location"] for each in found
    ]


def test_a_handler_that_raises_is_tried_again_and_says_where(
    client: FlaskClient,
) -> None:
    (found,) = post_batch(client, cloud_event(document(devAddr="01a7c3e5"), "join"))
    (answer,) = found["answers"]

    assert "retry" == answer["outcome"]
    assert answer["reason"].startswith(
        "RuntimeError: 0102030405060708 is not wanted (in fail:"
    )
    assert "effects" not in answer


def test_a_handler_that_gives_up_is_not_tried_again(client: FlaskClient) -> None:
    (found,) = post_batch(client, cloud_event(document(margin=1), "status"))

    assert [{"function": "give_up", "outcome": "dead", "reason": "no use: status"}] == (
        without_time(found["answers"])
    )


def test_effects_that_cannot_be_written_are_a_failure(client: FlaskClient) -> None:
    (found,) = post_batch(client, cloud_event(document(), "log"))

    assert "retry" == found["answers"][0]["outcome"]
    assert "not JSON serializable: set" in found["answers"][0]["reason"]


def test_only_the_functions_asked_for_run(client: FlaskClient) -> None:
    lamp = cloud_event(uplink_document())
    (found,) = post_batch(client, lamp, **{ONLY: "count,fail"})

    assert [] == found["answers"]


def test_a_single_structured_event_is_answered_alone(client: FlaskClient) -> None:
    answer = client.post("/", data=cloud_event(uplink_document()), content_type=SINGLE)

    assert 200 == answer.status_code
    assert answer.json is not None
    assert "p00-5-0" == answer.json["id"]
    assert "done" == answer.json["answers"][0]["outcome"]


def test_a_single_binary_event_is_answered_alone(client: FlaskClient) -> None:
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "x",
        "ce-source": "/curl",
        "ce-type": "io.chirpstack.event.up",
        "ce-time": "2026-09-14T12:00:00Z",
    }
    answer = client.post("/", json=uplink_document(), headers=headers)

    assert 200 == answer.status_code
    assert answer.json is not None
    assert ("x", "done") == (answer.json["id"], answer.json["answers"][0]["outcome"])


def test_a_single_event_wanted_again_is_answered_503(client: FlaskClient) -> None:
    body = cloud_event(document(devAddr="01a7c3e5"), "join")

    assert 503 == client.post("/", data=body, content_type=SINGLE).status_code


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "asked for JSON"),
        (b"[]", "asked for a CloudEvent; found list"),
        (b"{}", "asked for specversion 1.0; found None"),
        (b'{"specversion":"1.0","type":"t"}', "asked for a type io.chirpstack.event."),
        (
            b'{"specversion":"1.0","type":"io.chirpstack.event.up"}',
            "asked for a CloudEvent with an id",
        ),
        (
            b'{"specversion":"1.0","type":"io.chirpstack.event.up","id":"a"}',
            "asked for a ChirpStack 'up' event",
        ),
        (
            (
                b'{"specversion":"1.0","type":"io.chirpstack.event.up","id":"a",'
                b'"time":"noon"}'
            ),
            "asked for the event's time",
        ),
    ],
)
def test_what_is_no_cloud_event_is_refused_with_a_reason(
    client: FlaskClient, body: bytes, said: str
) -> None:
    answer = client.post("/", data=body, content_type=SINGLE)

    assert 400 == answer.status_code
    assert answer.json is not None
    assert said in answer.json["error"]


@given(st.sampled_from([BATCH, SEQUENCE, SINGLE, "text/plain"]), st.binary())
def test_any_bytes_are_answered_or_refused(content_type: str, body: bytes) -> None:
    answer = APP.test_client().post("/", data=body, content_type=content_type)

    assert answer.status_code in {200, 400}


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "specversion": st.just("1.0") | JSON,
            "id": st.text() | JSON,
            "type": st.just("io.chirpstack.event.up") | JSON,
            "time": st.text() | JSON,
            "arrivedms": st.integers() | JSON,
            "memory": st.just("{}") | JSON,
            "data": st.builds(uplink_document, f_cnt=st.integers(0, 9)) | JSON,
        },
    )
)
def test_any_attributes_are_answered_or_refused(found: dict[str, Any]) -> None:
    try:
        body = orjson.dumps([found])
    except TypeError:  # an integer beyond 64 bits cannot be JSON here
        return
    answer = APP.test_client().post("/", data=body, content_type=BATCH)

    assert answer.status_code in {200, 400}


def test_health_names_the_functions(client: FlaskClient) -> None:
    assert {
        "functions": ["brighten", "count", "fail", "forget", "give_up", "unwritable"]
    } == client.get("/health").json


def test_metrics_count_calls_and_failures() -> None:
    client = create_app({"fail": fail}).test_client()
    client.post(
        "/", data=cloud_event(document(devAddr="01a7c3e5"), "join"), content_type=SINGLE
    )
    text = client.get("/metrics").text

    assert 'garonne_function_invoked_total{function="fail"} 1.0' in text
    assert 'garonne_function_failed_total{function="fail"} 1.0' in text
