"""``command/down``: what is taken and what is dropped (contract §3.5)."""

from typing import Any

import pytest
from chirpstack_api import api

EUI = "a81758fffe0301c4"
ID = "c2c1d1a7-42a8-4a5f-9d5c-6f1b8fc0a9b2"
ENCODER = """
function encodeDownlink(input) {
  if (input.data.port) { return {bytes: [1], fPort: input.data.port}; }
  return {bytes: [3, input.data.level, -1, 300, 1.9]};
}
"""


@pytest.fixture
def lamp(world: Any) -> Any:
    world.given_gateways()
    world.given_device()
    return world


def test_the_contracts_example_is_queued(lamp: Any) -> None:
    lamp.when_command(
        {
            "id": ID,
            "devEui": EUI,
            "confirmed": False,
            "fPort": 10,
            "data": "AwDI",
            "expiresAt": "2026-09-14T09:00:00Z",
        }
    )

    (item,) = lamp.device.queue
    assert (ID, 10, b"\x03\x00\xc8", False, 1_789_376_400.0) == (
        item.id,
        item.f_port,
        item.data,
        item.confirmed,
        item.expires_at,
    )


def test_snake_case_texts_for_numbers_and_unknown_keys_are_taken(lamp: Any) -> None:
    lamp.when_command({"dev_eui": EUI, "f_port": "7", "data": "_-8", "colour": "red"})

    (item,) = lamp.device.queue
    assert (7, b"\xff\xef") == (item.f_port, item.data)


def test_an_id_is_made_when_none_is_given(lamp: Any) -> None:
    lamp.when_command({"devEui": EUI, "fPort": 1})

    assert 36 == len(lamp.device.queue[0].id)


@pytest.mark.parametrize(("given", "kept"), [(257, 1), (511, 255)])
def test_a_port_is_cut_to_8_bits(lamp: Any, given: int, kept: int) -> None:
    lamp.when_command({"devEui": EUI, "fPort": given})

    assert kept == lamp.device.queue[0].f_port


def test_an_expiry_in_the_past_is_taken(lamp: Any) -> None:
    lamp.when_command({"devEui": EUI, "fPort": 1, "expiresAt": "2001-01-01T00:00:00Z"})

    assert 1 == len(lamp.device.queue)


@pytest.mark.parametrize(
    ("cause", "document", "topic"),
    [
        ("undecodable", b"{", {}),
        ("undecodable", b"[]", {}),
        ("undecodable", b"\xff", {}),
        ("undecodable", {"devEui": EUI, "fPort": 1, "confirmed": "true"}, {}),
        ("undecodable", {"devEui": EUI, "fPort": None}, {}),
        ("undecodable", {"devEui": EUI, "fPort": -1}, {}),
        ("undecodable", {"devEui": EUI, "fPort": 1, "data": "?"}, {}),
        ("unknown_command", {"devEui": EUI, "fPort": 1}, {"kind": "up"}),
        ("dev_eui_mismatch", {"devEui": EUI.upper(), "fPort": 1}, {}),
        ("dev_eui_mismatch", {"fPort": 1}, {}),
        ("malformed_id", {"devEui": "xyz", "fPort": 1}, {"dev_eui": "xyz"}),
        ("malformed_id", {"devEui": EUI, "fPort": 1}, {"application_id": "mine"}),
        ("malformed_id", {"devEui": EUI, "fPort": 1, "id": "mine"}, {}),
        ("unknown_device", {"devEui": "00" * 8, "fPort": 1}, {"dev_eui": "00" * 8}),
        (
            "application_mismatch",
            {"devEui": EUI, "fPort": 1},
            {"application_id": "00000000-0000-4000-8000-000000000000"},
        ),
        ("f_port", {"devEui": EUI, "fPort": 0}, {}),
        ("f_port", {"devEui": EUI, "fPort": 256}, {}),
    ],
)
def test_what_is_wrong_is_a_warning_and_nothing_else(
    lamp: Any, cause: str, document: Any, topic: dict[str, str]
) -> None:
    lamp.when_command(document, **topic)

    assert ([], [], []) == (lamp.device.queue, lamp.events, lamp.downlinks)
    assert {cause: 1} == lamp.then_causes()
    assert any(f"cause={cause}" in line for line in lamp.warnings)


def test_an_id_is_queued_once_and_free_again_when_its_row_is_gone(lamp: Any) -> None:
    lamp.when_command({"id": ID, "devEui": EUI, "fPort": 1})
    lamp.when_command({"id": ID, "devEui": EUI, "fPort": 2})
    assert [1] == [item.f_port for item in lamp.device.queue]
    assert {"duplicate_id": 1} == lamp.then_causes()
    with lamp.store.transaction():
        lamp.store.devices.flush_queue(lamp.device)

    lamp.when_command({"id": ID, "devEui": EUI, "fPort": 3})

    assert [3] == [item.f_port for item in lamp.device.queue]


def given_codec(world: Any, script: str = ENCODER) -> None:
    world.given_gateways()
    world.given_device(
        payload_codec_runtime=api.CodecRuntime.JS, payload_codec_script=script
    )


def test_an_object_is_encoded_and_replaces_the_data(world: Any) -> None:
    given_codec(world)

    world.when_command(
        {"devEui": EUI, "fPort": 9, "data": "AA==", "object": {"level": 40}}
    )

    (item,) = world.device.queue
    assert (9, bytes((3, 40, 0, 255, 1))) == (item.f_port, item.data)


def test_a_codec_may_choose_the_port(world: Any) -> None:
    given_codec(world)

    world.when_command({"devEui": EUI, "fPort": 9, "object": {"port": 50}})

    assert (50, b"\x01") == (world.device.queue[0].f_port, world.device.queue[0].data)


def test_a_codec_that_fails_drops_the_command_silently(world: Any) -> None:
    given_codec(world, "function encodeDownlink() { return {errors: ['no']}; }")

    world.when_command({"devEui": EUI, "fPort": 9, "object": {"level": 1}})

    assert ({"codec": 1}, []) == (world.then_causes(), world.events)


def test_an_object_without_codec_becomes_an_empty_payload(lamp: Any) -> None:
    lamp.when_command({"devEui": EUI, "fPort": 9, "data": "AA==", "object": {"a": 1}})

    assert b"" == lamp.device.queue[0].data
