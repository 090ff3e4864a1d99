"""What a device does when the network commands it: one function per MAC command."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from lorawan_sim.events import Diary, What
from lorawan_sim.outgoing import Answer
from lorawan_sim.plan import default_mask
from lorawan_sim.session import Channels, Session, channel, defined, usable
from wire.lorawan.mac import (
    DeviceTimeAns,
    DeviceTimeReq,
    DevStatusAns,
    DevStatusReq,
    DlChannelAns,
    DlChannelReq,
    DutyCycleAns,
    DutyCycleReq,
    LinkADRAns,
    LinkADRReq,
    LinkCheckAns,
    LinkCheckReq,
    MacCommand,
    NewChannelAns,
    NewChannelReq,
    RXParamSetupAns,
    RXParamSetupReq,
    RXTimingSetupAns,
    RXTimingSetupReq,
    parse_block,
)
from wire.lorawan.mhdr import Direction
from wire.lorawan.region import Modulation, Region

LINK_CHECK_REQ = bytes(LinkCheckReq())
DEVICE_TIME_REQ = bytes(DeviceTimeReq())
_KEEP = 0xF
_ALL_DEFINED = 6  # ChMaskCntl of the dynamic channel plans (RP002 §2.4.5)
_PER_BLOCK = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a command meets: the session it changes, and what the device measures."""

    session: Session
    region: Region
    snr_db: float
    battery: int
    at: float
    diary: Diary

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
        answer = None if carry_out is None else carry_out(command, situation)
        if answer is not None:
            situation.tell(command)
            yield answer


# LinkADRReq


def _link_adr(run: list[LinkADRReq], situation: Situation) -> Iterator[Answer]:
    session, region, last = situation.session, situation.region, run[-1]
    mask = _masked(session, run)
    data_rate = session.data_rate if last.data_rate == _KEEP else last.data_rate
    power = session.tx_power_index if last.tx_power == _KEEP else last.tx_power
    answer = LinkADRAns(
        power_ack=power <= region.max_tx_power,
        data_rate_ack=_is_lora(region, data_rate)
        and bool(usable(session.channels, mask or session.mask, data_rate)),
        channel_mask_ack=bool(mask),
    )
    if mask and answer.power_ack and answer.data_rate_ack:
        session.mask, session.data_rate = mask, data_rate
        session.tx_power_index = power
        session.nb_trans = last.nb_trans or session.nb_trans
    situation.tell(last)
    yield from [Answer(octets=bytes(answer))] * len(run)


def _masked(session: Session, run: Iterable[LinkADRReq]) -> int | None:
    """The mask after all commands of the run, None when one of them is wrong."""
    mask, exists = session.mask, defined(session.channels)
    for command in run:
        if command.ch_mask_cntl == _ALL_DEFINED:
            mask = exists
        elif command.ch_mask_cntl == 0 and not command.ch_mask & ~exists:
            mask = command.ch_mask
        else:
            return None
    return mask


# The others


def _duty_cycle(command: DutyCycleReq, situation: Situation) -> Answer:
    situation.session.max_duty_cycle = command.max_duty_cycle
    return Answer(octets=bytes(DutyCycleAns()))


def _rx_param_setup(command: RXParamSetupReq, situation: Situation) -> Answer:
    session, region = situation.session, situation.region
    wanted = command.dl_settings
    answer = RXParamSetupAns(
        rx1_dr_offset_ack=_has_offset(region, wanted.rx1_dr_offset),
        rx2_data_rate_ack=_is_lora(region, wanted.rx2_data_rate),
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


def _new_channel(command: NewChannelReq, situation: Situation) -> Answer:
    session, region = situation.session, situation.region
    ours = len(region.default_channels) <= command.ch_index < region.max_channels
    removes = command.frequency_hz == 0
    rates_ok = removes or (
        command.min_dr <= command.max_dr
        and _is_lora(region, command.min_dr)
        and _is_lora(region, command.max_dr)
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


def _dl_channel(command: DlChannelReq, situation: Situation) -> Answer:
    session = situation.session
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


# TXParamSetupReq is absent: a region without it neither processes nor answers it
# (1.0.3 §5.6), and EU868 is one.
_TABLE: dict[type, Callable[[Any, Situation], Answer | None]] = {
    DutyCycleReq: _duty_cycle,
    RXParamSetupReq: _rx_param_setup,
    DevStatusReq: _dev_status,
    NewChannelReq: _new_channel,
    RXTimingSetupReq: _rx_timing_setup,
    DlChannelReq: _dl_channel,
    LinkCheckAns: _link_check,
    DeviceTimeAns: _device_time,
}


def _with(channels: Channels, index: int, new: Any) -> Channels:
    padded = [*channels, *[None] * (index + 1 - len(channels))]
    padded[index] = new
    return tuple(padded)


def _is_lora(region: Region, data_rate: int) -> bool:
    return any(
        rate.index == data_rate and rate.modulation is Modulation.LORA
        for rate in region.data_rates
    )


def _has_offset(region: Region, rx1_dr_offset: int) -> bool:
    return rx1_dr_offset < len(region.rx1_data_rates[0])


def _in_band(region: Region, frequency_hz: int) -> bool:
    return region.sub_band(frequency_hz) is not None
