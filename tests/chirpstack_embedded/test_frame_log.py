"""What the log views show of a frame (contract §5.5)."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chirpstack_embedded.core.frame_log import phy_document


def test_an_uplink_shows_with_its_device_and_its_gateways(world: Any) -> None:
    world.given_joined()
    world.server.frame_lines()

    world.when_uplink(gateways=("0016c001f1500a2b", "0016c001f1500a2c"))

    (line,) = world.server.frame_lines()
    assert ("a81758fffe0301c4", ("0016c001f1500a2b", "0016c001f1500a2c")) == (
        line.dev_eui,
        line.gateway_ids,
    )
    assert "UnconfirmedDataUp" == line.description
    assert world.device.dev_addr == line.properties["DevAddr"]
    body = json.loads(line.body())
    assert {"phy_payload", "rx_info", "tx_info"} == set(body)
    fhdr = body["phy_payload"]["payload"]["MACPayload"]["fhdr"]
    assert world.device.dev_addr == fhdr["devaddr"]


def test_a_frame_nobody_owns_shows_with_its_gateway_only(world: Any) -> None:
    world.given_gateways()

    world.when_frame(bytes.fromhex("40e5c3a70180000002d35ad5b518699552"))

    (line,) = world.server.frame_lines()
    assert ("", "01a7c3e5") == (line.dev_eui, line.properties["DevAddr"])


def test_a_downlink_shows_once_its_gateway_has_sent_it(world: Any) -> None:
    world.given_quiet()
    world.given_queued()
    world.when_uplink()
    world.server.frame_lines()

    world.when_tx_ack("TOO_LATE", "OK")

    (line,) = world.server.frame_lines()
    assert "UnconfirmedDataDown" == line.description
    assert str(world.downlinks[-1].downlink_id) == line.properties["Downlink ID"]
    assert 869_525_000 == json.loads(line.body())["tx_info"]["frequency"]


def test_a_join_shows_both_ways(world: Any) -> None:
    world.given_gateways()
    world.given_device()
    world.when_join()
    world.when_tx_ack()

    request, accept = world.server.frame_lines()
    assert ["JoinRequest", "JoinAccept"] == [request.description, accept.description]
    payload = json.loads(request.body())["phy_payload"]["payload"]
    assert "70b3d57ed0000a01" == payload["JoinRequest"]["join_eui"]


@given(st.binary(max_size=60))
def test_any_octets_can_be_shown(phy_payload: bytes) -> None:
    json.dumps(phy_document(phy_payload))
