import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.chirpstack.commands import DownlinkCommand
from wire.errors import Illegal, Malformed
from wire.eui64 import EUI64

DEV_EUI = EUI64.parse("a81758fffe0301c4")
ID = "c2c1d1a7-42a8-4a5f-9d5c-6f1b8fc0a9b2"


def test_a_command_with_octets_is_the_servers_document() -> None:
    command = DownlinkCommand(
        id=ID,
        dev_eui=DEV_EUI,
        f_port=10,
        data=b"\x03\x00\xc8",
        expires_at_s=1789376400,
    )

    assert {
        "id": ID,
        "devEui": "a81758fffe0301c4",
        "confirmed": False,
        "fPort": 10,
        "data": "AwDI",
        "expiresAt": "2026-09-14T09:00:00.000Z",
    } == json.loads(bytes(command))


def test_a_command_with_an_object_leaves_the_octets_to_the_codec() -> None:
    command = DownlinkCommand(dev_eui=DEV_EUI, object={"level": 40})

    assert {
        "devEui": "a81758fffe0301c4",
        "confirmed": False,
        "object": {"level": 40},
    } == json.loads(bytes(command))


@given(
    st.builds(
        DownlinkCommand,
        dev_eui=st.binary(min_size=8, max_size=8).map(EUI64),
        f_port=st.integers(1, 255),
        data=st.binary(max_size=242),
        id=st.uuids().map(str),
        confirmed=st.booleans(),
        expires_at_s=st.none() | st.integers(0, 4_000_000_000).map(float),
    )
)
def test_a_command_reads_as_it_was_written(command: DownlinkCommand) -> None:
    assert command == DownlinkCommand.parse(bytes(command))


def test_snake_case_is_understood_too() -> None:
    payload = b'{"dev_eui":"A81758FFFE0301C4","f_port":"10","data":"AwDI"}'

    expected = DownlinkCommand(dev_eui=DEV_EUI, f_port=10, data=b"\x03\x00\xc8")
    assert expected == DownlinkCommand.parse(payload)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (DownlinkCommand(dev_eui=DEV_EUI, f_port=256, data=b"a"), "not 256"),
        (DownlinkCommand(dev_eui=DEV_EUI, data=b"a"), "needs an FPort"),
        (DownlinkCommand(dev_eui=DEV_EUI, object={}, data=b"a"), "not both"),
    ],
)
def test_what_the_server_would_drop_silently_is_illegal(
    command: DownlinkCommand, why: str
) -> None:
    with pytest.raises(Illegal, match=why):
        bytes(command)


@given(st.binary(max_size=60))
def test_any_payload_is_a_command_or_malformed(payload: bytes) -> None:
    try:
        DownlinkCommand.parse(payload)
    except Malformed:
        return
