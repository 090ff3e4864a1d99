"""Ping slots: how often a class B device listens, and where it shall."""

from collections.abc import Sequence

from chirpstack_embedded.config import RegionNetwork
from chirpstack_embedded.core.mac.block import Block
from chirpstack_embedded.core.mac.exchange import (
    Answer,
    Exchange,
    Unexpected,
    count_refusal,
    forget_refusals,
)
from chirpstack_embedded.model import Device, Session
from wire.lorawan.class_b import ping_nb
from wire.lorawan.mac import (
    MacCommand,
    PingSlotChannelAns,
    PingSlotChannelReq,
    PingSlotInfoAns,
    PingSlotInfoReq,
)


def request(network: RegionNetwork, device: Device, session: Session) -> Block | None:
    """Ask for the region's ping-slot channel, of devices that can do class B."""
    wanted = (network.ping_slot_dr, network.ping_slot_frequency_hz)
    has = (session.class_b_ping_slot_dr, session.class_b_ping_slot_frequency_hz)
    if not device.profile.supports_class_b or has == wanted:
        return None
    return Block(
        commands=(PingSlotChannelReq(data_rate=wanted[0], frequency_hz=wanted[1]),)
    )


def handle_channel(
    exchange: Exchange, asked: Sequence[MacCommand], pending: Sequence[MacCommand]
) -> Answer:
    """Take the channel the device took."""
    wanted, answer = pending[0] if pending else None, asked[0]
    if not isinstance(wanted, PingSlotChannelReq) or not isinstance(
        answer, PingSlotChannelAns
    ):
        return Unexpected(why="PingSlotChannelAns without pending PingSlotChannelReq")
    if not (answer.data_rate_ok and answer.frequency_ok):
        count_refusal(exchange.session, PingSlotChannelReq.cid)
        return None
    forget_refusals(exchange.session, PingSlotChannelReq.cid)
    exchange.session.class_b_ping_slot_dr = wanted.data_rate
    exchange.session.class_b_ping_slot_frequency_hz = wanted.frequency_hz
    return None


def handle_info(
    exchange: Exchange, asked: Sequence[MacCommand], _pending: Sequence[MacCommand]
) -> Answer:
    """Note how often the device listens."""
    (info, *_) = asked
    if isinstance(info, PingSlotInfoReq):
        exchange.session.class_b_ping_slot_nb = ping_nb(info.periodicity)
    return Block(commands=(PingSlotInfoAns(),))
