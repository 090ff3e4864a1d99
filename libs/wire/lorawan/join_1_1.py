"""Join-accepts of LoRaWAN 1.1: signed by the join server, bound to what was asked."""

from dataclasses import dataclass
from enum import IntEnum
from hmac import compare_digest

from wire.errors import Malformed
from wire.eui64 import EUI64
from wire.lorawan.crypto import MIC_SIZE, aes_decrypt, aes_encrypt, cmac4
from wire.lorawan.fields import fits
from wire.lorawan.join import ACCEPT_SIZES, JoinAccept
from wire.lorawan.keys import Key
from wire.lorawan.mhdr import MType, m_type_of

_OPT_NEG_AT, _OPT_NEG = 11, 0x80  # in DLSettings, behind MHDR and three identifiers


class JoinReqType(IntEnum):
    """What a join-accept answers (1.1 §6.2.3)."""

    REJOIN_0 = 0
    REJOIN_1 = 1
    REJOIN_2 = 2
    JOIN = 0xFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The request in a join-accept's MIC; ``nonce`` is DevNonce or RJcount."""

    join_eui: EUI64
    nonce: int
    join_req_type: JoinReqType = JoinReqType.JOIN

    def __bytes__(self) -> bytes:
        return (
            self.join_req_type.to_bytes()
            + self.join_eui.to_le()
            + fits("DevNonce", self.nonce, 16).to_bytes(2, "little")
        )


def accept_mic(accept: JoinAccept, js_int_key: Key, asked: Asked) -> bytes:
    """Return the MIC of a join-accept with OptNeg."""
    return cmac4(js_int_key, bytes(asked) + bytes(accept))


def seal_accept(
    accept: JoinAccept, key: Key, *, js_int_key: Key, asked: Asked
) -> bytes:
    """
    Sign and encrypt a join-accept with OptNeg, as the server does.

    ``key`` is NwkKey for a join-request and JSEncKey for a rejoin-request.
    """
    message = bytes(accept)
    clear = message[1:] + accept_mic(accept, js_int_key, asked)
    return message[:1] + aes_decrypt(key, clear)


def open_accept(
    phy_payload: bytes, key: Key, *, js_int_key: Key, asked: Asked
) -> JoinAccept | None:
    """
    Decrypt as a 1.1 device does; None when the MIC is not of these keys.

    Without OptNeg the server is of 1.0.x, and ``key`` itself signs.
    """
    if len(phy_payload) not in ACCEPT_SIZES:
        raise Malformed(f"a join-accept has 17 or 33 octets, not {len(phy_payload)}")
    if m_type_of(phy_payload) is not MType.JOIN_ACCEPT:
        raise Malformed(f"MHDR {phy_payload[0]:02x} does not open a join-accept")
    clear = phy_payload[:1] + aes_encrypt(key, phy_payload[1:])
    message, mic = clear[:-MIC_SIZE], clear[-MIC_SIZE:]
    if message[_OPT_NEG_AT] & _OPT_NEG:
        wanted = cmac4(js_int_key, bytes(asked) + message)
    else:
        wanted = cmac4(key, message)
    return JoinAccept.parse_plain(message) if compare_digest(wanted, mic) else None
