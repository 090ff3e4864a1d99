"""Every flow of a LoRaWAN 1.1 device with the embedded server, in virtual time."""

from dataclasses import replace
from typing import Any

import pytest
from tests.chirpstack_embedded.conftest import configuration
from tests.chirpstack_embedded.test_regions import stock
from tests.lorawan_1_1.pair import APP_KEY, CARD, NWK_KEY, Pair
from tests.lorawan_sim.network import NEAR, rx1

from chirpstack_embedded.config import RejoinRequest
from chirpstack_embedded.core.session import abp_session
from lorawan_sim.card import Profile
from lorawan_sim.device import Device
from lorawan_sim.events import What
from lorawan_sim.plan import personalised
from lorawan_sim.session import Session
from wire.lorawan.data import DataFrame
from wire.lorawan.ids import DevAddr
from wire.lorawan.keys import Key
from wire.lorawan.keys_1_1 import SessionKeys11, derive_session_keys_1_1
from wire.lorawan.mac import (
    ADRParamSetupReq,
    DeviceModeInd,
    DevStatusReq,
    ForceRejoinReq,
    LinkADRReq,
    RekeyInd,
    ResetInd,
    build_block,
)
from wire.lorawan.region.catalogue import REGIONS
from wire.lorawan.region.eu868 import EU868
from wire.lorawan.rejoin import RejoinRequest as RejoinFrame
from wire.lorawan.session_1_1 import Session11

KEYS = SessionKeys11(
    f_nwk_s_int_key=Key(b"\1" * 16),
    s_nwk_s_int_key=Key(b"\2" * 16),
    nwk_s_enc_key=Key(b"\3" * 16),
    app_s_key=Key(b"\4" * 16),
)


def crypto(pair: Pair) -> Session11:
    found = pair.ours.crypto
    assert isinstance(found, Session11)
    return found


def f_opts(pair: Pair, number: int = -1) -> bytes:
    """The clear FOpts of an uplink."""
    frame = DataFrame.parse(pair.on_air[number].phy_payload)
    return crypto(pair).clear_f_opts(frame, frame.f_cnt_16)


@pytest.mark.proves("feature:lorawan-1.1", "event:join")
@pytest.mark.parametrize("window", [0, 1])
def test_a_device_joins_with_two_root_keys(window: int) -> None:
    pair = Pair()
    pair.window = window
    pair.joined()

    wanted = derive_session_keys_1_1(
        nwk_key=NWK_KEY,
        app_key=APP_KEY,
        join_nonce=0,
        join_eui=CARD.join_eui,
        dev_nonce=0,
    )
    assert wanted == crypto(pair).keys
    theirs = pair.theirs
    assert bytes(wanted.f_nwk_s_int_key) == theirs.nwk_s_key
    assert bytes(wanted.s_nwk_s_int_key) == theirs.s_nwk_s_int_key
    assert bytes(wanted.nwk_s_enc_key) == theirs.nwk_s_enc_key
    assert bytes(wanted.app_s_key) == theirs.app_s_key


@pytest.mark.proves("feature:lorawan-1.1", "event:up")
def test_an_uplink_arrives_in_the_clear() -> None:
    pair = Pair().joined()

    pair.say(b"hello", f_port=7)

    up = pair.then_event("up")
    assert (7, 0, "aGVsbG8=") == (up["fPort"], up["fCnt"], up["data"])


@pytest.mark.proves("mac:RekeyInd")
def test_new_keys_are_said_until_the_server_confirms_them() -> None:
    pair = Pair(adr_algorithm_id="").joined()
    pair.is_deaf = True
    pair.say()
    pair.say()
    assert [bytes(RekeyInd())] * 2 == [f_opts(pair, -2), f_opts(pair, -1)]

    pair.is_deaf = False
    pair.say()
    pair.say()

    assert b"" == f_opts(pair)
    assert 0 == pair.ours.to_confirm


@pytest.mark.proves("feature:lorawan-1.1", "event:up")
def test_a_confirmed_uplink_is_acknowledged_by_its_counter() -> None:
    pair = Pair().joined()
    pair.say()

    pair.say(confirmed=True)

    assert [1] == [event.fact("f_cnt") for event in pair.told(What.UPLINK_ACKED)]
    assert [] == pair.told(What.DOWNLINK_DROPPED)


@pytest.mark.proves("feature:lorawan-1.1", "event:ack", "event:txack")
def test_a_confirmed_downlink_is_acknowledged_by_its_counter() -> None:
    pair = Pair().joined()
    pair.say()
    pair.given_queued(b"\xaa", confirmed=True)

    pair.say()
    assert [(10, b"\xaa")] == pair.script.inbox
    pair.run(10)

    ack = pair.then_event("ack")
    assert (True, 0) == (ack["acknowledged"], ack["fCntDown"])
    assert 1 == pair.theirs.a_f_cnt_down


@pytest.mark.proves("feature:lorawan-1.1")
def test_the_network_and_the_application_count_apart() -> None:
    pair = Pair(adr_algorithm_id="").joined()
    pair.say()  # answered with RekeyConf: NFCntDown
    for number in range(2):
        pair.given_queued(bytes([number]))
        pair.say()
    pair.say(confirmed=True)  # an ACK alone: NFCntDown

    assert [(10, b"\0"), (10, b"\1")] == pair.script.inbox
    assert (2, 2) == (pair.theirs.f_cnt_down, pair.theirs.a_f_cnt_down)
    assert (1, 1) == (pair.ours.f_cnt_down, pair.ours.a_f_cnt_down)
    assert [0, 1] == [event["fCntDown"] for event in pair.then_events("txack")]


@pytest.mark.proves("mac:DevStatusReq")
def test_commands_travel_hidden_beside_an_applications_payload() -> None:
    pair = Pair(adr_algorithm_id="", device_status_req_interval=1).joined()
    pair.given_queued(b"\x01")

    pair.say()

    phy = pair.downlinks[-1].items[0].phy_payload
    frame = DataFrame.parse(phy)
    clear = crypto(pair).clear_f_opts(frame, 0)
    assert bytes(DevStatusReq()) in clear
    assert clear != frame.f_opts
    assert [(10, b"\x01")] == pair.script.inbox
    pair.say()
    assert 254 / 254 * 100 == pair.then_event("status")["batteryLevel"]


@pytest.mark.proves("mac:NewChannelReq", "mac:RXParamSetupReq")
def test_many_commands_travel_on_port_0() -> None:
    # Three NewChannelReq of six octets are more than FOpts hold.
    session = abp()
    pair = activated(session)

    pair.say()

    frame = DataFrame.parse(pair.downlinks[0].items[0].phy_payload)
    assert 0 == frame.f_port
    assert len(frame.frm_payload) > 15
    pair.say()
    pair.say()
    assert {3, 4, 5, 6, 7} == set(pair.theirs.extra_uplink_channels)
    assert [] == pair.told(What.DOWNLINK_DROPPED)


@pytest.mark.proves("mac:LinkADRReq", "feature:adr")
def test_adr_steers_a_1_1_device() -> None:
    pair = Pair().joined()

    for _ in range(6):
        pair.say()

    assert pair.ours.tx_power_index > 0
    assert pair.ours.tx_power_index == pair.theirs.tx_power_index
    obeyed = [event.fact("command") for event in pair.told(What.COMMANDED)]
    assert any("LinkADRReq" in str(command) for command in obeyed)


@pytest.mark.proves("mac:DeviceModeInd", "feature:class-c")
def test_class_c_begins_when_the_device_says_so() -> None:
    pair = Pair(class_c=True, adr_algorithm_id="").joined()
    assert "A" == pair.device.enabled_class

    pair.say()
    assert bytes(DeviceModeInd(device_class=2)) in f_opts(pair, -1)
    assert "C" == pair.device.enabled_class
    assert "CLASS_A" == pair.then_event("up")["deviceInfo"]["deviceClassEnabled"]
    pair.run(10)
    pair.forget()
    pair.given_queued(b"\x05")
    pair.run(2)

    assert [(10, b"\x05")] == pair.script.inbox
    assert pair.downlinks[0].items[0].tx_info.timing.HasField("immediately")
    pair.say()
    assert b"" == f_opts(pair)


# ABP


def abp(dev_addr: str = "01020304") -> Session:
    keys = Session11(dev_addr=DevAddr.parse(dev_addr), keys=KEYS)
    return personalised(keys, EU868)


def activated(session: Session, **profile: Any) -> Pair:
    pair = Pair(
        session=session,
        supports_otaa=False,
        adr_algorithm_id="",
        abp_rx2_freq=869_525_000,
        **profile,
    )
    device = pair.device
    device.session = abp_session(
        device, dev_addr=str(session.dev_addr), keys=KEYS, f_cnt_down=0
    )
    device.dev_addr = str(session.dev_addr)
    with pair.store.transaction():
        pair.store.devices.save(device)
    pair.end_device.join(pair.now)
    pair.run(1)
    return pair


@pytest.mark.proves("mac:ResetInd", "feature:lorawan-1.1")
def test_a_personalised_device_says_that_it_started_until_confirmed() -> None:
    pair = activated(abp())

    pair.say()
    pair.say()

    assert bytes(ResetInd()) == f_opts(pair, 0)
    assert b"\x01" != f_opts(pair, 1)[:1]
    assert 0 == pair.ours.to_confirm
    assert ["up", "up"] == [kind for kind in pair.then_kinds() if kind == "up"]


# Rejoining


@pytest.mark.proves("feature:lorawan-1.1")
def test_the_server_drops_rejoin_requests_as_chirpstack_does() -> None:
    pair = Pair(adr_algorithm_id="").joined()
    pair.say()
    force(pair, ForceRejoinReq(period=0, max_retries=1, rejoin_type=2, dr=5))

    pair.run(120)

    frames = [
        RejoinFrame.parse(air.phy_payload)
        for air in pair.on_air
        if air.phy_payload[0] >> 5 == 6
    ]
    assert [(2, 0), (2, 1)] == [(it.rejoin_type, it.rj_count) for it in frames]
    assert all(it.verify(crypto(pair).s_nwk_s_int_key) for it in frames)
    assert 2 == pair.then_causes()["unexpected_type"]
    pair.say(b"still here")
    assert 2 == len(pair.then_events("up"))


def force(pair: Pair, command: ForceRejoinReq | ADRParamSetupReq) -> None:
    """Have the network command something ChirpStack never does."""
    phy = crypto(pair).downlink(
        f_cnt=pair.theirs.f_cnt_down, f_opts=build_block([command])
    )
    pair.theirs.f_cnt_down += 1
    pair.script.say()
    pair.end_device.tick(pair.now)
    (air,) = pair.end_device.transmissions()
    answer = rx1(air, phy)
    pair.now = answer.start_s
    pair.end_device.receive(answer, NEAR, answer.start_s)
    pair.diary += pair.end_device.events()


@pytest.mark.proves(
    "mac:RejoinParamSetupReq", "config:regions.network.rejoin_request.enabled"
)
def test_every_so_many_uplinks_a_rejoin_request_leaves() -> None:
    wanted = RejoinRequest(enabled=True, max_count_n=0, max_time_n=0)
    pair = Pair(configured=configuration(rejoin_request=wanted), adr_algorithm_id="")
    pair.joined()

    for _ in range(18):
        pair.say()

    sent = pair.told(What.REJOIN_SENT)
    assert [0] == [event.fact("rejoin_type") for event in sent]
    assert 16 == pair.ours.rejoin_every
    assert pair.theirs.rejoin_request_enabled


def test_adr_limits_can_be_set_up() -> None:
    pair = Pair(adr_algorithm_id="").joined()

    force(pair, ADRParamSetupReq(limit_exp=1, delay_exp=0))
    pair.is_deaf = True
    for _ in range(4):
        pair.say()

    assert (2, 1) == (pair.ours.adr_limit, pair.ours.adr_delay)
    assert pair.told(What.ADR_BACKED_OFF)


# Versions that do not match


@pytest.mark.proves("feature:lorawan-1.1")
def test_a_1_1_device_falls_back_where_the_profile_is_of_1_0() -> None:
    pair = Pair(server_version="LORAWAN_1_0_3").joined()

    pair.say(b"old", confirmed=True)

    assert not pair.ours.is_1_1
    assert "b2xk" == pair.then_event("up")["data"]
    assert pair.told(What.UPLINK_ACKED)


def test_a_1_0_device_does_not_join_where_the_profile_is_of_1_1() -> None:
    old = replace(CARD, app_key=NWK_KEY, nwk_key=None)
    pair = Pair(mac_version="1.0.3", card=old)

    pair.end_device.join(pair.now)
    pair.run(60)

    assert "join" in pair.then_kinds()
    assert not pair.end_device.joined
    reasons = [str(event.fact("reason")) for event in pair.told(What.JOIN_FAILED)]
    assert "wrong MIC" in reasons[0]


def test_an_accept_with_an_old_nonce_is_not_taken() -> None:
    pair = Pair()
    session = abp()
    session.join_nonce = 0
    other = Device(
        CARD,
        pair.script,
        Profile(region=EU868, mac_version="1.1.0"),
        session=session,
        dev_nonce=9,
    )
    other._talk = None  # its session is lost, what it knows of nonces is not
    pair.end_device = other

    pair.end_device.join(pair.now)
    pair.run(9)
    assert not pair.end_device.joined
    assert "old JoinNonce" in str(pair.told(What.JOIN_FAILED)[0].fact("reason"))
    pair.run(60)

    assert pair.end_device.joined
    assert 1 == pair.ours.join_nonce


def test_a_repetition_on_another_channel_is_signed_anew_and_dropped_as_one() -> None:
    pair = Pair(adr_algorithm_id="").joined()
    pair.is_deaf = True
    pair.ours.nb_trans = 3

    pair.say()
    pair.run(20)

    payloads = [air.phy_payload for air in pair.on_air[-3:]]
    assert 1 == len({one[:-4] for one in payloads})
    assert 1 == len(pair.then_events("up"))
    assert 2 == pair.then_causes()["f_cnt_retransmission"]
    assert "mic" not in pair.then_causes()


def test_flash_keeps_a_1_1_session() -> None:
    pair = Pair().joined()
    pair.given_queued(b"\x01")
    pair.say()

    again = Session.from_json(pair.ours.to_json())

    assert isinstance(again.crypto, Session11)
    assert crypto(pair).keys == again.crypto.keys
    assert 0 == again.a_f_cnt_down
    assert pair.ours.net_id == again.net_id


def test_a_block_of_link_adr_requests_gets_one_answer() -> None:
    pair = Pair(adr_algorithm_id="").joined()
    pair.say()
    block = LinkADRReq(data_rate=5, tx_power=1, ch_mask=7)
    phy = crypto(pair).downlink(
        f_cnt=pair.theirs.f_cnt_down, f_opts=build_block([block, block])
    )
    pair.theirs.f_cnt_down += 1
    pair.script.say()
    pair.end_device.tick(pair.now)
    (air,) = pair.end_device.transmissions()
    pair.end_device.receive(rx1(air, phy), NEAR, air.end_s + 1)
    pair.now = air.end_s + 3
    pair.theirs.mac_command_pending[LinkADRReq.cid] = bytes(block) * 2
    pair.device.f_cnt_up += 1

    pair.say()

    assert "0307" == f_opts(pair).hex()
    assert 1 == pair.theirs.tx_power_index


@pytest.mark.proves("feature:lorawan-1.1", "feature:regions")
def test_channels_beyond_the_first_sixteen_are_in_the_mic_too() -> None:
    region = REGIONS["us915_1"]
    pair = Pair(region=region, configured=stock("us915_1"), adr_algorithm_id="")
    pair.end_device.join(pair.now)
    pair.run(900)
    assert pair.end_device.joined

    for _ in range(6):
        pair.say(confirmed=True)

    channels = {region.channel_of(air.frequency_hz) for air in pair.on_air[-6:]}
    assert all(channel in region.stock_channels() for channel in channels)
    assert 6 == len(pair.then_events("up"))
    assert 6 == len(pair.told(What.UPLINK_ACKED))
