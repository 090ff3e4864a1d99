"""
Semtech's gateway protocol over UDP, version 2 (PROTOCOL.TXT), both directions.

``02 | token | identifier | …``: a gateway pushes what it received (PUSH_DATA, answered
by PUSH_ACK), keeps its way back open (PULL_DATA, PULL_ACK), is told what to send
(PULL_RESP) and says whether it will (TX_ACK). Nothing is repeated when it is lost.
"""

from wire.semtech.documents import CRC_OK, TMST_MODULUS, RxPk, Stat, TxPk
from wire.semtech.packets import (
    DEFAULT_PORT,
    NO_ERROR,
    VERSION,
    Packet,
    PullAck,
    PullData,
    PullResp,
    PushAck,
    PushData,
    TxAck,
    parse,
)

__all__ = [
    "CRC_OK",
    "DEFAULT_PORT",
    "NO_ERROR",
    "TMST_MODULUS",
    "VERSION",
    "Packet",
    "PullAck",
    "PullData",
    "PullResp",
    "PushAck",
    "PushData",
    "RxPk",
    "Stat",
    "TxAck",
    "TxPk",
    "parse",
]
