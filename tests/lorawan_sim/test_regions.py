"""Devices elsewhere: sub-bands, masks, dwell time, power."""

from dataclasses import replace

import pytest
from tests.lorawan_sim.network import (
    CARD,
    NOON,
    Network,
    Virtual,
    new_device,
)

from lorawan_sim.activation import crypto_of
from lorawan_sim.card import Profile
from lorawan_sim.events import Diary
from lorawan_sim.mac import Situation, obey
from lorawan_sim.plan import longest_message, new_session, personalised
from lorawan_sim.session import Session
from wire.air import AirFrame
from wire.lorawan.ids import DevAddr, NetID
from wire.lorawan.join import CFList, DLSettings, JoinAccept
from wire.lorawan.mac import (
    DlChannelReq,
    LinkADRAns,
    LinkADRReq,
    MacCommand,
    NewChannelReq,
    RXParamSetupReq,
    TXParamSetupAns,
    TXParamSetupReq,
    build_block,
)
from wire.lorawan.region import Region
from wire.lorawan.region.catalogue import REGIONS
from wire.lorawan.region.mask import indices

US915, AU915, AS923 = REGIONS["us915_1"], REGIONS["au915_1"], REGIONS["as923"]
TAKEN = bytes(LinkADRAns(power_ack=True, data_rate_ack=True, channel_mask_ack=True))


def session(region: Region, cf_list: CFList | None = None) -> Session:
    accept = JoinAccept(
        join_nonce=0,
        net_id=NetID(bytes(3)),
        dev_addr=DevAddr(bytes(4)),
        cf_list=cf_list,
    )
    return new_session(accept, crypto_of(accept, CARD, 0), data_rate=2, region=region)


def told(it: Session, region: Region, *commands: MacCommand) -> list[bytes]:
    situation = Situation(
        session=it, region=region, snr_db=0, battery=255, at=NOON, diary=Diary()
    )
    return [answer.octets for answer in obey(build_block(commands), situation)]


def requests(region: Region, seed: int) -> list[AirFrame]:
    device, _ = new_device(Profile(region=region), seed=seed)
    city = Virtual(device, Network(answers_joins=False))
    device.join(NOON)
    city.run(until=NOON + 1200)
    return city.sent


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nine_join_requests_try_every_sub_band_and_the_wide_channels(
    seed: int,
) -> None:
    nine = requests(US915, seed)[:9]

    channels = [US915.channel_of(frame.frequency_hz) for frame in nine]
    banks = {c.index // 8 for c in channels if c is not None}
    assert set(range(9)) == banks
    assert {(10, 125_000), (8, 500_000)} == {
        (f.spreading_factor, f.bandwidth_hz) for f in nine
    }


def test_a_whole_round_takes_less_than_three_minutes() -> None:
    nine = requests(US915, 1)[:9]

    assert nine[-1].end_s - NOON < 180


def test_devices_do_not_all_begin_with_the_same_sub_band() -> None:
    first = {requests(AU915, seed)[0].frequency_hz for seed in range(8)}

    assert len(first) > 2


def test_join_requests_of_as923_keep_to_400_ms() -> None:
    frames = requests(AS923, 1)

    assert {7, 8, 9, 10} == {frame.spreading_factor for frame in frames}
    assert max(frame.airtime_s for frame in frames) < 0.4


def test_a_join_accepts_masks_leave_one_sub_band() -> None:
    it = session(US915, US915.cf_list)

    assert [*range(8, 16), 65] == indices(it.mask)
    assert {c.downlink_hz for c in it.usable(0)} == set(US915.rx1_frequencies_hz)
    assert 3 == it.data_rate


def test_without_masks_all_72_channels_are_on() -> None:
    assert list(range(72)) == indices(session(US915).mask)


def test_flash_keeps_masks_of_72_bits() -> None:
    it = session(US915)

    assert (1 << 72) - 1 == Session.from_json(it.to_json()).mask


def test_a_flash_of_before_is_still_read() -> None:
    it = session(REGIONS["eu868"])
    old = it.to_json().replace(f'"mask":"{it.mask:x}"', f'"mask":{it.mask}')
    for word in ('"uplink_dwell":false,', '"downlink_dwell":false,'):
        assert word in old
        old = old.replace(word, "")

    assert it.mask == Session.from_json(old).mask


def test_chirpstacks_two_requests_leave_one_sub_band() -> None:
    it = session(US915)
    off = LinkADRReq(data_rate=0, tx_power=0, ch_mask=2, ch_mask_cntl=7, nb_trans=0)
    on = LinkADRReq(data_rate=3, tx_power=2, ch_mask=0xFF00, nb_trans=1)

    assert [TAKEN, TAKEN] == told(it, US915, off, on)
    assert [*range(8, 16), 65] == indices(it.mask)
    assert (3, 2) == (it.data_rate, it.tx_power_index)


def test_one_narrow_channel_is_too_few_in_the_united_states() -> None:
    off = LinkADRReq(data_rate=0, tx_power=0, ch_mask=2, ch_mask_cntl=7, nb_trans=0)
    one = LinkADRReq(data_rate=3, tx_power=0, ch_mask=0x0100)
    refused = LinkADRAns(power_ack=True, data_rate_ack=True, channel_mask_ack=False)
    it = session(US915)

    assert [bytes(refused)] * 2 == told(it, US915, off, one)
    assert list(range(72)) == indices(it.mask)
    wide = replace(one, data_rate=4)
    assert [TAKEN, TAKEN] == told(it, US915, off, wide)


def test_a_data_rate_that_only_goes_down_is_refused() -> None:
    it = session(US915)
    asked = LinkADRReq(data_rate=8, tx_power=0, ch_mask=0xFF00)
    refused = LinkADRAns(power_ack=True, data_rate_ack=False, channel_mask_ack=True)

    assert [bytes(refused)] == told(it, US915, asked)


def test_rx2_must_be_a_data_rate_that_goes_down() -> None:
    asked = RXParamSetupReq(
        dl_settings=DLSettings(rx2_data_rate=3), frequency_hz=923_300_000
    )

    assert ["0505"] == [one.hex() for one in told(session(US915), US915, asked)]


@pytest.mark.parametrize(
    "command",
    [
        NewChannelReq(ch_index=3, frequency_hz=903_000_000, min_dr=0, max_dr=3),
        DlChannelReq(ch_index=3, frequency_hz=923_300_000),
        TXParamSetupReq(uplink_dwell=True, downlink_dwell=True, max_eirp_dbm=16),
    ],
)
def test_what_us915_does_not_know_is_not_answered(command: MacCommand) -> None:
    assert [] == told(session(US915), US915, command)


@pytest.mark.proves("mac:TxParamSetupReq")
@pytest.mark.parametrize("region", [AS923, AU915])
def test_dwell_time_and_power_are_set_up(region: Region) -> None:
    it = session(region)
    assert it.uplink_dwell
    lifted = TXParamSetupReq(uplink_dwell=False, downlink_dwell=True, max_eirp_dbm=20)

    assert [bytes(TXParamSetupAns())] == told(it, region, lifted)
    assert (False, True, 20) == (it.uplink_dwell, it.downlink_dwell, it.max_eirp_dbm)


def test_a_slow_data_rate_is_left_when_400_ms_come_into_force() -> None:
    it = session(AS923)
    it.uplink_dwell, it.data_rate = False, 0
    limited = TXParamSetupReq(uplink_dwell=True, downlink_dwell=False, max_eirp_dbm=16)

    told(it, AS923, limited)

    assert 2 == it.data_rate


@pytest.mark.parametrize(("dwell", "slowest"), [(True, 2), (False, 0)])
def test_within_400_ms_two_data_rates_are_not_to_be_used(
    dwell: bool, slowest: int
) -> None:
    it = session(AS923)
    it.uplink_dwell = dwell
    asked = LinkADRReq(data_rate=1, tx_power=0, ch_mask=3)

    assert slowest == Profile(region=AS923).slowest(dwell=dwell)
    assert ((TAKEN,) == tuple(told(it, AS923, asked))) is not dwell


@pytest.mark.parametrize(("region", "most"), [(US915, 242), (AU915, 242), (AS923, 242)])
def test_the_longest_message_is_that_of_the_fastest_data_rate(
    region: Region, most: int
) -> None:
    assert most == longest_message(region)


def test_abp_begins_with_every_channel_and_the_regions_second_window() -> None:
    it = personalised(session(US915).crypto, US915)

    assert list(range(72)) == indices(it.mask)
    assert (923_300_000, 8) == (it.rx2_frequency_hz, it.rx2_data_rate)
