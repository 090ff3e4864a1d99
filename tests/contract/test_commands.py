"""``command/down``: what an application may say, and that nobody hears its mistakes."""

import uuid
from typing import Any

import pytest
from chirpstack_api import api
from tests.contract.world import World

ENCODER = """
function encodeDownlink(input) {
  return { bytes: [input.data.dim, 300, -1, 1.9], fPort: 17 };
}
function decodeUplink(input) { return { data: {} }; }
"""


def command(world: World, **document: Any) -> dict[str, Any]:
    return {"devEui": world.cast.dev_eui, "fPort": 10, "data": "AwDI", **document}


def then_only_the_next_is_queued(world: World) -> None:
    """Queue one that is right; whatever came before it was refused in silence."""
    world.when_command(command(world, data="/w=="))
    items = queue_of(world, 1)
    assert [b"\xff"] == [item.data for item in items]
    world.then_nothing()


def queue_of(world: World, count: int) -> list[Any]:
    """Wait until the queue holds so many items: commands are not answered."""
    request = api.GetDeviceQueueItemsRequest(dev_eui=world.cast.dev_eui)
    for _ in range(2000):
        answer = world.stage.caller.do("DeviceService/GetQueue", request)
        if answer.total_count >= count:
            break
    return world.then_queue()


@pytest.mark.proves("mqtt:command/down", "check:8")
def test_a_commands_id_is_the_queue_item_of_its_events(world: World) -> None:
    world.given_joined()
    item_id = str(uuid.uuid4())
    world.when_command(command(world, id=item_id, confirmed=True))
    (item,) = queue_of(world, 1)
    world.when_uplink()
    world.then_event("up")
    world.when_tx_ack(world.then_downlink())

    txack = world.then_event("txack")

    assert (item_id, True, 10) == (item.id, item.confirmed, item.f_port)
    assert item_id == txack["queueItemId"]


@pytest.mark.proves("trap:13")
def test_an_id_in_the_queue_is_refused_in_silence(world: World) -> None:
    world.given_joined()
    item_id = str(uuid.uuid4())
    world.when_command(command(world, id=item_id))
    queue_of(world, 1)
    world.when_command(command(world, id=item_id, data="/w=="))
    world.when_command(command(world, data="AA=="))

    assert [b"\x03\x00\xc8", b"\x00"] == [item.data for item in queue_of(world, 2)]
    world.then_nothing()


@pytest.mark.proves("trap:13")
def test_a_dev_eui_in_another_case_than_the_topics_is_refused(world: World) -> None:
    world.given_joined()
    world.when_command(command(world, devEui=world.cast.dev_eui.upper()))

    then_only_the_next_is_queued(world)


def test_an_upper_case_dev_eui_in_both_places_is_taken(world: World) -> None:
    world.given_joined()
    upper = world.cast.dev_eui.upper()
    world.when_command(command(world, devEui=upper), dev_eui=upper)

    assert 1 == len(queue_of(world, 1))


@pytest.mark.proves("trap:13")
@pytest.mark.parametrize(("asked", "queued"), [(257, 1), (511, 255)])
def test_a_port_is_cut_to_eight_bits(world: World, asked: int, queued: int) -> None:
    world.given_joined()
    world.when_command(command(world, fPort=asked))

    (item,) = queue_of(world, 1)

    assert queued == item.f_port


@pytest.mark.proves("trap:13")
@pytest.mark.parametrize(
    "wrong",
    [
        {"fPort": 0},
        {"fPort": 256},
        {"fPort": None},
        {"confirmed": "true"},
        {"id": "not-a-uuid"},
        {"data": "not base64!"},
        {"expiresAt": "tomorrow"},
    ],
    ids=str,
)
def test_a_wrong_field_is_refused_in_silence(
    world: World, wrong: dict[str, Any]
) -> None:
    world.given_joined()
    world.when_command(command(world, **wrong))

    then_only_the_next_is_queued(world)


@pytest.mark.proves("trap:13")
@pytest.mark.parametrize("octets", [b"", b"{", b"[]", b"\xff\xfe"], ids=repr)
def test_what_is_no_json_object_is_refused_in_silence(
    world: World, octets: bytes
) -> None:
    world.given_joined()
    world.when_command(octets)

    then_only_the_next_is_queued(world)


def test_another_applications_topic_is_refused(world: World) -> None:
    world.given_joined()
    other = world.beside("other")
    other.given_device()
    topic = (
        f"application/{other.cast.application_id}/device/{world.cast.dev_eui}"
        "/command/down"
    )
    world.stage.air.say(topic, b'{"devEui": "%s"}' % world.cast.dev_eui.encode())

    then_only_the_next_is_queued(world)


def test_another_command_than_down_is_not_known(world: World) -> None:
    world.given_joined()
    world.when_command(command(world), kind="up")

    then_only_the_next_is_queued(world)


def test_keys_may_be_in_snake_case_and_numbers_may_be_texts(world: World) -> None:
    world.given_joined()
    document = {
        "dev_eui": world.cast.dev_eui,
        "f_port": "12",
        "data": "__79",
        "unknown": {"key": 1},
        "expires_at": "2100-01-01T00:00:00Z",
    }
    world.when_command(document)

    (item,) = queue_of(world, 1)

    assert (12, b"\xff\xfe\xfd") == (item.f_port, item.data)


def test_an_expiry_in_the_past_is_taken(world: World) -> None:
    world.given_joined()
    world.when_command(command(world, expiresAt="2001-01-01T00:00:00Z"))

    assert 1 == len(queue_of(world, 1))


@pytest.mark.proves("codec:none", "trap:13")
def test_an_object_without_a_codec_is_an_empty_payload(world: World) -> None:
    world.given_joined()
    world.when_command(command(world, object={"dim": 40}))

    (item,) = queue_of(world, 1)

    assert (10, b"") == (item.f_port, item.data)


@pytest.mark.proves("codec:js-encode")
def test_the_codec_makes_the_payload_and_may_choose_the_port(world: World) -> None:
    world.given_joined()
    world.given_codec(ENCODER)
    world.when_command(command(world, object={"dim": 40}))

    (item,) = queue_of(world, 1)

    assert (17, bytes((40, 255, 0, 1))) == (item.f_port, item.data)


@pytest.mark.proves("codec:js-encode", "trap:13")
def test_a_codec_that_fails_is_refused_in_silence(world: World) -> None:
    world.given_joined()
    world.given_codec("function encodeDownlink(input) { throw new Error('boom'); }")
    world.when_command(command(world, object={"dim": 40}))

    then_only_the_next_is_queued(world)
