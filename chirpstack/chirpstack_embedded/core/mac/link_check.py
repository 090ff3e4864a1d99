"""LinkCheckReq: how well the network hears the device."""

from collections.abc import Sequence

from chirpstack_embedded.core.mac.block import Block
from chirpstack_embedded.core.mac.exchange import Answer, Exchange
from wire.lorawan.mac import LinkCheckAns, MacCommand

_MAX = 255


def handle(
    exchange: Exchange, _asked: Sequence[MacCommand], _pending: Sequence[MacCommand]
) -> Answer:
    """Answer the margin above the demodulation floor and the number of gateways."""
    heard = exchange.heard
    margin_db = 0
    if heard.tx_info.modulation.HasField("lora"):
        required_db = exchange.plan.required_snr_db(heard.dr)
        margin_db = max(0, int(heard.max_snr_db - required_db))
    answer = LinkCheckAns(
        margin_db=min(margin_db, _MAX), gateway_count=min(len(heard.rx_info), _MAX)
    )
    return Block(commands=(answer,))
