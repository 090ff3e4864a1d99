"""Data frames of both directions, as they are in the air."""

from struct import Struct
from typing import NamedTuple, Self

from wire.errors import Illegal, Malformed
from wire.lorawan.fhdr import F_CTRL_DOWN, F_CTRL_UP, F_OPTS_MAX, FCtrl
from wire.lorawan.fields import fits
from wire.lorawan.ids import DevAddr
from wire.lorawan.mhdr import Direction, MType

HEADER = Struct("<B4sBH")  # MHDR, DevAddr, FCtrl, FCnt
HEADER_SIZE = HEADER.size
MIC_SIZE = 4
MIN_SIZE = HEADER_SIZE + MIC_SIZE
MAX_SIZE = 255  # of any LoRa frame
MAX_CONTENT = MAX_SIZE - MIN_SIZE - 1  # of FOpts and FRMPayload together
_UP_TYPES = (MType.UNCONFIRMED_DATA_UP, MType.CONFIRMED_DATA_UP)
_DOWN_TYPES = (MType.UNCONFIRMED_DATA_DOWN, MType.CONFIRMED_DATA_DOWN)
_DATA_TYPES = (*_UP_TYPES, *_DOWN_TYPES)
_PORTS = {port: port.to_bytes() for port in range(256)}
_NO_RFU = 0b111_000_11
_OPENS = {
    m_type << 5: (m_type, F_CTRL_UP if m_type in _UP_TYPES else F_CTRL_DOWN)
    for m_type in _DATA_TYPES
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
        end = len(phy_payload) - MIC_SIZE
        if not MIN_SIZE <= len(phy_payload) <= MAX_SIZE:
            raise Malformed(
                f"a data frame has {MIN_SIZE} to {MAX_SIZE} octets,"
                f" not {len(phy_payload)}"
            )
        mhdr, dev_addr_le, control, f_cnt_16 = HEADER.unpack_from(phy_payload)
        kind = _OPENS.get(mhdr & _NO_RFU)
        if kind is None:
            raise Malformed(f"MHDR {mhdr:02x} does not open a data frame")
        m_type, f_ctrls = kind
        body = HEADER_SIZE + (control & F_OPTS_MAX)
        if body > end:
            raise Malformed(f"FOptsLen {control & F_OPTS_MAX} exceeds the frame")
        f_port = phy_payload[body] if body < end else None
        if f_port == 0 and body > HEADER_SIZE:
            # 1.0.3 §4.3.1.6: commands in both places; the frame is to be dropped
            raise Malformed("FPort 0 beside FOpts: MAC commands in two places")
        return cls._make(
            (
                m_type,
                bytes.__new__(DevAddr, dev_addr_le[::-1]),
                f_ctrls[control],
                f_cnt_16,
                phy_payload[HEADER_SIZE:body],
                f_port,
                phy_payload[body + 1 : end],
                phy_payload[end:],
            )
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
        return (
            HEADER.pack(
                self.m_type << 5,
                self.dev_addr.to_le(),
                control | len(self.f_opts),
                fits("FCnt", self.f_cnt_16, 16),
            )
            + self.f_opts
            + port_and_payload(self.f_port, self.frm_payload, self.f_opts)
        )


def port_and_payload(f_port: int | None, payload: bytes, f_opts: bytes) -> bytes:
    """Return what follows FHDR, or raise Illegal when the parts do not go together."""
    if len(f_opts) > F_OPTS_MAX:
        raise Illegal(f"FOpts hold {F_OPTS_MAX} octets, not {len(f_opts)}")
    if f_port is None:
        if payload:
            raise Illegal(f"a payload of {len(payload)} octets needs an FPort")
        return b""
    if f_port == 0 and f_opts:
        raise Illegal("FPort 0 and FOpts cannot both carry MAC commands")
    if f_port not in _PORTS:
        raise Illegal(f"FPort has 8 bits, {f_port} does not fit")
    return _PORTS[f_port] + payload
