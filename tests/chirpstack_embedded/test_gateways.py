"""Stats, online state and the language of a gateway (contract §1.2, §1.6; check 1)."""

from typing import Any

from chirpstack_api import api, gw
from google.protobuf.json_format import MessageToJson

from chirpstack_embedded.grpc_api.gateways import state

GATEWAY = "0016c001f1500a2b"


def stats(**fields: Any) -> bytes:
    return bytes(gw.GatewayStats(gateway_id=GATEWAY, **fields).SerializeToString())


def record(world: Any) -> Any:
    return world.store.gateways.get(GATEWAY)


def test_stats_make_a_gateway_online_for_two_intervals(world: Any) -> None:
    world.given_gateways()
    before = state(record(world), world.now)

    world.when_gateway_says(GATEWAY, "stats", stats())

    states = [state(record(world), world.now + after) for after in (0, 60, 61)]
    assert api.GatewayState.NEVER_SEEN == before
    assert [
        api.GatewayState.ONLINE,
        api.GatewayState.ONLINE,
        api.GatewayState.OFFLINE,
    ] == states


def test_stats_replace_the_metadata_and_name_the_region(world: Any) -> None:
    world.given_gateways()
    world.when_gateway_says(GATEWAY, "stats", stats(metadata={"old": "1"}))

    world.when_gateway_says(GATEWAY, "stats", stats(metadata={"new": "2"}))

    assert {
        "new": "2",
        "region_config_id": "eu868",
        "region_common_name": "EU868",
    } == dict(record(world).message.metadata)


def test_a_place_in_stats_moves_the_gateway_and_zeros_do_not(world: Any) -> None:
    world.given_gateways()
    world.when_gateway_says(GATEWAY, "stats", stats(location={"latitude": 1.5}))
    world.when_gateway_says(GATEWAY, "stats", stats(location={}))

    location = record(world).message.location
    assert (1.5, 0.0) == (location.latitude, location.longitude)


def test_stats_of_an_unknown_gateway_are_counted(world: Any) -> None:
    world.when_gateway_says(GATEWAY, "stats", stats())

    assert {"unknown_gateway": 1} == world.then_causes()


def test_other_events_of_gateways_are_counted_and_dropped(world: Any) -> None:
    world.when_gateway_says(GATEWAY, "exec", b"")

    assert {"unknown_event": 1} == world.then_causes()


def test_a_gateway_is_answered_in_the_language_it_last_spoke(world: Any) -> None:
    world.given_gateways()
    never_heard = world.server.speaks_json(GATEWAY)
    text = MessageToJson(gw.GatewayStats(gateway_id=GATEWAY)).encode()

    world.when_gateway_says(GATEWAY, "stats", text)
    after_json = world.server.speaks_json(GATEWAY)
    world.when_gateway_says(GATEWAY, "stats", stats())

    assert [False, True, False] == [
        never_heard,
        after_json,
        world.server.speaks_json(GATEWAY),
    ]


def test_an_uplink_in_json_is_as_good_as_one_in_protobuf(world: Any) -> None:
    world.given_joined()

    world.when_uplink(as_json=True)

    assert "T1h6AA==" == world.then_event("up")["rxInfo"][0]["context"]


def test_the_payload_names_the_gateway_not_the_topic(world: Any) -> None:
    world.given_gateways()

    world.when_gateway_says("0" * 16, "stats", stats())

    assert record(world).last_seen_at is not None


def test_a_frame_without_tx_info_is_counted(world: Any) -> None:
    frame = gw.UplinkFrame(phy_payload=b"\x40" * 12)
    frame.rx_info.gateway_id = GATEWAY

    world.when_gateway_says(GATEWAY, "up", frame.SerializeToString())

    assert {"no_tx_or_rx_info": 1} == world.then_causes()
