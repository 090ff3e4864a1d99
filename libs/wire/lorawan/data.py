"""Data frames of both directions, as they are in the air."""

from functools import lru_cache
from struct import Struct
from typing import NamedTuple, Self

from wire.errors import Illegal, Malformed
from wire.lorawan.fhdr import F_CTRL_DOWN, F_CTRL_UP, F_OPTS_MAX, FCtrl
from wire.lorawan.fields import fits
from wire.lorawan.ids import DevAddr
from wire.lorawan.mhdr import Direction, MType

HEADER = Struct("<B4sBH")  # MHDR, DevAddr, FCtrl, FCnt
HEADER_SIZE = HEADER.size
_tuple = tuple.__new__
_open = HEADER.unpack_from
MIC_SIZE = 4
MIN_SIZE = HEADER_SIZE + MIC_SIZE
MAX_SIZE = 255  # of any LoRa frame
MAX_CONTENT = MAX_SIZE - MIN_SIZE - 1  # of FOpts and FRMPayload together
_UP_TYPES = (MType.UNCONFIRMED_DATA_UP, MType.CONFIRMED_DATA_UP)
_DOWN_TYPES = (MType.UNCONFIRMED_DATA_DOWN, MType.CONFIRMED_DATA_DOWN)
_DATA_TYPES = (*_UP_TYPES, *_DOWN_TYPES)
_PORTS = {port: port.to_bytes() for port in range(256)}
_RFU = range(0, 0b000_111_00 + 1, 0b000_001_00)  # bits 4..2 of MHDR mean nothing
_OPENS = {
    m_type << 5 | rfu: (m_type, F_CTRL_UP if m_type in _UP_TYPES else F_CTRL_DOWN)
    for m_type in _DATA_TYPES
    for rfu in _RFU
}


class DataFrame(NamedTuple):
    """
    A data frame with its payload still encrypted.

    A named tuple, being made for every uplink of a city: a frozen dataclass of as
    many fields takes six times as long to make. Use it by name.

    ``f_cnt_16`` is what the air carries: the low 16 bits of the counter.
    ``f_port`` None means no port octet; a port with an empty payload is legal.
    """

    m_type: MType
    dev_addr: DevAddr
    f_ctrl: FCtrl
    f_cnt_16: int
    f_opts: bytes
    f_port: int | None
    frm_payload: bytes
    mic: bytes

    @property
    def direction(self) -> Direction:
        """Which way the frame goes."""
        return Direction.UP if self.m_type in _UP_TYPES else Direction.DOWN

    @property
    def confirmed(self) -> bool:
        """Whether the sender wants an acknowledgement."""
        return self.m_type >= MType.CONFIRMED_DATA_UP

    @classmethod
    def parse(cls, phy_payload: bytes) -> Self:
        """Read a whole PHYPayload; the MIC is kept, not judged."""
        size = len(phy_payload)
        if not MIN_SIZE <= size <= MAX_SIZE:
            raise Malformed(
                f"a data frame has {MIN_SIZE} to {MAX_SIZE} octets, not {size}"
            )
        end = size - MIC_SIZE
        mhdr, dev_addr_le, control, f_cnt_16 = _open(phy_payload)
        kind = _OPENS.get(mhdr)
        if kind is None:
            raise Malformed(f"MHDR {mhdr:02x} does not open a data frame")
        m_type, f_ctrls = kind
        f_opts, body = b"", HEADER_SIZE
        if control & F_OPTS_MAX:
            f_opts, body = _f_opts(phy_payload, control & F_OPTS_MAX)
        return _tuple(  # what _make does, without a call of its own
            cls,
            (
                m_type,
                _dev_addr(dev_addr_le),
                f_ctrls[control],
                f_cnt_16,
                f_opts,
                phy_payload[body] if body < end else None,
                phy_payload[body + 1 : end],
                phy_payload[end:],
            ),
        )

    def __bytes__(self) -> bytes:
        return self.message() + self.mic

    def message(self) -> bytes:
        """Return everything the MIC covers: the frame without its last four octets."""
        if self.m_type not in _DATA_TYPES:
            raise Illegal(f"{self.m_type.name} is not the type of a data frame")
        control = (
            self.f_ctrl.octet_up()
            if self.direction is Direction.UP
            else self.f_ctrl.octet_down()
        )
        return HEADER.pack(
            self.m_type << 5,
            self.dev_addr.to_le(),
            control | len(self.f_opts),
            fits("FCnt", self.f_cnt_16, 16),
        ) + after_header(self.f_opts, self.f_port, self.frm_payload)


def _f_opts(phy_payload: bytes, length: int) -> tuple[bytes, int]:
    """Return FOpts and where they end, or raise Malformed."""
    end, mic = HEADER_SIZE + length, len(phy_payload) - MIC_SIZE
    if end > mic:
        raise Malformed(f"FOptsLen {length} exceeds the frame")
    if end < mic and phy_payload[end] == 0:
        # 1.0.3 §4.3.1.6: commands in both places; the frame is to be dropped
        raise Malformed("FPort 0 beside FOpts: MAC commands in two places")
    return phy_payload[HEADER_SIZE:end], end


def after_header(f_opts: bytes, f_port: int | None, payload: bytes) -> bytes:
    """Return FOpts, FPort and FRMPayload, or raise Illegal when they do not fit."""
    if len(f_opts) + len(payload) > MAX_CONTENT:
        raise Illegal(
            f"FOpts and FRMPayload hold {MAX_CONTENT} octets together,"
            f" not {len(f_opts) + len(payload)}"
        )
    if f_port and not f_opts and f_port in _PORTS:
        return _PORTS[f_port] + payload
    if len(f_opts) > F_OPTS_MAX:
        raise Illegal(f"FOpts hold {F_OPTS_MAX} octets, not {len(f_opts)}")
    if f_port is None:
        if payload:
            raise Illegal(f"a payload of {len(payload)} octets needs an FPort")
        return f_opts
    if f_port == 0 and f_opts:
        raise Illegal("FPort 0 and FOpts cannot both carry MAC commands")
    if f_port not in _PORTS:
        raise Illegal(f"FPort has 8 bits, {f_port} does not fit")
    return f_opts + _PORTS[f_port] + payload


@lru_cache(maxsize=1 << 14)  # a device is heard again and again
def _dev_addr(octets: bytes) -> DevAddr:
    return DevAddr.from_le(octets)
