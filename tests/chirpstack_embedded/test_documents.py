"""
Every event, key by key, against protobuf's descriptors and the contract's examples.

The examples are those of the contract document (§3.4), carried over by hand.
"""

import json
from typing import Any

import pytest
from chirpstack_api import integration
from google.protobuf.json_format import Parse

from wire.chirpstack.events import parse_event
from wire.lorawan.fhdr import FCtrl
from wire.lorawan.mac import DevStatusAns

MESSAGES = {
    "up": integration.UplinkEvent,
    "join": integration.JoinEvent,
    "txack": integration.TxAckEvent,
    "ack": integration.AckEvent,
    "status": integration.StatusEvent,
    "log": integration.LogEvent,
}
OPTIONAL = {"object", "relayRxInfo", "joinServerContext"}
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


def lived(world: Any) -> dict[str, bytes]:
    """One payload of every kind."""
    world.given_joined(adr_algorithm_id="")
    world.when_uplink(b"", f_port=0)
    world.when_uplink(f_opts=bytes(DevStatusAns(battery=250, margin_db=11)))
    world.given_queued(confirmed=True)
    world.when_uplink()
    world.when_tx_ack()
    phy_payload = world.when_uplink(f_ctrl=FCtrl(adr=True, ack=True))
    world.when_time_passes(1)
    world.when_frame(phy_payload)
    world.when_join()
    return {event.kind: event.payload for event in world.events}


def test_every_kind_of_event_happens(world: Any) -> None:
    assert set(MESSAGES) == set(lived(world))


@pytest.mark.parametrize("kind", sorted(MESSAGES))
def test_scalars_are_always_there_and_in_the_order_of_declaration(
    world: Any, kind: str
) -> None:
    document = json.loads(lived(world)[kind])

    declared = [field.json_name for field in MESSAGES[kind].DESCRIPTOR.fields]
    expected = [name for name in declared if name not in OPTIONAL]
    assert expected == list(document)
    assert INFO == list(document["deviceInfo"])


@pytest.mark.parametrize("kind", sorted(MESSAGES))
def test_protobuf_reads_every_event_without_a_rest(world: Any, kind: str) -> None:
    Parse(lived(world)[kind].decode(), MESSAGES[kind](), ignore_unknown_fields=False)


@pytest.mark.parametrize("kind", sorted(MESSAGES))
def test_our_own_reader_reads_every_event(world: Any, kind: str) -> None:
    lived(world)

    event = next(event for event in world.events if event.kind == kind)
    assert parse_event(event.topic, event.payload).check().dev_eui == event.dev_eui


def test_an_empty_uplink_shows_its_defaults(world: Any) -> None:
    world.given_joined(adr_algorithm_id="")

    world.when_uplink(b"", f_port=None, f_ctrl=FCtrl())

    payload = world.events[-1].payload
    assert (
        b'"adr":false,"dr":3,"fCnt":0,"fPort":0,"confirmed":false,"data":""' in payload
    )
    assert b"null" not in payload


def test_an_uplink_is_rendered_as_in_the_contract(world: Any) -> None:
    world.given_joined(adr_algorithm_id="")

    world.when_uplink(b"\x01\x67", snr=6.5, dr=3)

    document = json.loads(world.events[-1].payload)
    (rx,) = document["rxInfo"]
    assert rx.pop("nsTime").endswith("+00:00")
    assert {
        "gatewayId": "0016c001f1500a2b",
        "uplinkId": 29481,
        "rssi": -97,
        "snr": 6.5,
        "channel": 1,
        "rfChain": 1,
        "location": {"latitude": 43.6045, "longitude": 1.444, "altitude": 152.0},
        "context": "T1h6AA==",
        "crcStatus": "CRC_OK",
    } == rx
    assert {
        "frequency": 868300000,
        "modulation": {
            "lora": {"bandwidth": 125000, "spreadingFactor": 9, "codeRate": "CR_4_5"}
        },
    } == document["txInfo"]


def test_a_status_is_rendered_as_in_the_contract(world: Any) -> None:
    payload = lived(world)["status"]

    assert payload.endswith(
        b'"margin":11,"externalPowerSource":false,'
        b'"batteryLevelUnavailable":false,"batteryLevel":98.4252}'
    )


def test_a_txack_is_rendered_as_in_the_contract(world: Any) -> None:
    document = json.loads(lived(world)["txack"])

    assert {
        "frequency": 868300000,
        "power": 16,
        "modulation": {
            "lora": {
                "bandwidth": 125000,
                "spreadingFactor": 9,
                "codeRate": "CR_4_5",
                "polarizationInversion": True,
            }
        },
        "timing": {"delay": {"delay": "1s"}},
        "context": "T1h6AA==",
    } == document["txInfo"]


def test_ids_and_topics_are_lower_case(world: Any) -> None:
    lived(world)

    topics = {event.topic for event in world.events}
    assert topics == {topic.lower() for topic in topics}
    assert all("/device/a81758fffe0301c4/event/" in topic for topic in topics)
