"""How JSON from gateways and applications is read: names, numbers, nulls, bytes."""

import base64
import json
import uuid
from typing import Any

import pytest
from chirpstack_api import api, gw
from google.protobuf.json_format import MessageToDict
from tests.contract.radio import uplink_frame
from tests.contract.world import World


def heard(world: World, change: dict[str, Any], where: str = "") -> None:
    """Let the gateway say an uplink in JSON, changed at the top or inside."""
    frame = uplink_frame(
        world.session.uplink(f_cnt=0, f_port=2, payload=b"\x01"), world.cast.gateways[0]
    )
    document = MessageToDict(frame)
    inner = document
    for key in filter(None, where.split(".")):
        inner = inner[key]
    inner.update(change)
    world.when_gateway_says("up", json.dumps(document).encode())


def told(world: World) -> list[Any]:
    """Return what the ``up`` events that came say of the reception."""
    waiting = world.stage.air.waiting(world.cast.event("up"))
    documents = [json.loads(one) for one in waiting]
    return [{"rxInfo": one["rxInfo"], "txInfo": one["txInfo"]} for one in documents]


CHANGES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("rxInfo", {"rssi": "-80"}),
    ("rxInfo", {"rssi": -80.0}),
    ("rxInfo", {"rssi": -80.5}),
    ("rxInfo", {"rssi": None}),
    ("rxInfo", {"snr": "6.5"}),
    ("rxInfo", {"snr": "NaN"}),
    ("rxInfo", {"uplinkId": -1}),
    ("rxInfo", {"uplinkId": 4294967296}),
    ("rxInfo", {"unknown": 1}),
    ("rxInfo", {"rf_chain": 3}),
    ("rxInfo", {"location": None}),
    ("rxInfo", {"context": "T1h6-_"}),
    ("rxInfo", {"context": "not base64!"}),
    ("rxInfo", {"crcStatus": 1}),
    ("rxInfo", {"crcStatus": "NO_SUCH"}),
    ("rxInfo", {"crcStatus": 77}),
    ("rxInfo", {"gwTime": "2001-01-01T00:00:00+02:00"}),
    ("rxInfo", {"gwTime": "yesterday"}),
    ("rxInfo", {"timeSinceGpsEpoch": "1473841285s"}),
    ("rxInfo", {"timeSinceGpsEpoch": 1473841285}),
    ("rxInfo", {"metadata": {"a": "b"}}),
    ("rxInfo", {"metadata": {"a": 1}}),
    ("txInfo", {"frequency": "868300000"}),
    ("txInfo", {"frequency": 868300000.0}),
    ("txInfo.modulation.lora", {"codeRate": 1}),
    ("txInfo.modulation.lora", {"codeRate": "4/5"}),
    ("txInfo.modulation.lora", {"codeRateLegacy": "4/5"}),
    ("txInfo.modulation.lora", {"spreadingFactor": "9"}),
    ("txInfo.modulation.lora", {"preamble": 8, "noCrc": True}),
    ("txInfo.modulation.lora", {"noCrc": "true"}),
    ("", {"phyPayload": "!"}),
    ("", {"txInfo": None}),
    ("", {"rxInfoLegacy": None}),
)


@pytest.mark.proves("trap:3")
def test_a_gateways_json_is_read_as_the_real_server_reads_it(world: World) -> None:
    """All at once, each by a device of its own: one look tells which came through."""
    worlds = [world.beside(str(number)) for number in range(len(CHANGES))]
    for one, (where, change) in zip(worlds, CHANGES, strict=True):
        one.given_joined()
        heard(one, change, where)
    world.stage.settle()
    for one, (where, change) in zip(worlds, CHANGES, strict=True):
        one.note(changed=f"{where} {json.dumps(change)}", up=told(one))

    assert len(CHANGES) == len(world.steps)


def test_bytes_may_be_url_safe_and_without_padding(world: World) -> None:
    world.given_joined()
    frame = uplink_frame(
        world.session.uplink(f_cnt=0, f_port=2, payload=b"\xff\xfe"),
        world.cast.gateways[0],
    )
    document = MessageToDict(frame)
    text = base64.urlsafe_b64encode(frame.phy_payload).decode().rstrip("=")
    document["phyPayload"] = text
    world.when_gateway_says("up", json.dumps(document).encode())

    world.then_event("up")


def test_a_key_said_twice_is_refused(world: World) -> None:
    world.given_joined()
    frame = uplink_frame(world.session.uplink(f_cnt=0), world.cast.gateways[0])
    text = json.dumps(MessageToDict(frame))
    twice = text[:-1] + ', "phyPayload": "AA=="}'
    world.when_gateway_says("up", twice.encode())

    world.then_nothing()


@pytest.mark.proves("mqtt:gateway/event/ack")
@pytest.mark.parametrize(
    "items", [[{"status": "OK"}], [{"status": 1}], [{}], [], [{"status": "OK"}, {}]]
)
def test_a_tx_ack_in_json_is_read(world: World, items: list[dict[str, Any]]) -> None:
    world.given_joined()
    world.given_queued()
    world.when_uplink(as_json=True)
    world.then_event("up")
    downlink = world.then_downlink()
    document = {
        "gatewayId": downlink.frame.gateway_id,
        "downlinkId": downlink.frame.downlink_id,
        "items": items,
    }
    world.when_gateway_says("ack", json.dumps(document).encode())
    world.stage.settle()

    kinds = ("txack", "log")
    heard_kinds = [k for k in kinds if world.stage.air.waiting(world.cast.event(k))]
    world.note(heard=heard_kinds)
    world.then_queue()


@pytest.mark.parametrize(
    "change",
    [
        {"fPort": 10.0},
        {"fPort": 10.5},
        {"fPort": -1},
        {"fPort": 4294967296},
        {"fPort": True},
        {"confirmed": None},
        {"confirmed": 1},
        {"data": None},
        {"data": ""},
        {"data": "AwDI=="},
        {"data": "AwDI\n"},
        {"data": [3, 0, 200]},
        {"object": None},
        {"object": {}},
        {"object": []},
        {"object": "text"},
        {"expiresAt": None},
        {"expiresAt": "2100-01-01T00:00:00+02:00"},
        {"expiresAt": "2100-01-01"},
        {"expiresAt": "2100-01-01T00:00:00"},
        {"expiresAt": {"seconds": 1}},
        {"id": None},
        {"id": "{new}"},
        {"id": "NEW"},
        {"devEui": None},
        {"DevEUI": "x"},
        {"f_port": 11},
    ],
    ids=json.dumps,
)
@pytest.mark.proves("trap:13", "mqtt:command/down")
def test_an_applications_json_is_read_as_the_real_server_reads_it(
    world: World, change: dict[str, Any]
) -> None:
    world.given_device()
    document = {"devEui": world.cast.dev_eui, "fPort": 10, "data": "AwDI", **change}
    item_id = str(uuid.uuid4())
    new = {"{new}": f"{{{item_id}}}", "NEW": item_id.upper()}
    if document.get("id") in new:
        document["id"] = new[document["id"]]
    world.when_command(document)
    world.when_command({"devEui": world.cast.dev_eui, "fPort": 99, "data": "/w=="})
    request = api.GetDeviceQueueItemsRequest(dev_eui=world.cast.dev_eui)
    for _ in range(2000):
        found = world.stage.caller.do("DeviceService/GetQueue", request)
        if any(item.f_port == 99 for item in found.result):
            break

    world.then_queue()


@pytest.mark.proves("mqtt:gateway/event/stats")
def test_statistics_in_json_are_read(world: World) -> None:
    world.given_device()
    stats = gw.GatewayStats(
        gateway_id=world.cast.gateways[0], metadata={"model": "roof"}
    )
    stats.time.GetCurrentTime()
    world.when_gateway_says("stats", json.dumps(MessageToDict(stats)).encode())
    world.stage.settle()
    get = api.GetGatewayRequest(gateway_id=world.cast.gateways[0])

    answer = world.when_asked("GatewayService/Get", get)

    assert "roof" == answer.gateway.metadata["model"]
