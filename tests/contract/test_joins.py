"""Over-the-air activation, as a device and an integrator see it (contract §2.2)."""

from typing import Any

import pytest
from chirpstack_api import api
from tests.contract.stage import FIRST_NONCE, JOIN_EUI
from tests.contract.world import World

from wire.eui64 import EUI64
from wire.lorawan.keys import Key

OTHER_JOIN_EUI = EUI64.parse("70b3d57ed0000a02")


def join(world: World, nonce: int | None = None, **request: Any) -> None:
    world.when_join(nonce, **request)
    world.then_joined()


@pytest.mark.proves("check:2", "event:join", "feature:otaa", "trap:9")
@pytest.mark.proves("feature:region-eu868")
def test_a_join_is_accepted_in_two_windows_and_told(world: World) -> None:
    world.given_device()
    world.when_join()

    accept = world.then_joined()

    granted = world.cast.join_accept
    assert granted is not None
    assert ["5s", "6s"] == accept.timings
    assert (0, 1, 3) == (
        granted.join_nonce,
        granted.rx_delay,
        granted.dl_settings.rx2_data_rate,
    )
    rx1, rx2 = (item.tx_info for item in accept.frame.items)
    assert (868_300_000, 869_525_000) == (rx1.frequency, rx2.frequency)
    assert (9, 12) == (
        rx1.modulation.lora.spreading_factor,
        rx2.modulation.lora.spreading_factor,
    )
    world.then_nothing()


@pytest.mark.proves("check:3")
def test_a_used_dev_nonce_is_logged_and_not_answered(world: World) -> None:
    world.given_device()
    world.when_join()
    world.then_joined()
    world.stage.settle()
    world.when_join(FIRST_NONCE)

    log = world.then_event("log")

    assert ("ERROR", "OTAA", "DevNonce has already been used") == (
        log["level"],
        log["code"],
        log["description"],
    )
    assert str(FIRST_NONCE) == log["context"]["dev_nonce"]
    assert str(JOIN_EUI) == log["context"]["join_eui"]
    world.then_nothing()


@pytest.mark.proves("check:4")
def test_a_wrong_key_is_logged_and_not_answered(world: World) -> None:
    world.given_device()
    world.when_join(key=Key(bytes(16)))

    log = world.then_event("log")

    assert ("ERROR", "UPLINK_MIC") == (log["level"], log["code"])
    assert {"deduplication_id"} == set(log["context"])
    world.then_nothing()


@pytest.mark.proves("trap:7")
def test_an_app_key_in_app_key_is_a_wrong_mic(world: World) -> None:
    world.given_device()
    keys = api.DeviceKeys(
        dev_eui=world.cast.dev_eui, nwk_key="", app_key=world.cast.app_key.hex()
    )
    world.when_asked(
        "DeviceService/UpdateKeys", api.UpdateDeviceKeysRequest(device_keys=keys)
    )
    world.when_join()

    assert "UPLINK_MIC" == world.then_event("log")["code"]
    world.then_nothing()


@pytest.mark.proves("trap:8")
def test_a_lower_dev_nonce_is_accepted(world: World) -> None:
    world.given_device()
    join(world, 500)
    world.stage.settle()
    join(world, 3)

    assert 1 == world.cast.accepted.join_nonce


@pytest.mark.proves("trap:8")
def test_another_join_eui_has_its_own_nonces_and_replaces_the_first(
    world: World,
) -> None:
    world.given_device()
    join(world, 7)
    world.stage.settle()
    join(world, 7, join_eui=OTHER_JOIN_EUI)

    request = api.GetDeviceRequest(dev_eui=world.cast.dev_eui)
    answer = world.when_asked("DeviceService/Get", request)

    assert str(OTHER_JOIN_EUI) == answer.device.join_eui


@pytest.mark.proves("grpc:DeviceService/FlushDevNonces")
def test_flushed_nonces_may_be_used_again_and_the_join_nonce_goes_on(
    world: World,
) -> None:
    world.given_device()
    join(world, 7)
    world.when_asked(
        "DeviceService/FlushDevNonces",
        api.FlushDevNoncesRequest(dev_eui=world.cast.dev_eui),
    )
    world.stage.settle()
    join(world, 7)

    assert 1 == world.cast.accepted.join_nonce


@pytest.mark.proves("grpc:DeviceService/DeleteKeys", "grpc:DeviceService/CreateKeys")
def test_new_keys_start_with_join_nonce_zero(world: World) -> None:
    world.given_device()
    join(world, 7)
    dev_eui = world.cast.dev_eui
    world.when_asked(
        "DeviceService/DeleteKeys", api.DeleteDeviceKeysRequest(dev_eui=dev_eui)
    )
    keys = api.DeviceKeys(dev_eui=dev_eui, nwk_key=world.cast.app_key.hex())
    world.when_asked(
        "DeviceService/CreateKeys", api.CreateDeviceKeysRequest(device_keys=keys)
    )
    world.stage.settle()
    join(world, 7)

    assert 0 == world.cast.accepted.join_nonce


def test_an_unknown_dev_eui_is_not_answered(world: World) -> None:
    world.given_device()
    request = api.DeleteDeviceRequest(dev_eui=world.cast.dev_eui)
    world.when_asked("DeviceService/Delete", request)
    world.when_join()

    world.then_nothing()


def test_a_disabled_device_is_not_answered(world: World) -> None:
    world.given_device()
    update_device(world, is_disabled=True)
    world.when_join()

    world.then_nothing()


def test_a_profile_without_otaa_is_not_answered(world: World) -> None:
    world.given_device(supports_otaa=False)
    world.when_join()

    world.then_nothing()


def test_a_device_without_keys_is_not_answered(world: World) -> None:
    world.given_device()
    request = api.DeleteDeviceKeysRequest(dev_eui=world.cast.dev_eui)
    world.when_asked("DeviceService/DeleteKeys", request)
    world.when_join()

    world.then_nothing()


@pytest.mark.proves("feature:flush-queue-on-activate")
def test_a_join_flushes_the_queue_without_a_word(world: World) -> None:
    world.given_device(flush_queue_on_activate=True)
    world.given_queued()
    join(world)

    assert [] == world.then_queue()
    world.then_nothing()


def test_a_join_keeps_the_queue_unless_the_profile_says_so(world: World) -> None:
    world.given_device()
    world.given_queued()
    join(world)

    assert 1 == len(world.then_queue())


@pytest.mark.proves("feature:class-c")
def test_class_c_begins_with_the_join_and_is_told_from_then_on(world: World) -> None:
    world.given_device(supports_class_c=True)
    world.when_join()
    world.then_joined()
    told_at_join = world.steps[-1]["document"]
    world.when_uplink()

    up = world.then_event("up")

    assert "CLASS_A" == told_at_join["deviceInfo"]["deviceClassEnabled"]
    assert "CLASS_C" == up["deviceInfo"]["deviceClassEnabled"]


@pytest.mark.proves("feature:dev-addr-prefixes")
def test_dev_addrs_come_from_the_tenants_prefixes(world: World) -> None:
    world.given_device()
    tenant = api.Tenant(
        id=world.cast.tenant_id,
        name="city",
        can_have_gateways=True,
        dev_addr_prefixes=["01fa0000/16"],
    )
    world.when_asked("TenantService/Update", api.UpdateTenantRequest(tenant=tenant))
    join(world)

    assert str(world.session.dev_addr).startswith("01fa")


def test_a_join_accepts_tx_ack_says_nothing(world: World) -> None:
    world.given_device()
    world.when_join()
    world.when_tx_ack(world.then_joined())

    world.then_nothing()


@pytest.mark.proves("grpc:DeviceService/GetActivation")
def test_a_session_is_shown_after_the_join(world: World) -> None:
    world.given_device()
    request = api.GetDeviceActivationRequest(dev_eui=world.cast.dev_eui)
    before = world.when_asked("DeviceService/GetActivation", request)
    join(world)
    world.names.add(world.session.app_s_key.hex(), "app_s_key")
    world.names.add(world.session.nwk_s_key.hex(), "nwk_s_key")

    after = world.when_asked("DeviceService/GetActivation", request)

    assert not before.HasField("device_activation")
    assert str(world.session.dev_addr) == after.device_activation.dev_addr
    assert world.session.app_s_key.hex() == after.device_activation.app_s_key


def update_device(world: World, **settings: Any) -> None:
    cast = world.cast
    device = api.Device(
        dev_eui=cast.dev_eui,
        name="lamp-0147",
        application_id=cast.application_id,
        device_profile_id=cast.profile.id,
        **settings,
    )
    world.when_asked("DeviceService/Update", api.UpdateDeviceRequest(device=device))
