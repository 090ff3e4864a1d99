"""DeviceTimeReq: the GPS time at which the uplink was received."""

from collections.abc import Sequence

from chirpstack_embedded.core.mac.block import Block
from chirpstack_embedded.core.mac.exchange import Answer, Exchange
from chirpstack_embedded.core.reception import gps_time
from chirpstack_embedded.core.rendering import NANO
from wire.lorawan.mac import DeviceTimeAns, MacCommand

_FRACTION = 256
_SECONDS = 1 << 32


def handle(
    exchange: Exchange, _asked: Sequence[MacCommand], _pending: Sequence[MacCommand]
) -> Answer:
    """Answer seconds and 1/256 s."""
    seconds, nanos = gps_time(exchange.heard.time_ns)
    answer = DeviceTimeAns(
        gps_seconds=max(seconds, 0) % _SECONDS, fraction_256=nanos * _FRACTION // NANO
    )
    return Block(commands=(answer,))
