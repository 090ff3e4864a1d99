"""ResetInd and RekeyInd: a 1.1 device started anew, or has new keys."""

from collections.abc import Sequence

from chirpstack_embedded.core.mac.block import Block
from chirpstack_embedded.core.mac.exchange import Answer, Exchange, Unexpected
from chirpstack_embedded.core.session import reset_to_boot
from wire.lorawan.mac import (
    LORAWAN_1_1,
    MacCommand,
    RekeyConf,
    RekeyInd,
    ResetConf,
    ResetInd,
)


def handle_rekey(
    _exchange: Exchange, asked: Sequence[MacCommand], _pending: Sequence[MacCommand]
) -> Answer:
    """Confirm the lower of both minor versions."""
    told = asked[0]
    if not isinstance(told, RekeyInd):
        return Unexpected(why="RekeyInd expected")
    return Block(commands=(RekeyConf(minor=min(told.minor, LORAWAN_1_1)),))


def handle_reset(
    exchange: Exchange, asked: Sequence[MacCommand], _pending: Sequence[MacCommand]
) -> Answer:
    """Take the profile's boot parameters for the device's, and confirm."""
    told = asked[0]
    if not isinstance(told, ResetInd):
        return Unexpected(why="ResetInd expected")
    reset_to_boot(exchange.device, exchange.session)
    return Block(commands=(ResetConf(minor=min(told.minor, LORAWAN_1_1)),))
