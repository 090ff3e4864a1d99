"""The Cayenne LPP codec, both ways, as the real server reckons (contract §4.3)."""

from typing import Any

import pytest
from chirpstack_api import api
from tests.contract.world import World

LPP = api.CodecRuntime.CAYENNE_LPP
EVERYTHING = (
    "0000ff 010164 0202f830 030304d2 0464ffffffff 0565ffff 066601 07670110 0767ffff"
    " 086855 097104d2fb2e0000 0a7327fb 0b7400ff 0c7507d0 0d7600989680 0e7864 0f79ff38"
    " 107d03e8 118007d0 1282000003e8 1383000186a0 14840168 15855f5e1000"
    " 1686006400c8ff38 1787102030 188806765ff2960a0003e8 198e01"
)


def decoded(world: World, octets: str) -> Any:
    world.given_joined(payload_codec_runtime=LPP)
    world.when_uplink(bytes.fromhex(octets), dr=5, snr=-5.0)
    return world.then_event("up").get("object")


@pytest.mark.proves("codec:cayenne-lpp")
def test_every_type_is_decoded(world: World) -> None:
    seen = decoded(world, EVERYTHING)

    assert {"7": -0.1} == seen["temperatureSensor"]
    assert {"24": {"latitude": 42.3519, "longitude": -87.9094, "altitude": 10.0}} == (
        seen["gpsLocation"]
    )
    assert {"21": 1_600_000_000.0} == seen["unix_time"]
    assert {"25": 1.0} == seen["switch"]


@pytest.mark.proves("codec:cayenne-lpp")
@pytest.mark.parametrize("octets", ["", "01", "016701100202", "01670110ff"])
def test_what_is_left_over_of_a_header_is_not_looked_at(
    world: World, octets: str
) -> None:
    world.given_joined(payload_codec_runtime=LPP)
    world.when_uplink(bytes.fromhex(octets))
    world.then_event("up")
    if octets.endswith("0202"):
        world.then_event("log")


@pytest.mark.proves("codec:cayenne-lpp")
@pytest.mark.parametrize("octets", ["0105", "016701", "01670110017f00"])
def test_an_unknown_type_or_a_cut_value_is_logged(world: World, octets: str) -> None:
    assert decoded(world, octets) is None

    assert "UPLINK_CODEC" == world.then_event("log")["code"]


def encoded(world: World, document: dict[str, Any]) -> Any:
    world.given_device(payload_codec_runtime=LPP)
    item = api.DeviceQueueItem(dev_eui=world.cast.dev_eui, f_port=10)
    item.object.update(document)
    request = api.EnqueueDeviceQueueItemRequest(queue_item=item)
    world.when_asked("DeviceService/Enqueue", request)
    return [bytes(queued.data).hex() for queued in world.then_queue()]


@pytest.mark.proves("codec:cayenne-lpp")
def test_every_type_is_encoded(world: World) -> None:
    document = {
        "digitalInput": {"0": 255},
        "digitalOutput": {"1": 100},
        "analogInput": {"2": -20.0},
        "analogOutput": {"3": 12.34},
        "genericSensor": {"4": 4294967295},
        "illuminanceSensor": {"5": 65535},
        "presenceSensor": {"6": 1},
        "temperatureSensor": {"7": 27.2, "8": -0.1},
        "humiditySensor": {"8": 42.5},
        "accelerometer": {"9": {"x": 1.234, "y": -1.234, "z": 0}},
        "barometer": {"10": 1023.5},
        "voltage": {"11": 2.55},
        "current": {"12": 2},
        "frequency": {"13": 10000000},
        "percentage": {"14": 100},
        "altitude": {"15": -200},
        "concentration": {"16": 1000},
        "power": {"17": 2000},
        "distance": {"18": 1},
        "energy": {"19": 100},
        "direction": {"20": 360},
        "unix_time": {"21": 1600000000},
        "gyrometer": {"22": {"x": 1, "y": 2, "z": -2}},
        "color": {"23": {"r": 16, "g": 32, "b": 48}},
        "gpsLocation": {
            "24": {"latitude": 42.3519, "longitude": -87.9094, "altitude": 10}
        },
        "switch": {"25": 1},
    }

    (found,) = encoded(world, document)

    assert found.startswith("0000ff010164")


@pytest.mark.proves("codec:cayenne-lpp")
@pytest.mark.parametrize(
    "document",
    [
        {"digitalInput": {"1": 300, "2": -1, "3": 1.9}},
        {"temperatureSensor": {"1": 9999, "2": -9999, "3": 27.29}},
        {"voltage": {"1": -1, "2": 1e9}},
        {"nothing": {"1": 1}},
        {"digitalInput": {"x": 1}},
        {"digitalInput": {"256": 1}},
        {"digitalInput": 7},
        {"digitalInput": {"1": "text"}},
        {"gpsLocation": {"1": {"latitude": 1}}},
        {"accelerometer": {"1": {"x": 1, "y": "a", "z": 1}}},
        {"accelerometer": {"1": 4}},
        {"color": {"1": {"r": 1}}},
        {"switch": {"2": 1, "10": 1}, "digitalInput": {"1": 1}},
        {},
    ],
    ids=str,
)
def test_odd_objects_are_taken_or_refused(
    world: World, document: dict[str, Any]
) -> None:
    encoded(world, document)
