"""Data uplinks: what is accepted, what is told, what is dropped without a word."""

from typing import Any

import pytest
from chirpstack_api import api, common, gw
from google.protobuf.json_format import MessageToDict
from tests.contract.radio import uplink_frame
from tests.contract.world import World

from wire.lorawan.fhdr import FCtrl


@pytest.mark.proves("check:5", "event:up", "mqtt:gateway/event/up", "feature:class-a")
def test_the_first_uplink_is_told_with_counter_zero(world: World) -> None:
    world.given_joined()
    world.when_uplink(bytes.fromhex("0167010a"))

    up = world.then_event("up")

    assert (0, 2, "AWcBCg==") == (up["fCnt"], up["fPort"], up["data"])
    world.then_nothing()


@pytest.mark.proves("check:5", "trap:10", "event:log")
def test_a_repeated_frame_is_a_warning_and_no_event(world: World) -> None:
    world.given_joined()
    frame = world.when_uplink()
    world.then_event("up")
    world.then_no_downlink()
    world.when_frame(frame)

    log = world.then_event("log")

    assert ("WARNING", "UPLINK_F_CNT_RETRANSMISSION") == (log["level"], log["code"])
    assert "0" == log["context"]["f_cnt_up"]
    world.then_nothing()


@pytest.mark.proves("trap:10")
def test_a_repeated_confirmed_uplink_is_not_acknowledged_again(world: World) -> None:
    world.given_joined()
    frame = world.when_uplink(confirmed=True)
    world.then_event("up")
    world.when_tx_ack(world.then_downlink())
    world.stage.settle()
    world.when_frame(frame)

    assert "UPLINK_F_CNT_RETRANSMISSION" == world.then_event("log")["code"]
    world.then_nothing()


@pytest.mark.proves("trap:10")
def test_a_counter_that_starts_again_is_a_reset(world: World) -> None:
    world.given_joined()
    world.when_uplink(f_cnt=10)
    world.then_event("up")
    world.when_uplink(f_cnt=0)

    log = world.then_event("log")

    assert ("WARNING", "UPLINK_F_CNT_RESET") == (log["level"], log["code"])
    world.then_nothing()


def test_there_is_no_largest_gap(world: World) -> None:
    world.given_joined()
    world.when_uplink(f_cnt=60_000)

    assert 60_000 == world.then_event("up")["fCnt"]


@pytest.mark.proves("grpc:DeviceService/Activate", "feature:abp")
def test_counters_have_32_bits(world: World) -> None:
    world.given_device()
    world.given_activated(f_cnt_up=65_536)
    world.when_uplink()

    assert 65_536 == world.then_event("up")["fCnt"]


def test_a_device_may_be_excused_from_counting(world: World) -> None:
    world.given_device()
    cast = world.cast
    device = api.Device(
        dev_eui=cast.dev_eui,
        name="lamp-0147",
        application_id=cast.application_id,
        device_profile_id=cast.profile.id,
        skip_fcnt_check=True,
    )
    world.when_asked("DeviceService/Update", api.UpdateDeviceRequest(device=device))
    world.given_activated()
    world.when_uplink(f_cnt=10)
    first = world.then_event("up")
    world.when_uplink(f_cnt=0)

    second = world.then_event("up")

    assert [10, 0] == [first["fCnt"], second["fCnt"]]


def test_a_wrong_mic_says_nothing(world: World) -> None:
    world.given_joined()
    frame = world.session.uplink(f_cnt=0, f_port=2, payload=b"\x01")
    world.when_frame(frame[:-1] + bytes([frame[-1] ^ 1]))

    world.then_nothing()


def test_an_unknown_dev_addr_says_nothing(world: World) -> None:
    world.given_joined()
    other = world.beside("other")
    other.given_device()
    world.stage.caller.do(
        "DeviceService/Deactivate",
        api.DeactivateDeviceRequest(dev_eui=world.cast.dev_eui),
    )
    world.when_uplink()

    world.then_nothing()


def test_an_empty_uplink_is_told_too(world: World) -> None:
    world.given_joined()
    world.when_uplink(b"", f_port=None)

    up = world.then_event("up")

    assert (0, "") == (up["fPort"], up["data"])


def test_an_uplink_of_mac_commands_is_told_without_data(world: World) -> None:
    world.given_joined()
    frame = world.session.uplink(f_cnt=0, f_port=0, payload=b"\x06\xff\x0b")
    world.when_frame(frame)

    up = world.then_event("up")

    assert (0, "") == (up["fPort"], up["data"])


@pytest.mark.proves("trap:5")
def test_an_undefined_code_rate_says_nothing(world: World) -> None:
    world.given_joined()
    world.when_uplink(code_rate=gw.CodeRate.CR_UNDEFINED)

    world.then_nothing()


def test_a_frequency_that_is_no_channel_says_nothing(world: World) -> None:
    world.given_joined()
    world.when_uplink(frequency_hz=868_200_000)

    world.then_nothing()


@pytest.mark.proves("trap:6")
def test_a_bad_crc_is_not_looked_at(world: World) -> None:
    world.given_joined()
    world.when_uplink(crc_status=gw.CRCStatus.BAD_CRC)

    up = world.then_event("up")

    assert "BAD_CRC" == up["rxInfo"][0]["crcStatus"]


@pytest.mark.proves("trap:3")
def test_a_gateway_that_speaks_json_is_answered_in_json(world: World) -> None:
    world.given_joined()
    world.when_uplink(confirmed=True, as_json=True)
    world.then_event("up")
    topic = f"eu868/gateway/{world.cast.gateways[0]}/command/down"
    answer = world.stage.air.take(topic)

    assert answer.startswith(b"{")
    assert b'"downlinkId"' in answer


@pytest.mark.proves("trap:3")
def test_snake_case_json_is_taken_for_protobuf_and_dropped(world: World) -> None:
    world.given_joined()
    frame = uplink_frame(
        world.session.uplink(f_cnt=0, f_port=2, payload=b"\x01"), world.cast.gateways[0]
    )
    document = str(MessageToDict(frame, preserving_proto_field_name=True))
    world.when_gateway_says("up", document.replace("'", '"').encode())

    world.then_nothing()


def test_garbage_from_a_gateway_says_nothing(world: World) -> None:
    world.given_joined()
    world.when_gateway_says("up", b"\xff\xff\xff")
    world.when_gateway_says("up", b'{"gatewayId": 12')
    world.when_gateway_says("exec", b"")

    world.then_nothing()


@pytest.mark.proves("trap:3")
def test_the_gateway_is_the_payloads_not_the_topics(world: World) -> None:
    world.given_joined()
    frame = uplink_frame(
        world.session.uplink(f_cnt=0, f_port=2, payload=b"\x01"), world.cast.gateways[0]
    )
    world.when_gateway_says("up", frame.SerializeToString(), "0102030405060708")

    up = world.then_event("up")

    assert world.cast.gateways[0] == up["rxInfo"][0]["gatewayId"]


def test_a_proprietary_frame_says_nothing(world: World) -> None:
    world.given_joined()
    world.when_frame(b"\xe0\x01\x02\x03\x04\x05")
    world.when_frame(b"\x00\x01")

    world.then_nothing()


def test_a_profile_of_another_region_says_nothing(world: World) -> None:
    world.given_joined(region=common.Region.US915)
    world.when_uplink()

    world.then_nothing()


def test_a_disabled_device_says_nothing(world: World) -> None:
    world.given_joined()
    cast = world.cast
    device = api.Device(
        dev_eui=cast.dev_eui,
        name="lamp-0147",
        application_id=cast.application_id,
        device_profile_id=cast.profile.id,
        is_disabled=True,
    )
    world.when_asked("DeviceService/Update", api.UpdateDeviceRequest(device=device))
    world.when_uplink()

    world.then_nothing()


def test_the_time_since_the_gps_epoch_wins(world: World) -> None:
    world.given_joined()
    frame = uplink_frame(
        world.session.uplink(f_cnt=0, f_port=2, payload=b"\x01"), world.cast.gateways[0]
    )
    frame.rx_info.time_since_gps_epoch.FromJsonString("1473841285.412305s")
    frame.rx_info.gw_time.FromJsonString("2026-09-14T08:21:07.412305Z")
    world.when_gateway_says("up", frame.SerializeToString())

    up = world.then_event("up")

    assert "2026-09-19T08:21:07.412305+00:00" == up["time"]
    assert "1473841285.412305s" == up["rxInfo"][0]["timeSinceGpsEpoch"]


def test_a_gateway_clock_that_drifts_is_not_believed(world: World) -> None:
    world.given_joined()
    frame = uplink_frame(
        world.session.uplink(f_cnt=0, f_port=2, payload=b"\x01"), world.cast.gateways[0]
    )
    frame.rx_info.gw_time.FromJsonString("2001-01-01T00:00:00.5Z")
    world.when_gateway_says("up", frame.SerializeToString())

    up = world.then_event("up")

    assert "2001-01-01T00:00:00.500+00:00" == up["rxInfo"][0]["gwTime"]
    assert not up["time"].startswith("2001")


@pytest.mark.parametrize(
    ("bits", "expected"), [({"adr": True}, True), ({"adr": False}, False)]
)
def test_the_adr_bit_is_told(world: World, bits: Any, expected: bool) -> None:
    world.given_joined()
    world.when_uplink(f_ctrl=FCtrl(**bits))

    assert expected == world.then_event("up")["adr"]


@pytest.mark.proves("feature:adr")
def test_adr_ack_req_is_answered_even_if_there_is_nothing_to_say(world: World) -> None:
    world.given_joined()
    world.when_uplink(f_ctrl=FCtrl(adr=True, adr_ack_req=True))
    world.then_event("up")

    world.then_downlink()
