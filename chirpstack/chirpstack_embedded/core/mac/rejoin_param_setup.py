"""RejoinParamSetupReq: how often a 1.1 device sends a rejoin-request of type 0."""

from collections.abc import Sequence

from chirpstack_embedded.config import RegionNetwork
from chirpstack_embedded.core.mac.block import Block
from chirpstack_embedded.core.mac.exchange import Answer, Exchange, Unexpected
from chirpstack_embedded.model import Session
from wire.lorawan.mac import MacCommand, RejoinParamSetupReq


def request(network: RegionNetwork, session: Session) -> Block | None:
    """Ask a 1.1 device when the configuration wants it and the session differs."""
    wanted = network.rejoin_request
    if not (wanted.enabled and session.is_1_1):
        return None
    has = (session.rejoin_request_max_count_n, session.rejoin_request_max_time_n)
    if session.rejoin_request_enabled and has == (
        wanted.max_count_n,
        wanted.max_time_n,
    ):
        return None
    command = RejoinParamSetupReq(
        max_time_n=wanted.max_time_n, max_count_n=wanted.max_count_n
    )
    return Block(commands=(command,))


def handle(
    exchange: Exchange, _asked: Sequence[MacCommand], pending: Sequence[MacCommand]
) -> Answer:
    """Take what was asked, also when the device keeps only the count."""
    wanted = pending[0] if pending else None
    if not isinstance(wanted, RejoinParamSetupReq):
        return Unexpected(why="RejoinParamSetupAns without pending RejoinParamSetupReq")
    session = exchange.session
    session.rejoin_request_enabled = True
    session.rejoin_request_max_count_n = wanted.max_count_n
    session.rejoin_request_max_time_n = wanted.max_time_n
    return None
