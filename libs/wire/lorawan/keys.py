"""Keys that never show themselves, and the session keys of LoRaWAN 1.0.x."""

from dataclasses import dataclass
from typing import ClassVar, final

from wire.lorawan.crypto import aes_encrypt
from wire.lorawan.fields import fits
from wire.lorawan.ids import NetID
from wire.octets import Octets


@final
class Key(Octets):
    """A 128-bit key; its text form hides the octets, ``hex()`` gives them."""

    __slots__ = ()
    size: ClassVar[int] = 16

    @classmethod
    def _quoted(cls, text: str) -> str:
        return f"{len(text)} characters that are not shown"

    def __str__(self) -> str:
        return "…"

    def __repr__(self) -> str:
        return "Key(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionKeys:
    """What a join gives to device and server (1.0.x)."""

    nwk_s_key: Key
    app_s_key: Key


def derive_session_keys(
    app_key: Key, *, join_nonce: int, net_id: NetID, dev_nonce: int
) -> SessionKeys:
    """Derive both 1.0.x session keys (LoRaWAN 1.0.3 §6.2.5)."""
    tail = (
        fits("JoinNonce", join_nonce, 24).to_bytes(3, "little")
        + net_id.to_le()
        + fits("DevNonce", dev_nonce, 16).to_bytes(2, "little")
        + bytes(7)
    )
    return SessionKeys(
        nwk_s_key=Key(aes_encrypt(app_key, b"\x01" + tail)),
        app_s_key=Key(aes_encrypt(app_key, b"\x02" + tail)),
    )
