"""Downlinks as a device judges them: a refusal is a sentence, not an error."""

from dataclasses import dataclass

from lorawan_sim.session import Session
from wire.errors import Malformed
from wire.lorawan.counters import MAX_F_CNT_GAP, accepts_f_cnt_down, full_f_cnt_down
from wire.lorawan.data import DataFrame
from wire.lorawan.join import JoinAccept
from wire.lorawan.keys import Key
from wire.lorawan.mhdr import MType
from wire.lorawan.session_1_1 import Session11

OVERHEAD = 12  # MHDR, DevAddr, FCtrl, FCnt, MIC
OTHERS = "somebody else's frame was heard"
NOT_OURS = "join-accept with a wrong MIC (another device's, or the AppKey differs)"
_DATA_DOWN = (MType.UNCONFIRMED_DATA_DOWN, MType.CONFIRMED_DATA_DOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Down:
    """A downlink that is ours, fresh and whole, in the clear."""

    f_cnt: int
    confirmed: bool
    ack: bool
    f_pending: bool
    commands: bytes
    f_port: int | None
    payload: bytes


def read_join_accept(phy_payload: bytes, app_key: Key) -> JoinAccept | str:
    """The accept, or what kept it from being one for us."""
    try:
        accept = JoinAccept.open(phy_payload, app_key)
    except Malformed:
        return OTHERS
    return NOT_OURS if accept is None else accept


def read_down(
    phy_payload: bytes, session: Session, *, max_gap: int | None = MAX_F_CNT_GAP
) -> Down | str | None:
    """The downlink, why it is refused, or None when it is not for this device."""
    if not phy_payload or phy_payload[0] >> 5 not in _DATA_DOWN:
        return None
    try:
        frame = DataFrame.parse(phy_payload)
    except Malformed as fault:
        return f"malformed: {fault}"
    if frame.dev_addr != session.dev_addr:
        return None
    last = session.last_f_cnt_down(frame.f_port)
    f_cnt = full_f_cnt_down(last, frame.f_cnt_16)
    if not accepts_f_cnt_down(last, f_cnt, max_gap=max_gap):
        return f"replayed or out of reach: FCnt {frame.f_cnt_16} after {last}"
    if not _is_signed(session, phy_payload, f_cnt):
        return f"MIC is wrong for FCnt {f_cnt}"
    return _open(frame, session, f_cnt)


def _is_signed(session: Session, phy_payload: bytes, f_cnt: int) -> bool:
    crypto = session.crypto
    if isinstance(crypto, Session11):
        # An ACK is for the last uplink, and bound to its counter (1.1 §4.4.1).
        last_up = max(session.f_cnt_up - 1, 0)
        return crypto.verify(phy_payload, f_cnt, conf_f_cnt=last_up)
    return crypto.verify(phy_payload, f_cnt)


def _open(frame: DataFrame, session: Session, f_cnt: int) -> Down:
    crypto, f_opts = session.crypto, frame.f_opts
    clear = crypto.decrypt(frame, f_cnt)
    if isinstance(crypto, Session11):
        f_opts = crypto.clear_f_opts(frame, f_cnt)
    mac_only = frame.f_port == 0
    return Down(
        f_cnt=f_cnt,
        confirmed=frame.confirmed,
        ack=frame.f_ctrl.ack,
        f_pending=frame.f_ctrl.f_pending,
        commands=clear if mac_only else f_opts,
        f_port=frame.f_port,
        payload=b"" if mac_only else clear,
    )
