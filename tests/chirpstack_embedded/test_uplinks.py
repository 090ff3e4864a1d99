"""Data uplinks (contract §2.3, §2.4; checks 5, 6, 7, 13 and 16 of its Appendix B)."""

from typing import Any

import pytest
from chirpstack_api import api, common

from chirpstack_embedded.codec import DecodedObject
from chirpstack_embedded.store import DeviceSettings
from wire.lorawan.fhdr import FCtrl
from wire.lorawan.ids import DevAddr
from wire.lorawan.keys import Key
from wire.lorawan.session import Session

GATEWAYS = ("0016c001f1500a2b", "0016c001f1500a2c")
# The session and frames of the contract's Appendix A.
NWK_S_KEY = Key(bytes.fromhex("0cd9a6802c636ec0c2caf181c845ec5e"))
APP_S_KEY = Key(bytes.fromhex("ffcaa6d65e726a49a5f0218bb01cb4c0"))
V3 = bytes.fromhex("40e5c3a70180000002f4fae2b032e39542c55e467ec3b0c7")
V4 = bytes.fromhex("40e5c3a70180000002d35ad5b518699552")

JS = "function decodeUplink(input) { return {data: {n: input.bytes[0], t: 1.5}}; }"


def given_session(world: Any, f_cnt_up: int = 0) -> None:
    """Give the joined device the vectors' session."""
    device = world.device
    device.session.dev_addr = device.dev_addr = "01a7c3e5"
    device.session.nwk_s_key, device.session.app_s_key = NWK_S_KEY, APP_S_KEY
    device.f_cnt_up = f_cnt_up
    world.session = Session(
        dev_addr=DevAddr.parse("01a7c3e5"), nwk_s_key=NWK_S_KEY, app_s_key=APP_S_KEY
    )
    with world.store.transaction():
        world.store.devices.save(device)


def test_the_first_uplink_has_counter_zero(world: Any) -> None:
    world.given_joined()
    given_session(world)

    world.when_frame(V3)

    event = world.then_event("up")
    assert (0, 2, "AWcBCgJoVQN0AZo=") == (event["fCnt"], event["fPort"], event["data"])
    assert ("01a7c3e5", True, 3, False) == (
        event["devAddr"],
        event["adr"],
        event["dr"],
        event["confirmed"],
    )
    assert 1 == world.device.f_cnt_up


def test_counters_have_32_bits(world: Any) -> None:
    world.given_joined()
    given_session(world, f_cnt_up=65_536)

    world.when_frame(V4)

    assert 65_536 == world.then_event("up")["fCnt"]


def test_a_counter_of_16_bits_is_no_valid_mic_right_after_a_join(world: Any) -> None:
    world.given_joined()
    given_session(world, f_cnt_up=1)

    world.when_frame(V4)

    assert {"mic": 1} == world.then_causes()
    assert [] == world.events


def test_the_same_frame_a_second_later_is_a_retransmission(world: Any) -> None:
    world.given_joined()
    phy_payload = world.when_uplink()
    world.forget()
    world.when_time_passes(1)

    world.when_frame(phy_payload)

    event = world.then_event("log")
    assert ("WARNING", "UPLINK_F_CNT_RETRANSMISSION") == (event["level"], event["code"])
    assert (
        "Uplink was flagged as re-transmission / frame-counter did not increment"
        == event["description"]
    )
    assert "0" == event["context"]["f_cnt_up"]
    assert ["log"] == world.then_kinds()
    assert {"f_cnt_retransmission": 1} == world.then_causes()


def test_a_repeated_confirmed_uplink_is_not_acknowledged_again(world: Any) -> None:
    world.given_quiet()
    phy_payload = world.when_uplink(confirmed=True)
    assert 1 == len(world.downlinks)
    world.forget()
    world.when_time_passes(1)

    world.when_frame(phy_payload)
    world.when_time_passes(1)

    assert [] == world.downlinks


def test_a_lower_counter_is_a_reset(world: Any) -> None:
    world.given_joined()
    for f_cnt in (0, 1, 2):
        world.when_uplink(f_cnt=f_cnt)
    world.forget()

    world.when_uplink(b"\x02", f_cnt=0)

    event = world.then_event("log")
    assert (
        "WARNING",
        "UPLINK_F_CNT_RESET",
        "Frame-counter reset or rollover detected",
    ) == (
        event["level"],
        event["code"],
        event["description"],
    )
    assert 3 == world.device.f_cnt_up


def test_a_device_that_skips_the_check_may_start_again(world: Any) -> None:
    world.given_joined(device={"skip_fcnt_check": True})
    world.when_uplink(f_cnt=9)

    world.when_uplink(f_cnt=0)

    assert [9, 0] == [event["fCnt"] for event in world.then_events("up")]
    assert 1 == world.device.f_cnt_up


def test_there_is_no_largest_gap(world: Any) -> None:
    world.given_joined()
    world.when_uplink(f_cnt=0)

    world.when_uplink(f_cnt=60_000)

    assert 60_000 == world.then_events("up")[-1]["fCnt"]


def test_a_disabled_device_is_unknown(world: Any) -> None:
    world.given_joined()
    world.device.is_disabled = True

    world.when_uplink()

    assert {"unknown_dev_addr": 1} == world.then_causes()


def test_empty_frames_and_mac_frames_are_told_too(world: Any) -> None:
    world.given_joined()

    world.when_uplink(b"", f_port=None)
    world.when_uplink(b"\x02", f_port=0)

    told = [(e["fPort"], e["data"]) for e in world.then_events("up")]
    assert [(0, ""), (0, "")] == told


def test_tags_of_the_device_win_over_profile_and_application(world: Any) -> None:
    world.given_joined()

    world.when_uplink()

    assert {
        "application": "yes",
        "profile": "yes",
        "district": "nord",
        "who": "device",
    } == world.then_event("up")["deviceInfo"]["tags"]


@pytest.mark.parametrize(
    ("script", "decoded"),
    [(JS, {"n": 21.0, "t": 1.5}), (JS.replace("n: input.bytes[0], ", ""), {"t": 1.5})],
)
def test_a_codec_gives_the_object(world: Any, script: str, decoded: Any) -> None:
    world.given_joined(
        payload_codec_runtime=api.CodecRuntime.JS, payload_codec_script=script
    )

    world.when_uplink(b"\x15")

    assert decoded == world.then_event("up")["object"]
    assert b'"t":1.5' in world.events[-1].payload


def test_whole_numbers_of_an_object_are_rendered_as_doubles(world: Any) -> None:
    world.given_joined(
        payload_codec_runtime=api.CodecRuntime.JS, payload_codec_script=JS
    )

    world.when_uplink(b"\x15")

    assert b'"object":{"n":21.0,"t":1.5}' in world.events[-1].payload


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("function decodeUplink() { throw new Error('no'); }", "JS error: Error: no"),
        ("function decodeUplink() { return {errors: ['a', 'b']}; }", "a, b"),
        ("function decodeUplink() { return {}; }", "did not return 'data'"),
        ("let x = 1;", "decodeUplink"),
    ],
)
def test_a_codec_that_fails_is_told_and_the_uplink_comes_without_object(
    world: Any, script: str, words: str
) -> None:
    world.given_joined(
        payload_codec_runtime=api.CodecRuntime.JS, payload_codec_script=script
    )

    world.when_uplink()

    log = world.then_event("log")
    assert ("ERROR", "UPLINK_CODEC") == (log["level"], log["code"])
    assert words in log["description"]
    up = world.then_event("up")
    assert "object" not in up
    assert up["deduplicationId"] == log["context"]["deduplication_id"]


def test_infinity_loses_the_event_as_in_chirpstack(world: Any) -> None:
    world.given_joined()
    world.context.payloads = Infinite()

    world.when_uplink()

    assert [] == world.events
    assert any("cause=infinity" in line for line in world.warnings)


class Infinite:
    """A codec that found infinity."""

    def decode(self, *_details: Any) -> Any:
        return DecodedObject({"list": [{"x": float("inf")}]})


def test_an_abp_device_gets_its_region_with_the_first_uplink(world: Any) -> None:
    world.given_joined()
    given_session(world)
    world.device.session.region_config_id = ""

    world.when_frame(V3)

    assert "eu868" == world.device.session.region_config_id
    assert "eu868" == world.then_event("up")["regionConfigId"]


def test_a_session_of_another_region_does_not_match(world: Any) -> None:
    world.given_joined()
    world.device.session.region_config_id = "eu868_other"

    world.when_uplink()

    assert {"mic": 1} == world.then_causes()


def test_a_profile_of_another_region_is_refused(world: Any) -> None:
    world.given_joined()
    world.device.profile.region = common.Region.US915

    world.when_uplink()

    assert {"region_mismatch": 1} == world.then_causes()


def test_two_devices_may_share_a_dev_addr(world: Any) -> None:
    world.given_joined()
    given_session(world)
    twin = world.device
    with world.store.transaction():
        world.store.devices.create(settings_of(twin, "00000000000000ee"), world.now)
        other = world.store.devices.get("00000000000000ee")
        other.dev_addr = "01a7c3e5"
        other.session = type(twin.session)(
            region_config_id="eu868",
            dev_addr="01a7c3e5",
            mac_version="1.0.3",
            nwk_s_key=bytes(16),
            app_s_key=bytes(16),
        )
        world.store.devices.save(other)

    world.when_frame(V3)

    assert "a81758fffe0301c4" == world.then_event("up")["deviceInfo"]["devEui"]


def test_the_adr_bit_is_told(world: Any) -> None:
    world.given_joined()

    world.when_uplink(f_ctrl=FCtrl())

    assert world.then_event("up")["adr"] is False


def settings_of(device: Any, dev_eui: str) -> Any:
    return DeviceSettings(
        dev_eui=dev_eui,
        name="twin",
        description="",
        application_id=device.application.id,
        device_profile_id=device.profile.id,
        join_eui="0" * 16,
        skip_fcnt_check=False,
        is_disabled=False,
    )
