"""Commands about the time."""

from dataclasses import dataclass
from typing import ClassVar, Self

from wire.lorawan.fields import fits
from wire.lorawan.mac.command import BareCommand
from wire.lorawan.mhdr import Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTimeReq(BareCommand):
    """The device asks for the time (1.0.3)."""

    cid: ClassVar[int] = 0x0D
    direction: ClassVar[Direction] = Direction.UP


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTimeAns:
    """GPS time at the end of the uplink that asked: seconds and 1/256 s."""

    cid: ClassVar[int] = 0x0D
    direction: ClassVar[Direction] = Direction.DOWN
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
