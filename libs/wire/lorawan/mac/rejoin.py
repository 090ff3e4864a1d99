"""Commands about rejoining, and about ADR's back-off (1.1)."""

from dataclasses import dataclass
from typing import ClassVar, Self

from wire.lorawan.fields import fits
from wire.lorawan.mac.command import BareCommand
from wire.lorawan.mhdr import Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class ADRParamSetupReq:
    """ADR_ACK_LIMIT is 2 to ``limit_exp``, ADR_ACK_DELAY 2 to ``delay_exp``."""

    cid: ClassVar[int] = 0x0C
    direction: ClassVar[Direction] = Direction.DOWN
    size: ClassVar[int] = 1
    limit_exp: int
    delay_exp: int

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read both exponents."""
        return cls(limit_exp=payload[0] >> 4, delay_exp=payload[0] & 15)

    def __bytes__(self) -> bytes:
        limit = fits("Limit_exp", self.limit_exp, 4) << 4
        return bytes((self.cid, limit | fits("Delay_exp", self.delay_exp, 4)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ADRParamSetupAns(BareCommand):
    """The device took the limits."""

    cid: ClassVar[int] = 0x0C
    direction: ClassVar[Direction] = Direction.UP


@dataclass(frozen=True, slots=True, kw_only=True)
class ForceRejoinReq:
    """
    Rejoin now (type 0 or 2), at this data rate, with so many retries.

    Between two tries pass 32 s times 2 to ``period``, and up to 32 s by chance.
    """

    cid: ClassVar[int] = 0x0E
    direction: ClassVar[Direction] = Direction.DOWN
    size: ClassVar[int] = 2
    period: int
    max_retries: int
    rejoin_type: int
    dr: int

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read two octets, the low one first."""
        bits = int.from_bytes(payload[:2], "little")
        return cls(
            period=bits >> 11 & 7,
            max_retries=bits >> 8 & 7,
            rejoin_type=bits >> 4 & 7,
            dr=bits & 15,
        )

    def __bytes__(self) -> bytes:
        bits = (
            fits("Period", self.period, 3) << 11
            | fits("MaxRetries", self.max_retries, 3) << 8
            | fits("RejoinType", self.rejoin_type, 3) << 4
            | fits("DR", self.dr, 4)
        )
        return self.cid.to_bytes() + bits.to_bytes(2, "little")


@dataclass(frozen=True, slots=True, kw_only=True)
class RejoinParamSetupReq:
    """A rejoin-request of type 0 at least every so often."""

    cid: ClassVar[int] = 0x0F
    direction: ClassVar[Direction] = Direction.DOWN
    size: ClassVar[int] = 1
    max_time_n: int
    max_count_n: int

    @property
    def max_time_s(self) -> int:
        """Seconds between two of them."""
        return 1 << self.max_time_n + 10

    @property
    def max_count(self) -> int:
        """Uplinks between two of them."""
        return 1 << self.max_count_n + 4

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read both exponents."""
        return cls(max_time_n=payload[0] >> 4, max_count_n=payload[0] & 15)

    def __bytes__(self) -> bytes:
        time = fits("MaxTimeN", self.max_time_n, 4) << 4
        return bytes((self.cid, time | fits("MaxCountN", self.max_count_n, 4)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RejoinParamSetupAns:
    """The device keeps the count; the time only if it has a clock."""

    cid: ClassVar[int] = 0x0F
    direction: ClassVar[Direction] = Direction.UP
    size: ClassVar[int] = 1
    time_ok: bool

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read the status bit."""
        return cls(time_ok=bool(payload[0] & 1))

    def __bytes__(self) -> bytes:
        return bytes((self.cid, self.time_ok))
