"""The control octet of a data frame's header, both ways."""

from dataclasses import dataclass
from functools import cache
from typing import Self

from wire.errors import Illegal

F_OPTS_MAX = 15

_ADR = 0x80
_ADR_ACK_REQ = 0x40
_ACK = 0x20
_PENDING = 0x10


@dataclass(frozen=True, slots=True, kw_only=True)
class FCtrl:
    """
    The bits of FCtrl (LoRaWAN 1.0.3 §4.3.1).

    ``adr_ack_req`` and ``class_b`` exist in uplinks, ``f_pending`` in downlinks;
    class B and pending share bit 4, so only the direction tells them apart.
    """

    adr: bool = False
    adr_ack_req: bool = False
    ack: bool = False
    class_b: bool = False
    f_pending: bool = False

    @classmethod
    def parse_up(cls, octet: int) -> Self:
        """Read the control octet of an uplink; the low four bits are not looked at."""
        return cls(
            adr=bool(octet & _ADR),
            adr_ack_req=bool(octet & _ADR_ACK_REQ),
            ack=bool(octet & _ACK),
            class_b=bool(octet & _PENDING),
        )

    @classmethod
    def parse_down(cls, octet: int) -> Self:
        """Read the control octet of a downlink; bit 6 is reserved and ignored."""
        return cls(
            adr=bool(octet & _ADR),
            ack=bool(octet & _ACK),
            f_pending=bool(octet & _PENDING),
        )

    def octet_up(self) -> int:
        """Return the high bits of the octet in an uplink."""
        if self.f_pending:
            raise Illegal("FPending is a bit of downlinks, an uplink cannot have it")
        return (
            (_ADR if self.adr else 0)
            | (_ADR_ACK_REQ if self.adr_ack_req else 0)
            | (_ACK if self.ack else 0)
            | (_PENDING if self.class_b else 0)
        )

    def octet_down(self) -> int:
        """Return the high bits of the octet in a downlink."""
        if self.adr_ack_req or self.class_b:
            raise Illegal("ADRACKReq and ClassB are bits of uplinks only")
        return (
            (_ADR if self.adr else 0)
            | (_ACK if self.ack else 0)
            | (_PENDING if self.f_pending else 0)
        )


@cache
def f_ctrl_up(*, adr: bool, adr_ack_req: bool, ack: bool) -> FCtrl:
    """Return an uplink's control bits; the same ones are one object."""
    return FCtrl(adr=adr, adr_ack_req=adr_ack_req, ack=ack)


F_CTRL_UP = tuple(FCtrl.parse_up(octet) for octet in range(256))
F_CTRL_DOWN = tuple(FCtrl.parse_down(octet) for octet in range(256))
