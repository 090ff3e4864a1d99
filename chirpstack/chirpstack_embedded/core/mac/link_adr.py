"""LinkADRReq for the channel mask and for ADR, and its answer (contract §2.11)."""

from collections.abc import Sequence
from dataclasses import replace

from chirpstack_embedded.core.adr import ALGORITHMS, AdrRequest, LinkSettings, decide
from chirpstack_embedded.core.context import Context
from chirpstack_embedded.core.mac.block import Block
from chirpstack_embedded.core.mac.exchange import (
    Answer,
    Exchange,
    Unexpected,
    count_refusal,
    forget_refusals,
)
from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.history import UplinkHistory
from chirpstack_embedded.model import Device, Session
from wire.lorawan.mac import LinkADRAns, LinkADRReq, MacCommand

_MASK_BITS = 16


def request(
    context: Context, plan: RegionPlan, device: Device, session: Session, dr: int
) -> Block | None:
    """Return one LinkADRReq that says both the mask and ADR's decision, if any."""
    mask = _mask_request(plan, session)
    wanted = _adr_decision(context, plan, device, session, dr)
    if wanted is None:
        return Block(commands=(mask,)) if mask else None
    base = mask or _current_mask(session)
    command = replace(
        base,
        data_rate=wanted.dr,
        tx_power=wanted.tx_power_index,
        nb_trans=wanted.nb_trans,
    )
    return Block(commands=(command,))


def handle(
    exchange: Exchange, asked: Sequence[MacCommand], pending: Sequence[MacCommand]
) -> Answer:
    """Take the wanted settings when all three bits say so."""
    requests = [item for item in pending if isinstance(item, LinkADRReq)]
    answers = [item for item in asked if isinstance(item, LinkADRAns)]
    if not requests:
        return Unexpected(why="LinkADRAns without pending LinkADRReq")
    session, wanted = exchange.session, requests[-1]
    mask_ack = all(answer.channel_mask_ack for answer in answers)
    rate_ack = all(answer.data_rate_ack for answer in answers)
    power_ack = all(answer.power_ack for answer in answers)
    if mask_ack and rate_ack and power_ack:
        forget_refusals(session, LinkADRReq.cid)
        _take(session, wanted)
    elif mask_ack and not session.adr:
        # 1.0.4 §4.3.1.1: without ADR a device need only take the channel mask.
        forget_refusals(session, LinkADRReq.cid)
        _take_in_part(session, wanted, rate_ack=rate_ack, power_ack=power_ack)
    else:
        count_refusal(session, LinkADRReq.cid)
        if not power_ack:
            _limit_power(session, wanted)
    return None


def _take(session: Session, wanted: LinkADRReq) -> None:
    new = (wanted.tx_power, wanted.data_rate, wanted.nb_trans)
    if new != (session.tx_power_index, session.dr, session.nb_trans):
        session.uplink_adr_history = UplinkHistory()
    session.tx_power_index, session.dr, session.nb_trans = new
    session.enabled_uplink_channels = _channels(session, wanted)


def _take_in_part(
    session: Session, wanted: LinkADRReq, *, rate_ack: bool, power_ack: bool
) -> None:
    session.enabled_uplink_channels = _channels(session, wanted)
    session.nb_trans = wanted.nb_trans
    if rate_ack:
        session.dr = wanted.data_rate
    if power_ack:
        session.tx_power_index = wanted.tx_power


def _limit_power(session: Session, wanted: LinkADRReq) -> None:
    # Some devices refuse index 0 against the specification: start from 1 then.
    if wanted.tx_power == 0:
        session.tx_power_index = session.min_supported_tx_power_index = 1
    else:
        session.max_supported_tx_power_index = wanted.tx_power - 1


def _channels(session: Session, wanted: LinkADRReq) -> list[int]:
    block = range(
        wanted.ch_mask_cntl * _MASK_BITS, (wanted.ch_mask_cntl + 1) * _MASK_BITS
    )
    outside = [i for i in session.enabled_uplink_channels if i not in block]
    inside = [i for i in block if wanted.ch_mask >> (i % _MASK_BITS) & 1]
    return sorted([*outside, *inside])


def _mask_request(plan: RegionPlan, session: Session) -> LinkADRReq | None:
    on_device, wanted = set(session.enabled_uplink_channels), set(plan.enabled_channels)
    # Channels the device does not have yet are NewChannelReq's business.
    default = set(plan.default_channel_indices)
    if not any(i in on_device or i in default for i in on_device ^ wanted):
        return None
    enabled = [i for i in wanted if i in default or i in on_device]
    return LinkADRReq(
        data_rate=session.dr,
        tx_power=session.tx_power_index,
        nb_trans=session.nb_trans,
        ch_mask=_mask(enabled),
    )


def _current_mask(session: Session) -> LinkADRReq:
    return LinkADRReq(
        data_rate=session.dr,
        tx_power=session.tx_power_index,
        nb_trans=session.nb_trans,
        ch_mask=_mask(session.enabled_uplink_channels),
    )


def _mask(channels: Sequence[int]) -> int:
    return sum(1 << i for i in set(channels) if i < _MASK_BITS)


def _adr_decision(
    context: Context, plan: RegionPlan, device: Device, session: Session, dr: int
) -> LinkSettings | None:
    network = plan.region.network
    if network.adr_disabled:
        return None
    if device.profile.adr_algorithm_id not in ALGORITHMS:
        context.warn(
            f"ns.adr.unknown dev_eui={device.dev_eui}"
            f" adr_algorithm_id={device.profile.adr_algorithm_id!r}"
        )
        return None
    if not session.adr:
        return None  # the device decides for itself
    current = LinkSettings(
        dr=dr, tx_power_index=session.tx_power_index, nb_trans=session.nb_trans
    )
    wanted = decide(
        AdrRequest(
            adr=session.adr,
            current=current,
            max_tx_power_index=(
                session.max_supported_tx_power_index or plan.max_tx_power_index
            ),
            required_snr_db=plan.required_snr_db(dr),
            installation_margin_db=network.installation_margin_db,
            max_dr=min(network.max_dr, plan.max_lora_125_dr),
            history=tuple(session.uplink_adr_history),
        )
    )
    return None if wanted == current else wanted
