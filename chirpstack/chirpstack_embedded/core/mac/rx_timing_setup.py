"""RXTimingSetupReq: how long after an uplink the first window opens."""

from collections.abc import Sequence

from chirpstack_embedded.config import RegionNetwork
from chirpstack_embedded.core.mac.block import Block
from chirpstack_embedded.core.mac.exchange import Answer, Exchange, Unexpected
from chirpstack_embedded.model import Device, Session
from wire.lorawan.mac import MacCommand, RXTimingSetupReq


def request(network: RegionNetwork, device: Device, session: Session) -> Block | None:
    """Ask for the larger of the region's and the profile's delay."""
    wanted = max(network.rx1_delay, device.profile.rx1_delay)
    if session.rx1_delay == wanted:
        return None
    return Block(commands=(RXTimingSetupReq(delay=wanted),))


def handle(
    exchange: Exchange, _asked: Sequence[MacCommand], pending: Sequence[MacCommand]
) -> Answer:
    """Take the delay the device confirmed."""
    wanted = pending[0] if pending else None
    if not isinstance(wanted, RXTimingSetupReq):
        return Unexpected(why="RXTimingSetupAns without pending RXTimingSetupReq")
    exchange.session.rx1_delay = wanted.delay
    return None
