"""Cipher contexts of sessions, kept warm between frames."""

from functools import lru_cache

from chirpstack_embedded.model import Session
from wire.lorawan.ids import DevAddr
from wire.lorawan.keys import Key
from wire.lorawan.session import Session as WireSession


def ciphers(session: Session) -> WireSession:
    """Return the session's keys, ready for use."""
    return _warm(session.dev_addr, session.nwk_s_key, session.app_s_key)


@lru_cache(maxsize=16_384)
def _warm(dev_addr: str, nwk_s_key: bytes, app_s_key: bytes) -> WireSession:
    return WireSession(
        dev_addr=DevAddr.parse(dev_addr),
        nwk_s_key=Key(nwk_s_key),
        app_s_key=Key(app_s_key),
    )
