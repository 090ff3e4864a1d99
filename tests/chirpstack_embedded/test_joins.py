"""OTAA as ChirpStack does it (contract §2.2; checks 2 to 4 of its Appendix B)."""

from typing import Any

import pytest
from chirpstack_api import common, gw

from wire.lorawan.join import JoinAccept
from wire.lorawan.keys import Key

APP_KEY = Key(bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c"))
V1 = bytes.fromhex("00010a00d07ed5b370c40103feff5817a82e1fb3b2ca66")
"""A JoinRequest of the contract's Appendix A, DevNonce 0x1f2e."""


@pytest.fixture
def ready(world: Any) -> Any:
    world.given_gateways()
    world.given_device()
    return world


def accept_of(world: Any) -> JoinAccept:
    accept = JoinAccept.open(world.downlinks[-1].items[0].phy_payload, APP_KEY)
    assert accept is not None
    return accept


def test_a_join_is_answered_five_and_six_seconds_after_the_request(ready: Any) -> None:
    ready.when_frame(V1)

    (frame,) = ready.downlinks
    delays = [item.tx_info.timing.delay.delay.seconds for item in frame.items]
    frequencies = [item.tx_info.frequency for item in frame.items]
    spreading = [item.tx_info.modulation.lora.spreading_factor for item in frame.items]
    assert [5, 6] == delays
    assert [868_300_000, 869_525_000] == frequencies
    # RX2 is the band's SF12, not the configured SF9.
    assert [9, 12] == spreading
    assert [16, 29] == [item.tx_info.power for item in frame.items]
    assert frame.items[0].phy_payload == frame.items[1].phy_payload


def test_the_answer_carries_the_regions_settings_and_channels(ready: Any) -> None:
    ready.when_join()

    accept = accept_of(ready)
    assert (0, 3, 0, 1) == (
        accept.join_nonce,
        accept.dl_settings.rx2_data_rate,
        accept.dl_settings.rx1_dr_offset,
        accept.rx_delay,
    )
    assert accept.cf_list is not None
    assert (
        867_100_000,
        867_300_000,
        867_500_000,
        867_700_000,
        867_900_000,
    ) == accept.cf_list.frequencies_hz
    assert accept.dev_addr[0] < 2


def test_the_join_event_comes_at_once_with_the_class_before(world: Any) -> None:
    world.given_gateways()
    world.given_device(supports_class_c=True)

    world.when_join()

    event = world.then_event("join")
    assert "CLASS_A" == event["deviceInfo"]["deviceClassEnabled"]
    assert str(accept_of(world).dev_addr) == event["devAddr"]
    assert "C" == world.device.enabled_class


def test_join_nonces_count_from_zero(ready: Any) -> None:
    ready.when_join()
    first = accept_of(ready).join_nonce
    ready.when_join()

    assert (0, 1) == (first, accept_of(ready).join_nonce)


def test_a_dev_nonce_is_used_once(ready: Any) -> None:
    ready.when_frame(V1)
    ready.forget()
    ready.when_time_passes(1)

    ready.when_frame(V1)

    event = ready.then_event("log")
    assert ("ERROR", "OTAA", "DevNonce has already been used") == (
        event["level"],
        event["code"],
        event["description"],
    )
    assert "70b3d57ed0000a01" == event["context"]["join_eui"]
    assert "7982" == event["context"]["dev_nonce"]
    assert [] == ready.downlinks
    assert {"dev_nonce": 1} == ready.then_causes()


def test_a_dev_nonce_is_free_again_after_a_flush(ready: Any) -> None:
    ready.when_join(nonce=7)
    with ready.store.transaction():
        ready.store.keys.flush_dev_nonces(ready.device.dev_eui)

    ready.when_time_passes(1)
    ready.when_join(nonce=7)

    assert 1 == accept_of(ready).join_nonce


def test_a_lower_dev_nonce_is_as_good_as_a_higher_one(ready: Any) -> None:
    ready.when_join(nonce=500)
    ready.when_join(nonce=3)

    assert ["join", "join"] == ready.then_kinds()


def test_a_wrong_key_is_told(ready: Any) -> None:
    ready.when_join(key=Key(bytes(16)))

    event = ready.then_event("log")
    assert ("ERROR", "UPLINK_MIC") == (event["level"], event["code"])
    assert (
        "MIC of join-request is invalid, make sure keys are correct"
        == event["description"]
    )
    assert ["deduplication_id"] == list(event["context"])
    assert [] == ready.downlinks


def test_the_app_key_of_1_0_x_belongs_into_nwk_key(ready: Any) -> None:
    with ready.store.transaction():
        keys = ready.store.keys.get(ready.device.dev_eui)
        keys.nwk_key, keys.app_key = bytes(16), bytes(APP_KEY)
        ready.store.keys.update(keys, ready.now)

    ready.when_join()

    assert "UPLINK_MIC" == ready.then_event("log")["code"]


def test_the_join_eui_is_taken_from_the_request(ready: Any) -> None:
    ready.when_join()

    assert "70b3d57ed0000a01" == ready.device.join_eui


@pytest.mark.parametrize(
    ("cause", "given"),
    [
        ("unknown_device", {"device": {"dev_eui": "0000000000000001"}, "keys": False}),
        ("no_keys", {"keys": False}),
        ("region_mismatch", {"region": common.Region.US915}),
        ("region_mismatch", {"region_config_id": "eu868_private"}),
        ("disabled", {"device": {"is_disabled": True}}),
        ("otaa_not_supported", {"supports_otaa": False}),
    ],
)
def test_a_join_that_cannot_be_is_counted_by_cause_and_not_told(
    world: Any, cause: str, given: dict[str, Any]
) -> None:
    world.given_gateways()
    world.given_device(**given)

    world.when_join()

    assert ([], []) == (world.events, world.downlinks)
    assert {cause: 1} == world.then_causes()
    assert any(f"cause={cause}" in line for line in world.warnings)


def test_a_join_empties_the_queue_when_the_profile_says_so(world: Any) -> None:
    world.given_gateways()
    world.given_device(flush_queue_on_activate=True)
    world.given_queued()

    world.when_join()

    assert [] == world.device.queue
    assert ["join"] == world.then_kinds()


def test_a_join_keeps_the_queue_otherwise(ready: Any) -> None:
    ready.given_queued()

    ready.when_join()

    assert 1 == len(ready.device.queue)


def test_a_join_starts_the_counters_again(world: Any) -> None:
    world.given_joined()
    world.when_uplink()
    world.when_uplink()

    world.when_join()

    assert 0 == world.device.f_cnt_up
    assert 0 == world.device.session.f_cnt_down


def test_the_answer_echoes_the_gateways_context(ready: Any) -> None:
    ready.when_frame(V1)

    (frame,) = ready.downlinks
    assert "0016c001f1500a2b" == frame.gateway_id
    assert {b"OXz\x00"} == {item.tx_info.context for item in frame.items}
    lora = frame.items[0].tx_info.modulation.lora
    assert (gw.CodeRate.CR_4_5, True) == (lora.code_rate, lora.polarization_inversion)
