"""Keys of multicast groups (TS005-1.0.0 §4): who may listen, and to what."""

from dataclasses import dataclass

from wire.lorawan.crypto import aes_decrypt, aes_encrypt
from wire.lorawan.ids import DevAddr
from wire.lorawan.keys import Key

_ZEROS = bytes(16)


@dataclass(frozen=True, slots=True, kw_only=True)
class McSessionKeys:
    """What a group's members hold: one key signs, the other encrypts."""

    mc_nwk_s_key: Key
    mc_app_s_key: Key


def mc_root_key(gen_app_key: Key) -> Key:
    """McRootKey of a LoRaWAN 1.0.x device, which holds a GenAppKey for this."""
    return Key(aes_encrypt(gen_app_key, _ZEROS))


def mc_root_key_1_1(app_key: Key) -> Key:
    """McRootKey of a LoRaWAN 1.1 device, from its AppKey."""
    return Key(aes_encrypt(app_key, b"\x20" + _ZEROS[1:]))


def mc_ke_key(root_key: Key) -> Key:
    """McKEKey, under which a device is told the keys of its groups."""
    return Key(aes_encrypt(root_key, _ZEROS))


def wrap_mc_key(ke_key: Key, mc_key: Key) -> bytes:
    """McKey_encrypted: the server *decrypts*, so that devices only encrypt."""
    return aes_decrypt(ke_key, mc_key)


def unwrap_mc_key(ke_key: Key, mc_key_encrypted: bytes) -> Key:
    """McKey of what a McGroupSetupReq carries."""
    return Key(aes_encrypt(ke_key, mc_key_encrypted))


def mc_session_keys(mc_key: Key, mc_addr: DevAddr) -> McSessionKeys:
    """Both session keys of a group."""
    tail = mc_addr.to_le() + bytes(11)
    return McSessionKeys(
        mc_nwk_s_key=Key(aes_encrypt(mc_key, b"\x02" + tail)),
        mc_app_s_key=Key(aes_encrypt(mc_key, b"\x01" + tail)),
    )
