"""MAC commands of LoRaWAN 1.0.x: one table, one class per command and direction."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self, runtime_checkable

from wire.errors import Illegal, Malformed
from wire.lorawan.fields import fits, frequency_hz, frequency_octets
from wire.lorawan.join import DLSettings
from wire.lorawan.mhdr import Direction

UP, DOWN = Direction.UP, Direction.DOWN

MAX_EIRP_DBM = (8, 10, 12, 13, 14, 16, 18, 20, 21, 24, 26, 27, 29, 30, 33, 36)
BATTERY_EXTERNAL = 0
BATTERY_UNKNOWN = 255
_SIGN = 32  # of the six-bit margin


@runtime_checkable
class MacCommand(Protocol):
    """A command of one direction; ``bytes()`` gives CID and payload."""

    cid: ClassVar[int]
    direction: ClassVar[Direction]
    size: ClassVar[int]

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read the ``size`` octets after the CID."""
        ...

    def __bytes__(self) -> bytes: ...


class _Empty:
    """A command that is only its CID."""

    __slots__ = ()
    cid: ClassVar[int]
    size: ClassVar[int] = 0

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read nothing."""
        del payload
        return cls()

    def __bytes__(self) -> bytes:
        return self.cid.to_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCheckReq(_Empty):
    """The device asks how well it is heard."""

    cid: ClassVar[int] = 0x02
    direction: ClassVar[Direction] = UP


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCheckAns:
    """Margin above the demodulation floor and how many gateways heard it."""

    cid: ClassVar[int] = 0x02
    direction: ClassVar[Direction] = DOWN
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
    direction: ClassVar[Direction] = DOWN
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
    direction: ClassVar[Direction] = UP
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
    direction: ClassVar[Direction] = DOWN
    size: ClassVar[int] = 1
    max_duty_cycle: int

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read MaxDCycle."""
        return cls(max_duty_cycle=payload[0] & 15)

    def __bytes__(self) -> bytes:
        return bytes((self.cid, fits("MaxDCycle", self.max_duty_cycle, 4)))


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyCycleAns(_Empty):
    """The device took the limit."""

    cid: ClassVar[int] = 0x04
    direction: ClassVar[Direction] = UP


@dataclass(frozen=True, slots=True, kw_only=True)
class RXParamSetupReq:
    """RX1 offset, RX2 data rate and RX2 frequency."""

    cid: ClassVar[int] = 0x05
    direction: ClassVar[Direction] = DOWN
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
    direction: ClassVar[Direction] = UP
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
class DevStatusReq(_Empty):
    """The server asks for battery and margin."""

    cid: ClassVar[int] = 0x06
    direction: ClassVar[Direction] = DOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class DevStatusAns:
    """
    Battery and the margin of the last DevStatusReq.

    ``battery``: 0 external power, 1 … 254 empty to full, 255 unknown.
    ``margin_db``: -32 … 31, six bits of two's complement.
    """

    cid: ClassVar[int] = 0x06
    direction: ClassVar[Direction] = UP
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


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChannelReq:
    """Make, change or (frequency 0) remove a channel beyond the default ones."""

    cid: ClassVar[int] = 0x07
    direction: ClassVar[Direction] = DOWN
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
    direction: ClassVar[Direction] = UP
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
    direction: ClassVar[Direction] = DOWN
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
class RXTimingSetupAns(_Empty):
    """The device took the delay; repeated until a class A downlink arrives."""

    cid: ClassVar[int] = 0x08
    direction: ClassVar[Direction] = UP


@dataclass(frozen=True, slots=True, kw_only=True)
class TXParamSetupReq:
    """Dwell times and maximum EIRP, where a region has them."""

    cid: ClassVar[int] = 0x09
    direction: ClassVar[Direction] = DOWN
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
class TXParamSetupAns(_Empty):
    """The device took the parameters."""

    cid: ClassVar[int] = 0x09
    direction: ClassVar[Direction] = UP


@dataclass(frozen=True, slots=True, kw_only=True)
class DlChannelReq:
    """Another downlink frequency for RX1 of one channel."""

    cid: ClassVar[int] = 0x0A
    direction: ClassVar[Direction] = DOWN
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
    direction: ClassVar[Direction] = UP
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTimeReq(_Empty):
    """The device asks for the time (1.0.3)."""

    cid: ClassVar[int] = 0x0D
    direction: ClassVar[Direction] = UP


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTimeAns:
    """GPS time at the end of the uplink that asked: seconds and 1/256 s."""

    cid: ClassVar[int] = 0x0D
    direction: ClassVar[Direction] = DOWN
    size: ClassVar[int] = 5
    gps_seconds: int
    fraction_256: int = 0

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read seconds and fraction."""
        return cls(
            gps_seconds=int.from_bytes(payload[:4], "little"), fraction_256=payload[4]
        )

    def __bytes__(self) -> bytes:
        seconds = fits("seconds", self.gps_seconds, 32).to_bytes(4, "little")
        fraction = fits("fraction", self.fraction_256, 8).to_bytes()
        return self.cid.to_bytes() + seconds + fraction


COMMANDS: dict[tuple[int, Direction], type[MacCommand]] = {
    (command.cid, command.direction): command
    for command in (
        LinkCheckReq,
        LinkCheckAns,
        LinkADRReq,
        LinkADRAns,
        DutyCycleReq,
        DutyCycleAns,
        RXParamSetupReq,
        RXParamSetupAns,
        DevStatusReq,
        DevStatusAns,
        NewChannelReq,
        NewChannelAns,
        RXTimingSetupReq,
        RXTimingSetupAns,
        TXParamSetupReq,
        TXParamSetupAns,
        DlChannelReq,
        DlChannelAns,
        DeviceTimeReq,
        DeviceTimeAns,
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MacBlock:
    """
    The commands of an FOpts field or an FPort 0 payload.

    ``rest`` holds what was not read and ``why_not`` says in a sentence why: an
    unknown CID has no length, so nothing behind it can be read (1.0.3 §5).
    """

    commands: tuple[MacCommand, ...]
    rest: bytes = b""
    why_not: str = ""


def parse_block(octets: bytes, direction: Direction) -> MacBlock:
    """Read commands until the end, an unknown CID or a cut-off command."""
    commands: list[MacCommand] = []
    at = 0
    while at < len(octets):
        kind = COMMANDS.get((octets[at], direction))
        if kind is None:
            why = f"CID {octets[at]:02x} is not known {direction.name.lower()}"
            return MacBlock(commands=tuple(commands), rest=octets[at:], why_not=why)
        end = at + 1 + kind.size
        if end > len(octets):
            why = f"{kind.__name__} has {kind.size} octets, {len(octets) - at - 1} came"
            return MacBlock(commands=tuple(commands), rest=octets[at:], why_not=why)
        commands.append(kind.parse(octets[at + 1 : end]))
        at = end
    return MacBlock(commands=tuple(commands))


def build_block(commands: Iterable[MacCommand]) -> bytes:
    """Return the octets of the commands in order."""
    return b"".join(map(bytes, commands))


def parse_command(octets: bytes, direction: Direction) -> MacCommand:
    """Read exactly one command, or raise Malformed."""
    block = parse_block(octets, direction)
    if block.rest or len(block.commands) != 1:
        raise Malformed(block.why_not or f"one command, not {len(block.commands)}")
    return block.commands[0]
