"""What a device does when the network commands it: one function per MAC command."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from lorawan_sim.events import Diary, What
from lorawan_sim.outgoing import Answer
from lorawan_sim.plan import default_mask
from lorawan_sim.session import Channels, Session, channel, defined, usable
from wire.lorawan.mac import (
    ADRParamSetupAns,
    ADRParamSetupReq,
    BeaconFreqAns,
    BeaconFreqReq,
    DeviceModeConf,
    DeviceTimeAns,
    DeviceTimeReq,
    DevStatusAns,
    DevStatusReq,
    DlChannelAns,
    DlChannelReq,
    DutyCycleAns,
    DutyCycleReq,
    ForceRejoinReq,
    LinkADRAns,
    LinkADRReq,
    LinkCheckAns,
    LinkCheckReq,
    MacCommand,
    NewChannelAns,
    NewChannelReq,
    PingSlotChannelAns,
    PingSlotChannelReq,
    RejoinParamSetupAns,
    RejoinParamSetupReq,
    RekeyConf,
    ResetConf,
    RXParamSetupAns,
    RXParamSetupReq,
    RXTimingSetupAns,
    RXTimingSetupReq,
    TXParamSetupAns,
    TXParamSetupReq,
    parse_block,
)
from wire.lorawan.mhdr import Direction
from wire.lorawan.region import DataRate, Modulation, Region
from wire.lorawan.region.mask import masked, narrow_channels

LINK_CHECK_REQ = bytes(LinkCheckReq())
DEVICE_TIME_REQ = bytes(DeviceTimeReq())
_KEEP = 0xF
NARROW_HZ = 125_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a command meets: the session it changes, and what the device measures."""

    session: Session
    region: Region
    snr_db: float
    battery: int
    at: float
    diary: Diary
    confirmed: list[int] = field(default_factory=list)
    """CIDs of the indications that the network confirmed."""
    forced: list[ForceRejoinReq] = field(default_factory=list)

    def tell(self, command: object) -> None:
        """Note a command that was obeyed."""
        self.diary.tell(What.COMMANDED, self.at, command=repr(command))


def obey(commands: bytes, situation: Situation) -> Iterator[Answer]:
    """
    Carry out the commands in order and give the answers in order.

    A contiguous run of LinkADRReq is one request and gets one identical
    answer per command (LoRaWAN 1.0.3 §5.2). An unknown CID ends the reading.
    """
    block = parse_block(commands, Direction.DOWN)
    for _, run in groupby(block.commands, type):
        yield from _each(tuple(run), situation)
    if block.why_not:
        situation.diary.tell(What.DOWNLINK_DROPPED, situation.at, reason=block.why_not)


def _each(run: tuple[MacCommand, ...], situation: Situation) -> Iterator[Answer]:
    adr = [command for command in run if isinstance(command, LinkADRReq)]
    if adr:
        yield from _link_adr(adr, situation)
        return
    for command in run:
        carry_out = _TABLE.get(type(command))
        if carry_out is None and situation.session.is_1_1:
            carry_out = _OF_1_1.get(type(command))
        answer = None if carry_out is None else carry_out(command, situation)
        if answer is not None:
            situation.tell(command)
            yield answer


# LinkADRReq


def _link_adr(run: list[LinkADRReq], situation: Situation) -> Iterator[Answer]:
    session, region, last = situation.session, situation.region, run[-1]
    mask = _masked(session, region, run)
    data_rate = session.data_rate if last.data_rate == _KEEP else last.data_rate
    power = session.tx_power_index if last.tx_power == _KEEP else last.tx_power
    answer = LinkADRAns(
        power_ack=power <= region.max_tx_power,
        data_rate_ack=_is_sendable(situation, data_rate)
        and bool(usable(session.channels, mask or session.mask, data_rate)),
        channel_mask_ack=bool(mask) and _hops(region, mask or 0, data_rate),
    )
    if mask and answer.channel_mask_ack and answer.power_ack and answer.data_rate_ack:
        session.mask, session.data_rate = mask, data_rate
        session.tx_power_index = power
        session.nb_trans = last.nb_trans or session.nb_trans
    situation.tell(last)
    # 1.0.x answers every command of the block, 1.1 the block (1.1 §5.2).
    times = 1 if session.is_1_1 else len(run)
    yield from [Answer(octets=bytes(answer))] * times


def _masked(session: Session, region: Region, run: Iterable[LinkADRReq]) -> int | None:
    """The mask after all commands of the run, None when one of them is wrong."""
    mask: int | None = session.mask
    exists = defined(session.channels)
    for command in run:
        if mask is not None:
            mask = masked(region, mask, command.ch_mask_cntl, command.ch_mask, exists)
    return mask


def _hops(region: Region, mask: int, data_rate: int) -> bool:
    """Whether a mask leaves as many narrow channels as the law wants, or needs none."""
    wide = any(
        rate.index == data_rate and rate.bandwidth_hz > NARROW_HZ
        for rate in region.data_rates
    )
    return wide or narrow_channels(mask) >= region.least_125_khz


def _is_sendable(situation: Situation, data_rate: int) -> bool:
    """Whether the device may send at this data rate at all."""
    dwell = situation.session.uplink_dwell
    return any(
        rate.index == data_rate and rate.frm_payload(dwell=dwell)
        for rate in _lora_rates(situation.region)
        if rate.uplink
    )


# The others


def _duty_cycle(command: DutyCycleReq, situation: Situation) -> Answer:
    situation.session.max_duty_cycle = command.max_duty_cycle
    return Answer(octets=bytes(DutyCycleAns()))


def _rx_param_setup(command: RXParamSetupReq, situation: Situation) -> Answer:
    session, region = situation.session, situation.region
    wanted = command.dl_settings
    answer = RXParamSetupAns(
        rx1_dr_offset_ack=_has_offset(region, wanted.rx1_dr_offset),
        rx2_data_rate_ack=_is_audible(region, wanted.rx2_data_rate),
        channel_ack=_in_band(region, command.frequency_hz),
    )
    if answer.rx1_dr_offset_ack and answer.rx2_data_rate_ack and answer.channel_ack:
        session.rx1_dr_offset = wanted.rx1_dr_offset
        session.rx2_data_rate = wanted.rx2_data_rate
        session.rx2_frequency_hz = command.frequency_hz
    return Answer(octets=bytes(answer), sticky=True)


def _dev_status(command: DevStatusReq, situation: Situation) -> Answer:
    del command  # it has no fields: the margin is that of the frame that asks
    margin_db = min(max(round(situation.snr_db), -32), 31)
    answer = DevStatusAns(battery=situation.battery, margin_db=margin_db)
    return Answer(octets=bytes(answer))


def _new_channel(command: NewChannelReq, situation: Situation) -> Answer | None:
    session, region = situation.session, situation.region
    if region.fixed_channels:
        return None  # RP002-1.0.4 §2.5.5: there it is neither processed nor answered
    ours = len(region.default_channels) <= command.ch_index < region.max_channels
    removes = command.frequency_hz == 0
    rates_ok = removes or (
        command.min_dr <= command.max_dr
        and _is_audible(region, command.min_dr)
        and _is_audible(region, command.max_dr)
    )
    frequency_ok = removes or _in_band(region, command.frequency_hz)
    answer = NewChannelAns(
        data_rate_range_ok=ours and rates_ok, frequency_ok=ours and frequency_ok
    )
    if answer.data_rate_range_ok and answer.frequency_ok:
        _set_channel(session, command, region)
    return Answer(octets=bytes(answer))


def _set_channel(session: Session, command: NewChannelReq, region: Region) -> None:
    hz, bit = command.frequency_hz, 1 << command.ch_index
    new = channel(hz, command.min_dr, command.max_dr, hz) if hz else None
    session.channels = _with(session.channels, command.ch_index, new)
    session.mask = session.mask | bit if hz else session.mask & ~bit
    if not session.usable(session.data_rate):  # the last one of this rate went away
        session.mask |= default_mask(region)


def _rx_timing_setup(command: RXTimingSetupReq, situation: Situation) -> Answer:
    situation.session.rx1_delay_s = command.rx1_delay_s
    return Answer(octets=bytes(RXTimingSetupAns()), sticky=True)


def _tx_param_setup(command: TXParamSetupReq, situation: Situation) -> Answer | None:
    session, region = situation.session, situation.region
    if not region.tx_param_setup:
        return None  # 1.0.3 §5.6: there it is neither processed nor answered
    session.uplink_dwell = command.uplink_dwell
    session.downlink_dwell = command.downlink_dwell
    session.max_eirp_dbm = command.max_eirp_dbm
    while not _is_sendable(situation, session.data_rate):
        session.data_rate += 1
    return Answer(octets=bytes(TXParamSetupAns()))


def _dl_channel(command: DlChannelReq, situation: Situation) -> Answer | None:
    session = situation.session
    if situation.region.fixed_channels:
        return None
    index = command.ch_index
    known = session.channels[index] if index < len(session.channels) else None
    answer = DlChannelAns(
        uplink_frequency_exists=known is not None,
        frequency_ok=_in_band(situation.region, command.frequency_hz),
    )
    if known is not None and answer.frequency_ok:
        moved = channel(
            known.frequency_hz,
            known.min_data_rate,
            known.max_data_rate,
            command.frequency_hz,
        )
        session.channels = _with(session.channels, index, moved)
    return Answer(octets=bytes(answer), sticky=True)


def _link_check(command: LinkCheckAns, situation: Situation) -> None:
    situation.diary.tell(
        What.LINK_CHECKED,
        situation.at,
        margin_db=command.margin_db,
        gateways=command.gateway_count,
    )


def _device_time(command: DeviceTimeAns, situation: Situation) -> None:
    gps_s = command.gps_seconds + command.fraction_256 / 256
    situation.diary.tell(What.TIME_TOLD, situation.at, gps_s=gps_s)


def _ping_slot_channel(command: PingSlotChannelReq, situation: Situation) -> Answer:
    session, region, hz = situation.session, situation.region, command.frequency_hz
    answer = PingSlotChannelAns(
        data_rate_ok=_is_audible(region, command.data_rate),
        frequency_ok=hz == 0 or _in_band(region, hz),
    )
    if answer.data_rate_ok and answer.frequency_ok:
        session.ping_slot_data_rate, session.ping_slot_frequency_hz = (
            command.data_rate,
            hz,
        )
    return Answer(octets=bytes(answer))


def _beacon_freq(command: BeaconFreqReq, situation: Situation) -> Answer:
    hz = command.frequency_hz
    answer = BeaconFreqAns(frequency_ok=hz == 0 or _in_band(situation.region, hz))
    if answer.frequency_ok:
        situation.session.beacon_frequency_hz = hz
    return Answer(octets=bytes(answer))


def _rekey_conf(command: RekeyConf, situation: Situation) -> None:
    situation.session.to_confirm = 0
    situation.confirmed.append(command.cid)
    situation.tell(command)


def _reset_conf(command: ResetConf, situation: Situation) -> None:
    situation.session.to_confirm = 0
    situation.confirmed.append(command.cid)
    situation.tell(command)


def _device_mode_conf(command: DeviceModeConf, situation: Situation) -> None:
    situation.confirmed.append(command.cid)
    situation.tell(command)


def _adr_param_setup(command: ADRParamSetupReq, situation: Situation) -> Answer:
    situation.session.adr_limit = 1 << command.limit_exp
    situation.session.adr_delay = 1 << command.delay_exp
    return Answer(octets=bytes(ADRParamSetupAns()))


def _force_rejoin(command: ForceRejoinReq, situation: Situation) -> None:
    situation.forced.append(command)
    situation.tell(command)


def _rejoin_param_setup(command: RejoinParamSetupReq, situation: Situation) -> Answer:
    # It counts its uplinks; a clock, which the time would need, it has none.
    situation.session.rejoin_every = command.max_count
    return Answer(octets=bytes(RejoinParamSetupAns(time_ok=False)))


_OF_1_1: dict[type, Callable[[Any, Situation], Answer | None]] = {
    RekeyConf: _rekey_conf,
    ResetConf: _reset_conf,
    DeviceModeConf: _device_mode_conf,
    ADRParamSetupReq: _adr_param_setup,
    ForceRejoinReq: _force_rejoin,
    RejoinParamSetupReq: _rejoin_param_setup,
}
_TABLE: dict[type, Callable[[Any, Situation], Answer | None]] = {
    DutyCycleReq: _duty_cycle,
    RXParamSetupReq: _rx_param_setup,
    DevStatusReq: _dev_status,
    NewChannelReq: _new_channel,
    RXTimingSetupReq: _rx_timing_setup,
    TXParamSetupReq: _tx_param_setup,
    DlChannelReq: _dl_channel,
    LinkCheckAns: _link_check,
    DeviceTimeAns: _device_time,
    PingSlotChannelReq: _ping_slot_channel,
    BeaconFreqReq: _beacon_freq,
}


def _with(channels: Channels, index: int, new: Any) -> Channels:
    padded = [*channels, *[None] * (index + 1 - len(channels))]
    padded[index] = new
    return tuple(padded)


def _lora_rates(region: Region) -> Iterator[DataRate]:
    return (rate for rate in region.data_rates if rate.modulation is Modulation.LORA)


def _is_audible(region: Region, data_rate: int) -> bool:
    """Whether a downlink can have this data rate."""
    return any(
        rate.index == data_rate and rate.downlink for rate in _lora_rates(region)
    )


def _has_offset(region: Region, rx1_dr_offset: int) -> bool:
    return rx1_dr_offset < len(region.rx1_data_rates[0])


def _in_band(region: Region, frequency_hz: int) -> bool:
    return region.sub_band(frequency_hz) is not None
