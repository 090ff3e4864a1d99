"""Cipher contexts of sessions, kept warm between frames."""

from functools import lru_cache

from chirpstack_embedded.core.reception import HeardFrame
from chirpstack_embedded.model import Session
from wire.lorawan.data import DataFrame
from wire.lorawan.fhdr import FCtrl
from wire.lorawan.ids import DevAddr
from wire.lorawan.keys import Key
from wire.lorawan.keys_1_1 import SessionKeys11
from wire.lorawan.session import Session as WireSession
from wire.lorawan.session_1_1 import Session11


def ciphers(session: Session) -> WireSession:
    """Return the session's keys, ready for use; a ``Session11`` for LoRaWAN 1.1."""
    if session.is_1_1:
        return _warm_1_1(
            session.dev_addr,
            session.nwk_s_key,
            session.s_nwk_s_int_key,
            session.nwk_s_enc_key,
            session.app_s_key,
        )
    return _warm(session.dev_addr, session.nwk_s_key, session.app_s_key)


def signed_by(session: Session, heard: HeardFrame, f_cnt: int) -> bool:
    """Whether the session signed what was heard; in 1.1 also how it was sent."""
    keys = ciphers(session)
    if isinstance(keys, Session11):
        return keys.verify(
            heard.phy_payload,
            f_cnt,
            conf_f_cnt=session.conf_f_cnt,
            tx_dr=heard.dr,
            tx_ch=heard.channel,
        )
    return keys.verify(heard.phy_payload, f_cnt)


def opened(session: Session, frame: DataFrame, f_cnt: int) -> tuple[bytes, bytes]:
    """Return FRMPayload and FOpts in the clear."""
    keys = ciphers(session)
    if isinstance(keys, Session11):
        return keys.decrypt(frame, f_cnt), keys.clear_f_opts(frame, f_cnt)
    return keys.decrypt(frame, f_cnt), frame.f_opts


def sealed(
    session: Session,
    *,
    f_cnt: int,
    f_port: int | None = None,
    payload: bytes = b"",
    f_opts: bytes = b"",
    f_ctrl: FCtrl,
    confirmed: bool = False,
    conf_f_cnt: int,
) -> bytes:
    """Build a downlink; ``conf_f_cnt`` is the uplink that an ACK bit is about."""
    keys = ciphers(session)
    if isinstance(keys, Session11):
        return keys.downlink(
            f_cnt=f_cnt,
            f_port=f_port,
            payload=payload,
            f_opts=f_opts,
            f_ctrl=f_ctrl,
            confirmed=confirmed,
            conf_f_cnt=conf_f_cnt,
        )
    return keys.downlink(
        f_cnt=f_cnt,
        f_port=f_port,
        payload=payload,
        f_opts=f_opts,
        f_ctrl=f_ctrl,
        confirmed=confirmed,
    )


# A context of OpenSSL weighs 2.7 kB and takes 6 µs to make: of a larger city the
# contexts of those who spoke last are kept.
MOST_WARM = 2048


@lru_cache(maxsize=MOST_WARM)
def _warm(dev_addr: str, nwk_s_key: bytes, app_s_key: bytes) -> WireSession:
    return WireSession(
        dev_addr=DevAddr.parse(dev_addr),
        nwk_s_key=Key(nwk_s_key),
        app_s_key=Key(app_s_key),
    )


@lru_cache(maxsize=MOST_WARM)
def _warm_1_1(
    dev_addr: str, f_int: bytes, s_int: bytes, enc: bytes, app: bytes
) -> Session11:
    keys = SessionKeys11(
        f_nwk_s_int_key=Key(f_int),
        s_nwk_s_int_key=Key(s_int or f_int),
        nwk_s_enc_key=Key(enc or f_int),
        app_s_key=Key(app),
    )
    return Session11(dev_addr=DevAddr.parse(dev_addr), keys=keys)
