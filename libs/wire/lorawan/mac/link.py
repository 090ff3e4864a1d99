"""Commands about the link: margin, data rate, power, duty cycle, battery."""

from dataclasses import dataclass
from typing import ClassVar, Self

from wire.errors import Illegal
from wire.lorawan.fields import fits
from wire.lorawan.mac.command import BareCommand
from wire.lorawan.mhdr import Direction

BATTERY_EXTERNAL = 0
BATTERY_UNKNOWN = 255
_SIGN = 32  # of the six-bit margin


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCheckReq(BareCommand):
    """The device asks how well it is heard."""

    cid: ClassVar[int] = 0x02
    direction: ClassVar[Direction] = Direction.UP


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCheckAns:
    """Margin above the demodulation floor and how many gateways heard it."""

    cid: ClassVar[int] = 0x02
    direction: ClassVar[Direction] = Direction.DOWN
    size: ClassVar[int] = 2
    margin_db: int
    gateway_count: int

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read Margin and GwCnt."""
        return cls(margin_db=payload[0], gateway_count=payload[1])

    def __bytes__(self) -> bytes:
        return bytes(
            (
                self.cid,
                fits("Margin", self.margin_db, 8),
                fits("GwCnt", self.gateway_count, 8),
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkADRReq:
    """
    Data rate, power index, channel mask and repetitions for the device.

    0xF keeps a data rate or power (1.0.4); ``nb_trans`` 0 keeps the number. A
    contiguous block is one request: masks in order, the rest from the last.
    """

    cid: ClassVar[int] = 0x03
    direction: ClassVar[Direction] = Direction.DOWN
    size: ClassVar[int] = 4
    data_rate: int
    tx_power: int
    ch_mask: int
    ch_mask_cntl: int = 0
    nb_trans: int = 1

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read DataRate_TXPower, ChMask and Redundancy."""
        return cls(
            data_rate=payload[0] >> 4,
            tx_power=payload[0] & 15,
            ch_mask=int.from_bytes(payload[1:3], "little"),
            ch_mask_cntl=payload[3] >> 4 & 7,
            nb_trans=payload[3] & 15,
        )

    def __bytes__(self) -> bytes:
        rate = fits("DataRate", self.data_rate, 4) << 4
        cntl = fits("ChMaskCntl", self.ch_mask_cntl, 3) << 4
        return (
            bytes((self.cid, rate | fits("TXPower", self.tx_power, 4)))
            + fits("ChMask", self.ch_mask, 16).to_bytes(2, "little")
            + (cntl | fits("NbTrans", self.nb_trans, 4)).to_bytes()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkADRAns:
    """What the device took; all three or it changed nothing."""

    cid: ClassVar[int] = 0x03
    direction: ClassVar[Direction] = Direction.UP
    size: ClassVar[int] = 1
    power_ack: bool
    data_rate_ack: bool
    channel_mask_ack: bool

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read the status bits."""
        status = payload[0]
        return cls(
            power_ack=bool(status & 4),
            data_rate_ack=bool(status & 2),
            channel_mask_ack=bool(status & 1),
        )

    def __bytes__(self) -> bytes:
        status = self.power_ack << 2 | self.data_rate_ack << 1 | self.channel_mask_ack
        return bytes((self.cid, status))


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyCycleReq:
    """Limit of the device's aggregated duty cycle: 1 / 2^max_duty_cycle."""

    cid: ClassVar[int] = 0x04
    direction: ClassVar[Direction] = Direction.DOWN
    size: ClassVar[int] = 1
    max_duty_cycle: int

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read MaxDCycle."""
        return cls(max_duty_cycle=payload[0] & 15)

    def __bytes__(self) -> bytes:
        return bytes((self.cid, fits("MaxDCycle", self.max_duty_cycle, 4)))


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyCycleAns(BareCommand):
    """The device took the limit."""

    cid: ClassVar[int] = 0x04
    direction: ClassVar[Direction] = Direction.UP


@dataclass(frozen=True, slots=True, kw_only=True)
class DevStatusReq(BareCommand):
    """The server asks for battery and margin."""

    cid: ClassVar[int] = 0x06
    direction: ClassVar[Direction] = Direction.DOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class DevStatusAns:
    """
    Battery and the margin of the last DevStatusReq.

    ``battery``: 0 external power, 1 … 254 empty to full, 255 unknown.
    ``margin_db``: -32 … 31, six bits of two's complement.
    """

    cid: ClassVar[int] = 0x06
    direction: ClassVar[Direction] = Direction.UP
    size: ClassVar[int] = 2
    battery: int
    margin_db: int

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read Battery and Margin."""
        margin = payload[1] & 63
        return cls(battery=payload[0], margin_db=margin - 2 * (margin & _SIGN))

    def __bytes__(self) -> bytes:
        if not -_SIGN <= self.margin_db < _SIGN:
            raise Illegal(f"Margin is -32 to 31 dB, not {self.margin_db}")
        battery = fits("Battery", self.battery, 8)
        return bytes((self.cid, battery, self.margin_db & 63))
