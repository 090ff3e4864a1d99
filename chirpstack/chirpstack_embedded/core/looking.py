"""Whose data uplink a frame is: session, counter, and what it says decrypted."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from chirpstack_embedded.core.ciphers import opened, signed_by
from chirpstack_embedded.core.context import Context
from chirpstack_embedded.core.reception import HeardFrame
from chirpstack_embedded.core.rendering import NANO
from chirpstack_embedded.core.verdict import Dropped
from chirpstack_embedded.model import (
    Device,
    Session,
)
from wire.errors import Malformed
from wire.lorawan.counters import full_f_cnt_up
from wire.lorawan.data import DataFrame
from wire.lorawan.mhdr import MType, m_type_of

_DATA_UP = frozenset({MType.UNCONFIRMED_DATA_UP, MType.CONFIRMED_DATA_UP})
Counting = Literal["next", "retransmission", "reset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The device whose session signed a frame, and how its counter stands."""

    device: Device
    session: Session
    f_cnt: int
    counting: Counting


class Looked(NamedTuple):
    """A frame whose device is known, decrypted; nothing has been changed yet."""

    frame: DataFrame
    match: Match
    data: bytes
    f_opts: bytes
    f_cnt_up: int

    def still_holds(self, context: Context) -> bool:
        """Whether nothing has happened to the device since."""
        device = self.match.device
        return (
            device.f_cnt_up == self.f_cnt_up
            and device.session is self.match.session
            and context.devices.get(device.dev_eui) is device
        )


def look_ahead(context: Context, heard: HeardFrame) -> None:
    """Find out whose uplink this is, before it is its turn."""
    if m_type_of(heard.phy_payload) in _DATA_UP:
        heard.looked = look(context, heard)


def expect_payloads(context: Context, frames: Iterable[HeardFrame]) -> None:
    """Let the codec begin with the uplinks that will probably be accepted."""
    looked = [(heard.looked, heard.time_ns / NANO) for heard in frames]
    context.payloads.expect(
        (one.match.device, one.frame.f_port or 0, one.data, time_s)
        for one, time_s in looked
        if isinstance(one, Looked) and one.frame.f_port != 0
    )


def look(context: Context, heard: HeardFrame) -> Looked | Dropped:
    """Find the device that signed a frame, or say why there is none."""
    known = heard.looked
    if isinstance(known, Looked) and known.still_holds(context):
        return known
    try:
        frame = DataFrame.parse(heard.phy_payload)
    except Malformed as error:
        return Dropped(cause="malformed", details=str(error))
    found = _match(context, heard, frame)
    if isinstance(found, Dropped):
        return found
    data, f_opts = opened(found.session, frame, found.f_cnt)
    return Looked(frame, found, data, f_opts, found.device.f_cnt_up)


def _match(context: Context, heard: HeardFrame, frame: DataFrame) -> Match | Dropped:
    dev_addr = str(frame.dev_addr)
    candidates = context.devices.with_dev_addr(dev_addr)
    if not candidates:
        return Dropped(cause="unknown_dev_addr", details=f"dev_addr={dev_addr}")
    for device in candidates:
        for session, f_cnt in _signers(device, heard, frame):
            return Match(
                device=device,
                session=session,
                f_cnt=f_cnt,
                counting=_counting(device, session, f_cnt),
            )
    return Dropped(cause="mic", details=f"dev_addr={dev_addr} f_cnt={frame.f_cnt_16}")


def _signers(
    device: Device, heard: HeardFrame, frame: DataFrame
) -> Iterator[tuple[Session, int]]:
    session = device.session
    if session is None:
        return
    # An ABP session has no region before its first uplink.
    if session.region_config_id not in {"", heard.region_config_id}:
        return
    full = full_f_cnt_up(device.f_cnt_up, frame.f_cnt_16)
    # The bare 16 bits detect a device whose counter started again.
    for f_cnt in dict.fromkeys((full, frame.f_cnt_16)):
        if signed_by(session, heard, f_cnt):
            yield session, f_cnt


def _counting(device: Device, session: Session, f_cnt: int) -> Counting:
    if f_cnt >= device.f_cnt_up or session.skip_f_cnt_check:
        return "next"
    return "retransmission" if f_cnt == device.f_cnt_up - 1 else "reset"
