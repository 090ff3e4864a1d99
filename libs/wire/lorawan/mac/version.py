"""Commands about who speaks which LoRaWAN (1.1): after a reset, after a join."""

from dataclasses import dataclass
from typing import ClassVar, Self

from wire.lorawan.fields import fits
from wire.lorawan.mhdr import Direction

LORAWAN_1_1 = 1
_MINOR = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class _Minor:
    """A minor version, 1 for LoRaWAN 1.1."""

    cid: ClassVar[int]
    size: ClassVar[int] = 1
    minor: int = LORAWAN_1_1

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read the minor version; the high bits are reserved."""
        return cls(minor=payload[0] & _MINOR)

    def __bytes__(self) -> bytes:
        return bytes((self.cid, fits("Minor", self.minor, 4)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetInd(_Minor):
    """An ABP device says that it started anew, until it is confirmed (1.1 §5.1)."""

    cid: ClassVar[int] = 0x01
    direction: ClassVar[Direction] = Direction.UP


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetConf(_Minor):
    """The server took the device's boot parameters for its own."""

    cid: ClassVar[int] = 0x01
    direction: ClassVar[Direction] = Direction.DOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class RekeyInd(_Minor):
    """An OTAA device says that it has new keys, until it is confirmed (1.1 §5.10)."""

    cid: ClassVar[int] = 0x0B
    direction: ClassVar[Direction] = Direction.UP


@dataclass(frozen=True, slots=True, kw_only=True)
class RekeyConf(_Minor):
    """The server uses the new keys."""

    cid: ClassVar[int] = 0x0B
    direction: ClassVar[Direction] = Direction.DOWN
