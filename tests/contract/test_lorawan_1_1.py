"""LoRaWAN 1.1 over the air: two root keys, four session keys, two down counters."""

import secrets
from typing import Any

import pytest
from chirpstack_api import api, common
from tests.contract.stage import JOIN_EUI
from tests.contract.world import World

from wire.eui64 import EUI64
from wire.lorawan.fhdr import FCtrl
from wire.lorawan.ids import DevAddr
from wire.lorawan.join_1_1 import Asked, open_accept
from wire.lorawan.keys import Key
from wire.lorawan.keys_1_1 import SessionKeys11, derive_session_keys_1_1, js_int_key
from wire.lorawan.mac import LinkCheckAns, RekeyConf
from wire.lorawan.rejoin import RejoinRequest
from wire.lorawan.session_1_1 import Session11

APP_KEY = Key(bytes(range(16)))
REKEY_IND = b"\x0b\x01"
CHANNEL_1 = 1  # 868.3 MHz


def given_device(world: World, **profile: Any) -> None:
    """A 1.1 device with both root keys that has not joined."""
    world.given_device(
        mac_version=common.MacVersion.LORAWAN_1_1_0,
        reg_params_revision=common.RegParamsRevision.B,
        **profile,
    )
    keys = api.DeviceKeys(
        dev_eui=world.cast.dev_eui,
        nwk_key=world.cast.app_key.hex(),
        app_key=APP_KEY.hex(),
    )
    world.stage.caller.do(
        "DeviceService/UpdateKeys", api.UpdateDeviceKeysRequest(device_keys=keys)
    )


def join(world: World) -> None:
    """Join, and take the four session keys."""
    world.when_join()
    cast = world.cast
    frame = world.stage.take_down(cast.gateways[0])
    accept = open_accept(
        frame.items[0].phy_payload,
        cast.app_key,
        js_int_key=js_int_key(cast.app_key, EUI64.parse(cast.dev_eui)),
        asked=Asked(join_eui=JOIN_EUI, nonce=cast.dev_nonce),
    )
    assert accept is not None
    assert accept.dl_settings.opt_neg
    keys = derive_session_keys_1_1(
        nwk_key=cast.app_key,
        app_key=APP_KEY,
        join_nonce=accept.join_nonce,
        join_eui=JOIN_EUI,
        dev_nonce=cast.dev_nonce,
    )
    cast.join_accept, cast.f_cnt = accept, 0
    cast.session = Session11(dev_addr=accept.dev_addr, keys=keys)
    world.names.add(str(accept.dev_addr), "dev_addr")
    world.then_event("join")


def send(
    world: World, f_opts: bytes = b"", *, tx_ch: int = CHANNEL_1, **frame: Any
) -> None:
    """Send a 1.1 uplink at DR3 on 868.3 MHz."""
    session = world.session
    assert isinstance(session, Session11)
    f_cnt, world.cast.f_cnt = world.cast.f_cnt, world.cast.f_cnt + 1
    wanted = {"f_port": 2, "payload": b"\x01", "f_ctrl": FCtrl(adr=True), **frame}
    world.when_frame(
        session.uplink(f_cnt=f_cnt, f_opts=f_opts, tx_dr=3, tx_ch=tx_ch, **wanted)
    )


def given_joined(world: World, **profile: Any) -> None:
    """A joined 1.1 device whose RekeyInd was confirmed."""
    given_device(world, **profile)
    join(world)
    send(world, REKEY_IND)
    world.stage.air.take(world.cast.event("up"))
    world.stage.acknowledge(world.stage.take_down(world.cast.gateways[0]), "OK")
    world.stage.settle()


@pytest.mark.proves("feature:lorawan-1.1", "mac:RekeyInd")
def test_a_join_gives_four_keys_and_is_confirmed(world: World) -> None:
    given_device(world)
    join(world)
    send(world, REKEY_IND)
    world.then_event("up")

    downlink = world.then_downlink()

    assert (RekeyConf(),) == downlink.commands()
    assert 0 == downlink.f_cnt


@pytest.mark.proves("feature:lorawan-1.1", "grpc:DeviceService/GetActivation")
def test_the_session_shows_its_keys(world: World) -> None:
    given_device(world)
    join(world)
    session = world.session
    assert isinstance(session, Session11)
    for name in ("f_nwk_s_int_key", "s_nwk_s_int_key", "nwk_s_enc_key", "app_s_key"):
        world.names.add(getattr(session.keys, name).hex(), name)
    request = api.GetDeviceActivationRequest(dev_eui=world.cast.dev_eui)

    shown = world.when_asked("DeviceService/GetActivation", request).device_activation

    assert session.keys.nwk_s_enc_key.hex() == shown.nwk_s_enc_key


@pytest.mark.proves("feature:lorawan-1.1")
def test_an_item_counts_apart_from_commands(world: World) -> None:
    given_joined(world)
    world.given_queued(b"\x07")
    send(world)
    world.then_event("up")
    item = world.then_downlink()
    world.when_tx_ack(item)
    world.then_event("txack")
    world.stage.settle()
    send(world, b"\x02")
    world.then_event("up")

    commands = world.then_downlink()

    assert (0, b"\x07") == (item.f_cnt, item.clear())
    assert (LinkCheckAns(margin_db=7, gateway_count=1),) == commands.commands()
    assert 1 == commands.f_cnt


@pytest.mark.proves("feature:lorawan-1.1")
def test_an_acknowledgement_signs_the_counter_it_is_about(world: World) -> None:
    given_joined(world)
    send(world, confirmed=True)
    world.then_event("up")

    downlink = world.then_downlink(conf_f_cnt=1)

    assert downlink.data().f_ctrl.ack
    assert b"" == downlink.clear()


@pytest.mark.proves("feature:lorawan-1.1")
def test_a_devices_ack_signs_the_counter_it_is_about(world: World) -> None:
    given_joined(world)
    world.given_queued(b"\x07", confirmed=True)
    send(world)
    world.then_event("up")
    world.when_tx_ack(world.then_downlink())
    world.then_event("txack")
    world.stage.settle()
    send(world, f_ctrl=FCtrl(adr=True, ack=True), conf_f_cnt=0)
    world.then_event("up")

    assert world.then_event("ack")["acknowledged"]


@pytest.mark.proves("feature:lorawan-1.1")
def test_a_mic_of_another_channel_says_nothing(world: World) -> None:
    given_joined(world)
    send(world, tx_ch=2)

    world.then_nothing()


@pytest.mark.proves("mac:DeviceModeInd", "feature:lorawan-1.1")
def test_class_c_begins_when_the_device_says_so(world: World) -> None:
    given_joined(world, supports_class_c=True)
    get = api.GetDeviceRequest(dev_eui=world.cast.dev_eui)
    before = world.when_asked("DeviceService/Get", get)
    send(world, b"\x20\x02")
    world.then_event("up")
    world.when_tx_ack(world.then_downlink())
    world.stage.settle()
    after = world.when_asked("DeviceService/Get", get)

    assert [common.CLASS_A, common.CLASS_C] == [
        before.class_enabled,
        after.class_enabled,
    ]
    world.given_queued(b"\x07")
    assert ["immediately"] == world.then_downlink().timings


@pytest.mark.proves("mac:ResetInd", "feature:lorawan-1.1")
def test_an_abp_device_that_started_anew_is_confirmed(world: World) -> None:
    given_device(world, supports_otaa=False, abp_rx1_delay=1, abp_rx2_freq=869_525_000)
    cast = world.cast
    # New ones each time: a server may remember devices of an earlier run.
    names = ("f_nwk_s_int_key", "s_nwk_s_int_key", "nwk_s_enc_key", "app_s_key")
    keys = SessionKeys11(**{name: Key(secrets.token_bytes(16)) for name in names})
    for name in names:
        world.names.add(getattr(keys, name).hex(), name)
    cast.session = Session11(dev_addr=DevAddr.parse("01a7c3e5"), keys=keys)
    activation = api.DeviceActivation(
        dev_eui=cast.dev_eui,
        dev_addr="01a7c3e5",
        app_s_key=keys.app_s_key.hex(),
        nwk_s_enc_key=keys.nwk_s_enc_key.hex(),
        s_nwk_s_int_key=keys.s_nwk_s_int_key.hex(),
        f_nwk_s_int_key=keys.f_nwk_s_int_key.hex(),
    )
    world.when_asked(
        "DeviceService/Activate",
        api.ActivateDeviceRequest(device_activation=activation),
    )
    send(world, b"\x01\x01")
    world.then_event("up")

    world.then_downlink()


@pytest.mark.proves("feature:lorawan-1.1")
def test_rejoin_requests_are_dropped(world: World) -> None:
    given_joined(world)
    session = world.session
    assert isinstance(session, Session11)
    request = RejoinRequest(
        rejoin_type=0,
        net_id=world.cast.accepted.net_id,
        dev_eui=EUI64.parse(world.cast.dev_eui),
        rj_count=0,
    )
    world.when_frame(bytes(request.sealed(session.keys.s_nwk_s_int_key)))

    world.then_nothing()


@pytest.mark.proves("trap:7", "feature:lorawan-1.1")
def test_the_wrong_network_key_is_a_wrong_mic(world: World) -> None:
    given_device(world)
    world.when_join(key=APP_KEY)

    assert "UPLINK_MIC" == world.then_event("log")["code"]
    world.then_nothing()
