"""Commands about the class a 1.1 device is in."""

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Self

from wire.lorawan.mhdr import Direction


class DeviceMode(IntEnum):
    """Class A or class C; a device cannot be in B and C at once."""

    A = 0
    C = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mode:
    """
    A class, as the octet on the air.

    What is neither A nor C is reserved and kept as it came.
    """

    cid: ClassVar[int] = 0x20
    size: ClassVar[int] = 1
    device_class: int

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read the class."""
        return cls(device_class=payload[0])

    def __bytes__(self) -> bytes:
        return bytes((self.cid, self.device_class))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceModeInd(_Mode):
    """The device wants to change class, until it is confirmed (1.1 §18.1)."""

    direction: ClassVar[Direction] = Direction.UP


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceModeConf(_Mode):
    """The server knows."""

    direction: ClassVar[Direction] = Direction.DOWN
