"""Commands of class B: how often a device listens, and where."""

from dataclasses import dataclass
from typing import ClassVar, Self

from wire.lorawan.fields import fits, frequency_hz, frequency_octets
from wire.lorawan.mac.command import BareCommand
from wire.lorawan.mhdr import Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class PingSlotInfoReq:
    """The device will listen every 2^periodicity seconds."""

    cid: ClassVar[int] = 0x10
    direction: ClassVar[Direction] = Direction.UP
    size: ClassVar[int] = 1
    periodicity: int

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read the periodicity."""
        return cls(periodicity=payload[0] & 7)

    def __bytes__(self) -> bytes:
        return bytes((self.cid, fits("Periodicity", self.periodicity, 3)))


@dataclass(frozen=True, slots=True, kw_only=True)
class PingSlotInfoAns(BareCommand):
    """The network knows when the device listens."""

    cid: ClassVar[int] = 0x10
    direction: ClassVar[Direction] = Direction.DOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class PingSlotChannelReq:
    """Where to listen in ping slots; frequency 0 is the region's own."""

    cid: ClassVar[int] = 0x11
    direction: ClassVar[Direction] = Direction.DOWN
    size: ClassVar[int] = 4
    frequency_hz: int
    data_rate: int

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read Frequency and DR."""
        return cls(frequency_hz=frequency_hz(payload[:3]), data_rate=payload[3] & 15)

    def __bytes__(self) -> bytes:
        rate = fits("DR", self.data_rate, 4).to_bytes()
        return self.cid.to_bytes() + frequency_octets(self.frequency_hz) + rate


@dataclass(frozen=True, slots=True, kw_only=True)
class PingSlotChannelAns:
    """What the device took; both or it changed nothing."""

    cid: ClassVar[int] = 0x11
    direction: ClassVar[Direction] = Direction.UP
    size: ClassVar[int] = 1
    data_rate_ok: bool
    frequency_ok: bool

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read the status bits."""
        return cls(data_rate_ok=bool(payload[0] & 2), frequency_ok=bool(payload[0] & 1))

    def __bytes__(self) -> bytes:
        return bytes((self.cid, self.data_rate_ok << 1 | self.frequency_ok))


@dataclass(frozen=True, slots=True, kw_only=True)
class BeaconFreqReq:
    """Where to look for beacons; frequency 0 is the region's own."""

    cid: ClassVar[int] = 0x13
    direction: ClassVar[Direction] = Direction.DOWN
    size: ClassVar[int] = 3
    frequency_hz: int

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read Frequency."""
        return cls(frequency_hz=frequency_hz(payload))

    def __bytes__(self) -> bytes:
        return self.cid.to_bytes() + frequency_octets(self.frequency_hz)


@dataclass(frozen=True, slots=True, kw_only=True)
class BeaconFreqAns:
    """Whether the device can listen there."""

    cid: ClassVar[int] = 0x13
    direction: ClassVar[Direction] = Direction.UP
    size: ClassVar[int] = 1
    frequency_ok: bool

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read the status bit."""
        return cls(frequency_ok=bool(payload[0] & 1))

    def __bytes__(self) -> bytes:
        return bytes((self.cid, self.frequency_ok))
