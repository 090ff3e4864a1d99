"""How a device gets its keys: 1.0.x from AppKey, 1.1 from NwkKey and AppKey."""

from lorawan_sim.card import Card
from lorawan_sim.frames import NOT_OURS, OTHERS
from wire.errors import Malformed
from wire.lorawan.join import JoinAccept
from wire.lorawan.join_1_1 import Asked, JoinReqType, open_accept
from wire.lorawan.keys import Key, derive_session_keys
from wire.lorawan.keys_1_1 import (
    derive_session_keys_1_1,
    js_enc_key,
    js_int_key,
)
from wire.lorawan.session import Session as Crypto
from wire.lorawan.session_1_1 import Session11


def root_key(card: Card) -> Key:
    """The key that signs join-requests: NwkKey, which 1.0.x calls AppKey."""
    return card.app_key if card.nwk_key is None else card.nwk_key


def asked_for(card: Card, dev_nonce: int) -> Asked:
    """What a join-request of this device asked."""
    return Asked(join_eui=card.join_eui, nonce=dev_nonce)


def read_accept_1_1(phy_payload: bytes, card: Card, asked: Asked) -> JoinAccept | str:
    """The accept as a 1.1 device reads it, or what kept it from being one for us."""
    nwk_key = root_key(card)
    rejoins = asked.join_req_type is not JoinReqType.JOIN
    key = js_enc_key(nwk_key, card.dev_eui) if rejoins else nwk_key
    signing = js_int_key(nwk_key, card.dev_eui)
    try:
        accept = open_accept(phy_payload, key, js_int_key=signing, asked=asked)
    except Malformed:
        return OTHERS
    return NOT_OURS if accept is None else accept


def crypto_of(accept: JoinAccept, card: Card, nonce: int) -> Crypto:
    """The session's keys; a server without OptNeg makes a 1.0.x session of it."""
    if accept.dl_settings.opt_neg:
        keys = derive_session_keys_1_1(
            nwk_key=root_key(card),
            app_key=card.app_key,
            join_nonce=accept.join_nonce,
            join_eui=card.join_eui,
            dev_nonce=nonce,
        )
        return Session11(dev_addr=accept.dev_addr, keys=keys)
    old = derive_session_keys(
        root_key(card),
        join_nonce=accept.join_nonce,
        net_id=accept.net_id,
        dev_nonce=nonce,
    )
    return Crypto(
        dev_addr=accept.dev_addr, nwk_s_key=old.nwk_s_key, app_s_key=old.app_s_key
    )
