"""The keys of LoRaWAN 1.1: two roots, four of a session, two of the join server."""

from dataclasses import dataclass

from wire.eui64 import EUI64
from wire.lorawan.crypto import aes_encrypt
from wire.lorawan.fields import fits
from wire.lorawan.keys import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionKeys11:
    """What a 1.1 join gives to device and server (1.1 §6.1.2)."""

    f_nwk_s_int_key: Key
    s_nwk_s_int_key: Key
    nwk_s_enc_key: Key
    app_s_key: Key


def derive_session_keys_1_1(
    *, nwk_key: Key, app_key: Key, join_nonce: int, join_eui: EUI64, dev_nonce: int
) -> SessionKeys11:
    """
    Derive the four session keys (1.1 §6.2.5, OptNeg set).

    After a rejoin-request its RJcount stands in the place of ``dev_nonce``.
    """
    tail = (
        fits("JoinNonce", join_nonce, 24).to_bytes(3, "little")
        + join_eui.to_le()
        + fits("DevNonce", dev_nonce, 16).to_bytes(2, "little")
        + bytes(2)
    )
    return SessionKeys11(
        f_nwk_s_int_key=Key(aes_encrypt(nwk_key, b"\x01" + tail)),
        s_nwk_s_int_key=Key(aes_encrypt(nwk_key, b"\x03" + tail)),
        nwk_s_enc_key=Key(aes_encrypt(nwk_key, b"\x04" + tail)),
        app_s_key=Key(aes_encrypt(app_key, b"\x02" + tail)),
    )


def js_int_key(nwk_key: Key, dev_eui: EUI64) -> Key:
    """JSIntKey: it signs join-accepts with OptNeg, and rejoin-requests of type 1."""
    return _lifetime_key(b"\x06", nwk_key, dev_eui)


def js_enc_key(nwk_key: Key, dev_eui: EUI64) -> Key:
    """JSEncKey: it encrypts the join-accepts that answer rejoin-requests."""
    return _lifetime_key(b"\x05", nwk_key, dev_eui)


def root_wor_s_key(nwk_s_key: Key) -> Key:
    """RootWorSKey of a relay and its end devices (TS011-1.0.0 §7)."""
    return Key(aes_encrypt(nwk_s_key, b"\x01" + bytes(15)))


def _lifetime_key(kind: bytes, nwk_key: Key, dev_eui: EUI64) -> Key:
    return Key(aes_encrypt(nwk_key, kind + dev_eui.to_le() + bytes(7)))
