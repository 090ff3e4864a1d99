"""Gateways: what their statistics change, and the frames the log views show."""

import time
from typing import Any

import pytest
from chirpstack_api import api, gw
from tests.contract.world import World

PATIENCE_S = 10.0


def stats(world: World, **fields: Any) -> gw.GatewayStats:
    message = gw.GatewayStats(
        **{
            "gateway_id": world.cast.gateways[0],
            "rx_packets_received": 5,
            "rx_packets_received_ok": 4,
            "tx_packets_received": 3,
            "tx_packets_emitted": 2,
            "metadata": {"model": "roof-1"},
            **fields,
        }
    )
    message.time.GetCurrentTime()
    return message


def gateway_when_online(world: World) -> Any:
    """Ask until the statistics have arrived; they are not answered."""
    request = api.ListGatewaysRequest(tenant_id=world.cast.tenant_id, limit=1)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = world.stage.caller.do("GatewayService/List", request)
        if found.result[0].state == api.GatewayState.ONLINE:
            break
    get = api.GetGatewayRequest(gateway_id=world.cast.gateways[0])
    world.when_asked("GatewayService/List", request)
    return world.when_asked("GatewayService/Get", get).gateway


@pytest.mark.proves("check:1", "trap:18", "mqtt:gateway/event/stats")
def test_statistics_bring_a_gateway_online_and_replace_its_metadata(
    world: World,
) -> None:
    world.given_device()
    world.when_gateway_says("stats", stats(world).SerializeToString())

    gateway = gateway_when_online(world)

    assert {
        "model": "roof-1",
        "region_config_id": "eu868",
        "region_common_name": "EU868",
    } == dict(gateway.metadata)
    assert 43.6045 == gateway.location.latitude


@pytest.mark.proves("trap:18")
def test_statistics_move_a_gateway(world: World) -> None:
    world.given_device()
    message = stats(world)
    message.location.latitude, message.location.longitude = 1.5, 2.5
    world.when_gateway_says("stats", message.SerializeToString())

    gateway = gateway_when_online(world)

    assert (1.5, 2.5) == (gateway.location.latitude, gateway.location.longitude)


@pytest.mark.proves("trap:18")
def test_a_connection_is_not_looked_at(world: World) -> None:
    world.given_device()
    state = gw.ConnState(gateway_id=world.cast.gateways[0], state=gw.ConnState.ONLINE)
    topic = f"eu868/gateway/{world.cast.gateways[0]}/state/conn"
    world.stage.air.say(topic, state.SerializeToString())
    world.stage.settle()
    request = api.ListGatewaysRequest(tenant_id=world.cast.tenant_id, limit=1)

    answer = world.when_asked("GatewayService/List", request)

    assert api.GatewayState.NEVER_SEEN == answer.result[0].state


def test_uplinks_do_not_bring_a_gateway_online(world: World) -> None:
    world.given_joined()
    world.when_uplink()
    world.then_event("up")
    request = api.ListGatewaysRequest(tenant_id=world.cast.tenant_id, limit=1)

    answer = world.when_asked("GatewayService/List", request)

    assert api.GatewayState.NEVER_SEEN == answer.result[0].state


def test_statistics_of_an_unknown_gateway_are_dropped(world: World) -> None:
    world.given_device()
    message = stats(world, gateway_id="00000000000000fe")
    world.when_gateway_says("stats", message.SerializeToString())
    world.stage.settle()
    get = api.GetGatewayRequest(gateway_id="00000000000000fe")

    assert "NOT_FOUND" == world.when_asked("GatewayService/Get", get).code


@pytest.mark.proves("mqtt:gateway/command/down")
def test_a_gateway_never_heard_is_spoken_to_in_protobuf(world: World) -> None:
    world.given_joined()
    world.when_uplink(confirmed=True)
    world.then_event("up")
    topic = f"eu868/gateway/{world.cast.gateways[0]}/command/down"

    octets = world.stage.air.take(topic)

    assert world.cast.gateways[0] == gw.DownlinkFrame.FromString(octets).gateway_id


def followed(world: World, method: str, request: Any, count: int) -> list[Any]:
    stream = world.stage.caller.follow(method, request)
    items = [next(stream) for _ in range(count)]
    stream.cancel()
    return items


@pytest.mark.proves(
    "grpc:InternalService/StreamDeviceFrames",
    "grpc:InternalService/StreamGatewayFrames",
)
def test_the_frames_of_a_join_are_shown_for_device_and_gateway(world: World) -> None:
    world.given_device()
    world.when_join()
    world.when_tx_ack(world.then_joined())
    world.stage.settle()
    of_device = api.StreamDeviceFramesRequest(dev_eui=world.cast.dev_eui)
    of_gateway = api.StreamGatewayFramesRequest(gateway_id=world.cast.gateways[0])

    device = followed(world, "InternalService/StreamDeviceFrames", of_device, 2)
    gateway = followed(world, "InternalService/StreamGatewayFrames", of_gateway, 2)

    assert ["JoinRequest", "JoinAccept"] == [item.description for item in device]
    assert ["JoinRequest", "JoinAccept"] == [item.description for item in gateway]
