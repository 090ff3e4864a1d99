"""MAC commands: what devices say, what the server wants of them (contract §2.12)."""

from collections.abc import Sequence
from dataclasses import dataclass

from chirpstack_embedded.core.context import Context
from chirpstack_embedded.core.mac import (
    dev_status,
    device_mode,
    device_time,
    link_adr,
    link_check,
    new_channel,
    ping_slot,
    rejoin_param_setup,
    rx_param_setup,
    rx_timing_setup,
    tx_param_setup,
    version,
)
from chirpstack_embedded.core.mac.block import Block
from chirpstack_embedded.core.mac.exchange import Exchange, Handler, Unexpected
from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.model import Device, Session
from wire.lorawan.mac import (
    DeviceModeInd,
    DeviceTimeReq,
    DevStatusAns,
    LinkADRAns,
    LinkADRReq,
    LinkCheckReq,
    MacCommand,
    NewChannelAns,
    NewChannelReq,
    PingSlotChannelAns,
    PingSlotInfoReq,
    RejoinParamSetupAns,
    RekeyInd,
    ResetInd,
    RXParamSetupAns,
    RXTimingSetupAns,
    TXParamSetupAns,
    parse_block,
)
from wire.lorawan.mhdr import Direction

HANDLERS: dict[int, Handler] = {
    LinkCheckReq.cid: link_check.handle,
    LinkADRAns.cid: link_adr.handle,
    RXParamSetupAns.cid: rx_param_setup.handle,
    DevStatusAns.cid: dev_status.handle,
    NewChannelAns.cid: new_channel.handle,
    RXTimingSetupAns.cid: rx_timing_setup.handle,
    TXParamSetupAns.cid: tx_param_setup.handle,
    DeviceTimeReq.cid: device_time.handle,
    PingSlotInfoReq.cid: ping_slot.handle_info,
    PingSlotChannelAns.cid: ping_slot.handle_channel,
    DeviceModeInd.cid: device_mode.handle,
    RekeyInd.cid: version.handle_rekey,
    ResetInd.cid: version.handle_reset,
    RejoinParamSetupAns.cid: rejoin_param_setup.handle,
}
_MUST_SEND = frozenset({RXParamSetupAns.cid, RXTimingSetupAns.cid})
_EXCLUDES = {
    NewChannelReq.cid: LinkADRReq.cid,
    LinkADRReq.cid: NewChannelReq.cid,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What an uplink's commands call for: answers, and a downlink even if empty."""

    blocks: tuple[Block, ...] = ()
    must_send: bool = False


def handle_commands(exchange: Exchange, octets: bytes) -> Answered:
    """Handle an uplink's commands, grouped by CID in order of appearance."""
    if exchange.context.configuration.network.mac_commands_disabled:
        return Answered()
    parsed = parse_block(octets, Direction.UP)
    if parsed.rest:
        _warn(exchange, f"cause=unreadable details={parsed.why_not!r}")
    groups: dict[int, list[MacCommand]] = {}
    for command in parsed.commands:
        groups.setdefault(command.cid, []).append(command)
    answers = [_handle(exchange, cid, commands) for cid, commands in groups.items()]
    return Answered(
        blocks=tuple(answer for answer in answers if answer is not None),
        must_send=not _MUST_SEND.isdisjoint(groups),
    )


def requests(
    context: Context,
    plan: RegionPlan,
    device: Device,
    session: Session,
    dr: int,
    now: float,
) -> list[Block]:
    """Return what the server wants of the device, in ChirpStack's order."""
    if context.configuration.network.mac_commands_disabled:
        return []
    network = plan.region.network
    wanted = (
        new_channel.request(plan, device, session),
        link_adr.request(context, plan, device, session, dr),
        dev_status.request(device, session, now),
        rejoin_param_setup.request(network, session),
        ping_slot.request(network, device, session),
        rx_param_setup.request(network, session),
        rx_timing_setup.request(network, device, session),
        tx_param_setup.request(plan, device, session),
    )
    return [block for block in wanted if block is not None]


def sendable(
    context: Context, session: Session, blocks: Sequence[Block]
) -> list[Block]:
    """Drop what the device keeps refusing and what excludes an earlier command."""
    limit = context.configuration.network.max_mac_command_error_count
    kept: list[Block] = []
    for block in blocks:
        refused = session.mac_command_error_count.get(block.cid, 0) > limit
        excluded = any(_EXCLUDES.get(block.cid) == other.cid for other in kept)
        if not (refused or excluded):
            kept.append(block)
    return kept


def _handle(
    exchange: Exchange, cid: int, commands: Sequence[MacCommand]
) -> Block | None:
    pending = exchange.session.mac_command_pending.pop(cid, b"")
    handler = HANDLERS.get(cid)
    if handler is None:
        _warn(exchange, f"cause=unexpected cid={cid:#04x}")
        return None
    asked = parse_block(pending, Direction.DOWN).commands
    answer = handler(exchange, commands, asked)
    if isinstance(answer, Unexpected):
        _warn(exchange, f"cause=unexpected cid={cid:#04x} details={answer.why!r}")
        return None
    return answer


def _warn(exchange: Exchange, details: str) -> None:
    exchange.context.warn(f"ns.mac.drop dev_eui={exchange.device.dev_eui} {details}")
