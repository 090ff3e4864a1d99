"""Commands about channels, receive windows and transmit limits."""

from dataclasses import dataclass
from typing import ClassVar, Self

from wire.errors import Illegal
from wire.lorawan.fields import fits, frequency_hz, frequency_octets
from wire.lorawan.join import DLSettings
from wire.lorawan.mac.command import BareCommand
from wire.lorawan.mhdr import Direction

MAX_EIRP_DBM = (8, 10, 12, 13, 14, 16, 18, 20, 21, 24, 26, 27, 29, 30, 33, 36)


@dataclass(frozen=True, slots=True, kw_only=True)
class RXParamSetupReq:
    """RX1 offset, RX2 data rate and RX2 frequency."""

    cid: ClassVar[int] = 0x05
    direction: ClassVar[Direction] = Direction.DOWN
    size: ClassVar[int] = 4
    dl_settings: DLSettings
    frequency_hz: int

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read DLSettings and Frequency."""
        return cls(
            dl_settings=DLSettings.parse(payload[0]),
            frequency_hz=frequency_hz(payload[1:4]),
        )

    def __bytes__(self) -> bytes:
        return bytes((self.cid, self.dl_settings.octet())) + frequency_octets(
            self.frequency_hz
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RXParamSetupAns:
    """What the device took; repeated until a class A downlink arrives."""

    cid: ClassVar[int] = 0x05
    direction: ClassVar[Direction] = Direction.UP
    size: ClassVar[int] = 1
    rx1_dr_offset_ack: bool
    rx2_data_rate_ack: bool
    channel_ack: bool

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read the status bits."""
        status = payload[0]
        return cls(
            rx1_dr_offset_ack=bool(status & 4),
            rx2_data_rate_ack=bool(status & 2),
            channel_ack=bool(status & 1),
        )

    def __bytes__(self) -> bytes:
        status = (
            self.rx1_dr_offset_ack << 2 | self.rx2_data_rate_ack << 1 | self.channel_ack
        )
        return bytes((self.cid, status))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChannelReq:
    """Make, change or (frequency 0) remove a channel beyond the default ones."""

    cid: ClassVar[int] = 0x07
    direction: ClassVar[Direction] = Direction.DOWN
    size: ClassVar[int] = 5
    ch_index: int
    frequency_hz: int
    max_dr: int
    min_dr: int

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read ChIndex, Frequency and DrRange."""
        return cls(
            ch_index=payload[0],
            frequency_hz=frequency_hz(payload[1:4]),
            max_dr=payload[4] >> 4,
            min_dr=payload[4] & 15,
        )

    def __bytes__(self) -> bytes:
        dr_range = fits("MaxDR", self.max_dr, 4) << 4 | fits("MinDR", self.min_dr, 4)
        return (
            bytes((self.cid, fits("ChIndex", self.ch_index, 8)))
            + frequency_octets(self.frequency_hz)
            + dr_range.to_bytes()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChannelAns:
    """What the device took; both or it changed nothing."""

    cid: ClassVar[int] = 0x07
    direction: ClassVar[Direction] = Direction.UP
    size: ClassVar[int] = 1
    data_rate_range_ok: bool
    frequency_ok: bool

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read the status bits."""
        return cls(
            data_rate_range_ok=bool(payload[0] & 2), frequency_ok=bool(payload[0] & 1)
        )

    def __bytes__(self) -> bytes:
        return bytes((self.cid, self.data_rate_range_ok << 1 | self.frequency_ok))


@dataclass(frozen=True, slots=True, kw_only=True)
class RXTimingSetupReq:
    """Seconds from the end of an uplink to RX1; 0 means 1."""

    cid: ClassVar[int] = 0x08
    direction: ClassVar[Direction] = Direction.DOWN
    size: ClassVar[int] = 1
    delay: int

    @property
    def rx1_delay_s(self) -> int:
        """The delay meant."""
        return self.delay or 1

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read Del."""
        return cls(delay=payload[0] & 15)

    def __bytes__(self) -> bytes:
        return bytes((self.cid, fits("Del", self.delay, 4)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RXTimingSetupAns(BareCommand):
    """The device took the delay; repeated until a class A downlink arrives."""

    cid: ClassVar[int] = 0x08
    direction: ClassVar[Direction] = Direction.UP


@dataclass(frozen=True, slots=True, kw_only=True)
class TXParamSetupReq:
    """Dwell times and maximum EIRP, where a region has them."""

    cid: ClassVar[int] = 0x09
    direction: ClassVar[Direction] = Direction.DOWN
    size: ClassVar[int] = 1
    downlink_dwell: bool
    uplink_dwell: bool
    max_eirp_dbm: int

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read EIRP_DwellTime."""
        return cls(
            downlink_dwell=bool(payload[0] & 0x20),
            uplink_dwell=bool(payload[0] & 0x10),
            max_eirp_dbm=MAX_EIRP_DBM[payload[0] & 15],
        )

    def __bytes__(self) -> bytes:
        if self.max_eirp_dbm not in MAX_EIRP_DBM:
            raise Illegal(
                f"MaxEIRP is one of {MAX_EIRP_DBM} dBm, not {self.max_eirp_dbm}"
            )
        dwell = self.downlink_dwell << 5 | self.uplink_dwell << 4
        return bytes((self.cid, dwell | MAX_EIRP_DBM.index(self.max_eirp_dbm)))


@dataclass(frozen=True, slots=True, kw_only=True)
class TXParamSetupAns(BareCommand):
    """The device took the parameters."""

    cid: ClassVar[int] = 0x09
    direction: ClassVar[Direction] = Direction.UP


@dataclass(frozen=True, slots=True, kw_only=True)
class DlChannelReq:
    """Another downlink frequency for RX1 of one channel."""

    cid: ClassVar[int] = 0x0A
    direction: ClassVar[Direction] = Direction.DOWN
    size: ClassVar[int] = 4
    ch_index: int
    frequency_hz: int

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read ChIndex and Frequency."""
        return cls(ch_index=payload[0], frequency_hz=frequency_hz(payload[1:4]))

    def __bytes__(self) -> bytes:
        return bytes((self.cid, fits("ChIndex", self.ch_index, 8))) + frequency_octets(
            self.frequency_hz
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DlChannelAns:
    """What the device took; repeated until a class A downlink arrives."""

    cid: ClassVar[int] = 0x0A
    direction: ClassVar[Direction] = Direction.UP
    size: ClassVar[int] = 1
    uplink_frequency_exists: bool
    frequency_ok: bool

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read the status bits."""
        return cls(
            uplink_frequency_exists=bool(payload[0] & 2),
            frequency_ok=bool(payload[0] & 1),
        )

    def __bytes__(self) -> bytes:
        return bytes((self.cid, self.uplink_frequency_exists << 1 | self.frequency_ok))
