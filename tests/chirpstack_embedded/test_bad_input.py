"""Nothing that arrives stops the server (hypothesis on every entry)."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from chirpstack_api import gw, integration
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.chirpstack_embedded.conftest import GATEWAYS, World

from chirpstack_embedded.config import parse_configuration
from chirpstack_embedded.config.duration import parse_duration_s
from chirpstack_embedded.core.gateway_codec import (
    GatewayMessage,
    Unreadable,
    read_gateway_message,
)
from chirpstack_embedded.errors import BadConfiguration

NAMES = [
    "gatewayId",
    "rxInfo",
    "txInfo",
    "phyPayload",
    "items",
    "modulation",
    "lora",
    "frequency",
    "snr",
    "location",
    "devEui",
    "fPort",
    "data",
    "object",
    "expiresAt",
    "id",
    "confirmed",
    "time",
    "metadata",
]
KINDS = st.sampled_from(["up", "stats", "ack", "mesh", "exec", ""])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
UPLINKS = st.builds(
    gw.UplinkFrame,
    phy_payload=st.binary(max_size=40),
    tx_info=st.builds(
        gw.UplinkTxInfo,
        frequency=st.sampled_from([0, 868_100_000, 868_300_000]),
        modulation=st.builds(
            gw.Modulation,
            lora=st.builds(
                gw.LoraModulationInfo,
                bandwidth=st.sampled_from([0, 125_000]),
                spreading_factor=st.integers(0, 15),
                code_rate=st.sampled_from([0, 1, 2]),
            ),
        ),
    ),
    rx_info=st.builds(
        gw.UplinkRxInfo,
        gateway_id=st.sampled_from([*GATEWAYS, "", "x", "00" * 8]),
        snr=st.floats(width=32),
        rssi=st.integers(-(2**31), 2**31 - 1),
    ),
)
ONE_WORLD = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


@pytest.fixture(scope="module")
def lamp() -> Iterator[World]:
    world = World()
    world.given_joined(supports_class_c=True)
    world.when_uplink()
    yield world
    world.store.close()


def still_alive(world: World) -> None:
    """An uplink is still heard, and nothing was a surprise."""
    assert 0 == world.server.tallies.rejected["error"], world.warnings
    world.when_time_passes(1)
    world.forget()
    world.when_uplink()
    assert "up" in world.then_kinds()


@ONE_WORLD
@given(kind=KINDS, payload=st.binary(max_size=200))
def test_any_octets_of_a_gateway(lamp: World, kind: str, payload: bytes) -> None:
    lamp.when_gateway_says(GATEWAYS[0], kind, payload)

    still_alive(lamp)


@ONE_WORLD
@given(kind=KINDS, document=JSON)
def test_any_json_of_a_gateway(lamp: World, kind: str, document: Any) -> None:
    text = json.dumps({"gatewayId": GATEWAYS[0], "rest": document})
    lamp.when_gateway_says(GATEWAYS[0], kind, text.encode())
    lamp.when_gateway_says(GATEWAYS[0], kind, json.dumps(document).encode())

    still_alive(lamp)


@ONE_WORLD
@given(frame=UPLINKS)
def test_any_frame_of_a_gateway(lamp: World, frame: gw.UplinkFrame) -> None:
    lamp.when_gateway_says(GATEWAYS[0], "up", frame.SerializeToString())
    lamp.when_time_passes(0.5)

    still_alive(lamp)


@ONE_WORLD
@given(
    f_opts=st.binary(max_size=15),
    payload=st.binary(max_size=40),
    f_port=st.integers(1, 255),
    confirmed=st.booleans(),
)
def test_any_commands_and_payload_of_a_device_with_a_valid_mic(
    lamp: World, f_opts: bytes, payload: bytes, f_port: int, confirmed: bool
) -> None:
    lamp.when_uplink(payload, f_port=f_port, f_opts=f_opts, confirmed=confirmed)
    lamp.when_uplink(f_opts or b"\x06", f_port=0)

    still_alive(lamp)


@ONE_WORLD
@given(
    statuses=st.lists(st.integers(-(2**31), 2**31 - 1), max_size=4),
    downlink_id=st.integers(0, 2**32 - 1),
)
def test_any_tx_ack(lamp: World, statuses: list[int], downlink_id: int) -> None:
    lamp.given_queued()
    lamp.when_uplink()
    known = lamp.downlinks[-1].downlink_id if lamp.downlinks else downlink_id
    for id_ in (known, downlink_id):
        ack = gw.DownlinkTxAck(gateway_id=GATEWAYS[0], downlink_id=id_)
        for status in statuses:
            # An enum of proto3 is open: any number travels.
            ack.items.add().status = status
        lamp.when_gateway_says(GATEWAYS[0], "ack", ack.SerializeToString())
    with lamp.store.transaction():
        lamp.store.devices.flush_queue(lamp.device)

    still_alive(lamp)


@ONE_WORLD
@given(document=st.binary(max_size=100) | JSON)
def test_any_command_of_an_application(lamp: World, document: Any) -> None:
    lamp.when_command(document)

    still_alive(lamp)


@ONE_WORLD
@given(document=JSON)
def test_any_command_with_the_right_address(lamp: World, document: Any) -> None:
    found = document if isinstance(document, dict) else {}
    lamp.when_command({**found, "devEui": "a81758fffe0301c4", "fPort": 1})
    with lamp.store.transaction():
        lamp.store.devices.flush_queue(lamp.device)

    still_alive(lamp)


@given(payload=st.binary(max_size=100), topic=st.text(max_size=40))
def test_reading_a_gateways_message_gives_a_value(payload: bytes, topic: str) -> None:
    read = read_gateway_message(topic, payload)

    assert isinstance(read, GatewayMessage | Unreadable)


@given(st.builds(gw.UplinkFrame, phy_payload=st.binary(max_size=20)))
def test_a_binary_frame_that_spells_the_mark_is_taken_for_json(
    frame: gw.UplinkFrame,
) -> None:
    # ChirpStack's rule and its price (contract §1.2).
    payload = frame.SerializeToString() + b"gatewayId"

    read = read_gateway_message("eu868/gateway/x/event/up", payload)

    assert isinstance(read, Unreadable)


def test_snake_case_json_is_fed_to_protobuf_and_fails() -> None:
    read = read_gateway_message("g/event/up", b'{"gateway_id": "00"}')

    assert isinstance(read, Unreadable)


@given(st.text(max_size=200))
def test_any_text_is_a_configuration_or_a_list_of_faults(text: str) -> None:
    with suppress(BadConfiguration):
        parse_configuration(text, {})


@given(st.text(max_size=12))
def test_any_text_is_a_duration_or_none(text: str) -> None:
    found = parse_duration_s(text)

    assert found is None or found >= 0


def test_a_command_in_protobuf_is_taken_when_the_integration_speaks_it(
    world: World,
) -> None:
    world.given_gateways()
    world.given_device()
    configured = world.context.configuration
    world.context.configuration = replace(
        configured, integration=replace(configured.integration, json=False)
    )
    command = integration.DownlinkCommand(
        dev_eui="a81758fffe0301c4", f_port=7, data=b"\x01"
    )

    world.when_command(command.SerializeToString())

    assert [7] == [item.f_port for item in world.device.queue]
