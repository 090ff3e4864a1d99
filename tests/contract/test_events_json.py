"""Every kind of event, key by key: order, presence, type and rendering (§3.2-3.4)."""

import json
import re
from typing import Any

import pytest
from chirpstack_api import api, gw
from tests.contract.radio import uplink_frame
from tests.contract.world import World

from wire.lorawan.fhdr import FCtrl

INFO = [
    "tenantId",
    "tenantName",
    "applicationId",
    "applicationName",
    "deviceProfileId",
    "deviceProfileName",
    "deviceName",
    "devEui",
    "deviceClassEnabled",
    "tags",
]
RX_INFO = [
    "gatewayId",
    "uplinkId",
    "nsTime",
    "rssi",
    "snr",
    "channel",
    "rfChain",
    "location",
    "context",
    "crcStatus",
]
INSTANT = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.(\d{9}|\d{6}|\d{3}))?\+00:00")


def raw(world: World, kind: str) -> str:
    """Return an event as it was published, letter by letter."""
    return world.stage.air.take(world.cast.event(kind)).decode()


def then_instants(document: dict[str, Any]) -> None:
    assert INSTANT.fullmatch(document["time"])


@pytest.mark.proves("check:16", "event:up", "trap:11", "mqtt:event")
def test_up_has_its_keys_in_order(world: World) -> None:
    world.given_joined()
    world.when_uplink()

    up = json.loads(raw(world, "up"))

    assert [
        "deduplicationId",
        "time",
        "deviceInfo",
        "devAddr",
        "adr",
        "dr",
        "fCnt",
        "fPort",
        "confirmed",
        "data",
        "rxInfo",
        "txInfo",
        "regionConfigId",
    ] == list(up)
    assert INFO == list(up["deviceInfo"])
    assert sorted(RX_INFO) == sorted(up["rxInfo"][0])
    assert ["frequency", "modulation"] == list(up["txInfo"])
    then_instants(up)
    assert INSTANT.fullmatch(up["rxInfo"][0]["nsTime"])


@pytest.mark.proves("check:16", "trap:11")
def test_scalars_of_the_integration_are_there_even_if_zero(world: World) -> None:
    world.given_joined()
    world.when_uplink(b"", f_port=None, f_ctrl=FCtrl(), dr=0)

    text = raw(world, "up")

    for fragment in (
        '"adr":false',
        '"dr":0',
        '"fCnt":0',
        '"fPort":0',
        '"confirmed":false',
        '"data":""',
    ):
        assert fragment in text
    assert '"object"' not in text


@pytest.mark.proves("check:16", "trap:11")
def test_zeros_of_the_gateway_are_left_out(world: World) -> None:
    world.given_joined()
    frame = uplink_frame(
        world.session.uplink(f_cnt=0, f_port=2, payload=b"\x01"), world.cast.gateways[0]
    )
    frame.rx_info.CopyFrom(gw.UplinkRxInfo(gateway_id=world.cast.gateways[0]))
    world.when_gateway_says("up", frame.SerializeToString())

    (rx_info,) = json.loads(raw(world, "up"))["rxInfo"]

    assert {"gatewayId", "nsTime", "location"} == set(rx_info)


@pytest.mark.proves("trap:11")
def test_numbers_are_rendered_with_a_point_where_they_are_floats(world: World) -> None:
    world.given_joined()
    world.when_uplink(snr=6.0, rssi=-97)
    text = raw(world, "up")
    world.when_uplink(snr=-7.3)

    again = raw(world, "up")

    assert '"snr":6.0' in text
    assert '"rssi":-97' in text
    assert '"altitude":152.0' in text
    assert '"snr":-7.3' in again


@pytest.mark.proves("check:16", "event:join")
def test_join_has_its_keys_in_order(world: World) -> None:
    world.given_device()
    world.when_join()
    world.stage.take_down(world.cast.gateways[0])

    join = json.loads(raw(world, "join"))

    assert [
        "deduplicationId",
        "time",
        "deviceInfo",
        "devAddr",
        "regionConfigId",
    ] == list(join)
    assert INFO == list(join["deviceInfo"])
    then_instants(join)


@pytest.mark.proves("check:16", "event:txack", "event:ack")
def test_txack_and_ack_have_their_keys_in_order(world: World) -> None:
    world.given_joined()
    world.given_queued(confirmed=True)
    world.when_uplink()
    world.then_event("up")
    world.when_tx_ack(world.then_downlink())
    txack = json.loads(raw(world, "txack"))
    world.when_uplink(f_ctrl=FCtrl(ack=True))

    ack = json.loads(raw(world, "ack"))

    assert [
        "downlinkId",
        "time",
        "deviceInfo",
        "queueItemId",
        "fCntDown",
        "gatewayId",
        "txInfo",
    ] == list(txack)
    assert [
        "deduplicationId",
        "time",
        "deviceInfo",
        "queueItemId",
        "acknowledged",
        "fCntDown",
    ] == list(ack)
    assert isinstance(txack["downlinkId"], int)
    assert ["profile", "who", "district"] == sorted(
        txack["deviceInfo"]["tags"], key=["profile", "who", "district"].index
    )
    then_instants(txack)
    then_instants(ack)


@pytest.mark.proves("check:16", "event:status")
def test_status_has_its_keys_in_order(world: World) -> None:
    world.given_joined()
    world.when_uplink(f_opts=b"\x06\x00\x00")

    text = raw(world, "status")

    assert [
        "deduplicationId",
        "time",
        "deviceInfo",
        "margin",
        "externalPowerSource",
        "batteryLevelUnavailable",
        "batteryLevel",
    ] == list(json.loads(text))
    assert (
        '"margin":0,"externalPowerSource":true,"batteryLevelUnavailable":false' in text
    )
    assert '"batteryLevel":0.0' in text


@pytest.mark.proves("check:16", "event:log")
def test_log_has_its_keys_in_order(world: World) -> None:
    world.given_joined()
    frame = world.when_uplink()
    world.then_event("up")
    world.stage.settle()
    world.when_frame(frame)

    log = json.loads(raw(world, "log"))

    assert ["time", "deviceInfo", "level", "code", "description", "context"] == list(
        log
    )
    assert all(isinstance(value, str) for value in log["context"].values())
    then_instants(log)


@pytest.mark.proves("trap:12")
def test_events_of_one_frame_share_its_id(world: World) -> None:
    world.given_joined()
    world.given_codec("function decodeUplink(input) { throw new Error('boom'); }")
    world.when_uplink(f_opts=b"\x06\xff\x00")
    up, status, log = (json.loads(raw(world, kind)) for kind in ("up", "status", "log"))

    assert up["deduplicationId"] == status["deduplicationId"]
    assert up["deduplicationId"] == log["context"]["deduplication_id"]


@pytest.mark.proves("event:up")
def test_the_devices_tag_wins_then_the_profiles(world: World) -> None:
    world.given_joined()
    world.when_uplink()

    assert {
        "application": "yes",
        "profile": "yes",
        "district": "nord",
        "who": "device",
    } == world.then_event("up")["deviceInfo"]["tags"]


def test_events_are_not_retained(world: World) -> None:
    world.given_joined()
    world.when_uplink()
    world.then_event("up")
    request = api.GetDeviceRequest(dev_eui=world.cast.dev_eui)
    world.when_asked("DeviceService/Get", request)

    assert not world.stage.air.retained(world.cast.event("up"))
