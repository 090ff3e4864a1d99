"""RXParamSetupReq: where the device listens."""

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
from chirpstack_embedded.model import Session
from wire.lorawan.join import DLSettings
from wire.lorawan.mac import MacCommand, RXParamSetupAns, RXParamSetupReq


def request(network: RegionNetwork, session: Session) -> Block | None:
    """Ask when the session differs from the configuration."""
    wanted = (network.rx2_frequency_hz, network.rx2_dr, network.rx1_dr_offset)
    if (session.rx2_frequency_hz, session.rx2_dr, session.rx1_dr_offset) == wanted:
        return None
    settings = DLSettings(
        rx1_dr_offset=network.rx1_dr_offset, rx2_data_rate=network.rx2_dr
    )
    command = RXParamSetupReq(
        dl_settings=settings, frequency_hz=network.rx2_frequency_hz
    )
    return Block(commands=(command,))


def handle(
    exchange: Exchange, asked: Sequence[MacCommand], pending: Sequence[MacCommand]
) -> Answer:
    """Take the parameters when all three bits say so."""
    answer, wanted = asked[0], (pending[0] if pending else None)
    if not isinstance(wanted, RXParamSetupReq):
        return Unexpected(why="RXParamSetupAns without pending RXParamSetupReq")
    if not isinstance(answer, RXParamSetupAns):
        return Unexpected(why="RXParamSetupAns expected")
    session = exchange.session
    if not (
        answer.channel_ack and answer.rx1_dr_offset_ack and answer.rx2_data_rate_ack
    ):
        count_refusal(session, RXParamSetupReq.cid)
        return None
    forget_refusals(session, RXParamSetupReq.cid)
    session.rx2_frequency_hz = wanted.frequency_hz
    session.rx2_dr = wanted.dl_settings.rx2_data_rate
    session.rx1_dr_offset = wanted.dl_settings.rx1_dr_offset
    return None
