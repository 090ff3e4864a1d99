"""LinkADRReq for the channel mask and for ADR, and its answer (contract §2.11)."""

from collections.abc import Sequence
from dataclasses import replace

from chirpstack_embedded.channel_sets import indices_together
from chirpstack_embedded.core.adr import ALGORITHMS, AdrRequest, LinkSettings, decide
from chirpstack_embedded.core.context import Context
from chirpstack_embedded.core.mac import channel_mask
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


def request(
    context: Context, plan: RegionPlan, device: Device, session: Session, dr: int
) -> Block | None:
    """Return the LinkADRReqs that say both the mask and ADR's decision, if any."""
    masks = channel_mask.requests(plan, session.enabled_uplink_channels)
    wanted = _adr_decision(context, plan, device, session, dr)
    if wanted is None:
        return _with_current(masks, session) if masks else None
    cntl, ch_mask = channel_mask.one_block(session.enabled_uplink_channels)
    bases = masks or [
        LinkADRReq(data_rate=0, tx_power=0, ch_mask_cntl=cntl, ch_mask=ch_mask)
    ]
    return Block(
        commands=tuple(
            replace(
                base,
                data_rate=wanted.dr,
                tx_power=wanted.tx_power_index,
                nb_trans=wanted.nb_trans,
            )
            for base in bases
        )
    )


def _with_current(masks: Sequence[LinkADRReq], session: Session) -> Block:
    # Of a run of requests a device reads everything but the mask from the last.
    last = replace(
        masks[-1],
        data_rate=session.dr,
        tx_power=session.tx_power_index,
        nb_trans=session.nb_trans,
    )
    return Block(commands=(*masks[:-1], last))


def handle(
    exchange: Exchange, asked: Sequence[MacCommand], pending: Sequence[MacCommand]
) -> Answer:
    """Take the wanted settings when all three bits say so."""
    requests = [item for item in pending if isinstance(item, LinkADRReq)]
    answers = [item for item in asked if isinstance(item, LinkADRAns)]
    if not requests:
        return Unexpected(why="LinkADRAns without pending LinkADRReq")
    session, wanted = exchange.session, requests[-1]
    channels = indices_together(
        channel_mask.apply(exchange.plan, session.enabled_uplink_channels, requests)
    )
    mask_ack = all(answer.channel_mask_ack for answer in answers)
    rate_ack = all(answer.data_rate_ack for answer in answers)
    power_ack = all(answer.power_ack for answer in answers)
    if mask_ack and rate_ack and power_ack:
        forget_refusals(session, LinkADRReq.cid)
        _take(session, wanted, channels)
    elif mask_ack and not session.adr:
        # 1.0.4 §4.3.1.1: without ADR a device need only take the channel mask.
        forget_refusals(session, LinkADRReq.cid)
        _take_in_part(session, wanted, channels, rate_ack=rate_ack, power_ack=power_ack)
    else:
        count_refusal(session, LinkADRReq.cid)
        if not power_ack:
            _limit_power(session, wanted)
    return None


def _take(session: Session, wanted: LinkADRReq, channels: list[int]) -> None:
    new = (wanted.tx_power, wanted.data_rate, wanted.nb_trans)
    if new != (session.tx_power_index, session.dr, session.nb_trans):
        session.uplink_adr_history = UplinkHistory()
    session.tx_power_index, session.dr, session.nb_trans = new
    session.enabled_uplink_channels = channels


def _take_in_part(
    session: Session,
    wanted: LinkADRReq,
    channels: list[int],
    *,
    rate_ack: bool,
    power_ack: bool,
) -> None:
    session.enabled_uplink_channels = channels
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
