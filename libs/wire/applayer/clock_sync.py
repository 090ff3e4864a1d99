"""Clock synchronisation by the application (TS003-1.0.0)."""

from dataclasses import dataclass
from typing import ClassVar, Self

from wire.applayer.package import (
    PackageVersionAns,
    PackageVersionReq,
    need,
    table,
)
from wire.lorawan.fields import fits
from wire.lorawan.mhdr import Direction

F_PORT = 202
PACKAGE, VERSION = 1, 1
_TOKEN, _ANS_REQUIRED = 0x0F, 0x10


@dataclass(frozen=True, slots=True, kw_only=True)
class AppTimeReq:
    """The device tells its GPS time (modulo 2^32) and asks how wrong it is."""

    cid: ClassVar[int] = 0x01
    direction: ClassVar[Direction] = Direction.UP
    device_time: int
    token: int
    ans_required: bool = False

    @classmethod
    def take(cls, payload: bytes) -> tuple[Self, int]:
        """Read time and Param."""
        octets = need(payload, 5, cls.__name__)
        return cls(
            device_time=int.from_bytes(octets[:4], "little"),
            token=octets[4] & _TOKEN,
            ans_required=bool(octets[4] & _ANS_REQUIRED),
        ), 5

    def __bytes__(self) -> bytes:
        param = fits("TokenReq", self.token, 4) | self.ans_required << 4
        time = fits("DeviceTime", self.device_time, 32).to_bytes(4, "little")
        return self.cid.to_bytes() + time + param.to_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class AppTimeAns:
    """Seconds to add to the device's clock; the token is that of its question."""

    cid: ClassVar[int] = 0x01
    direction: ClassVar[Direction] = Direction.DOWN
    correction_s: int
    token: int

    @classmethod
    def take(cls, payload: bytes) -> tuple[Self, int]:
        """Read TimeCorrection and Param."""
        octets = need(payload, 5, cls.__name__)
        correction_s = int.from_bytes(octets[:4], "little", signed=True)
        return cls(correction_s=correction_s, token=octets[4] & _TOKEN), 5

    def __bytes__(self) -> bytes:
        # Modulo 2^32, as the time itself; read back as the nearest correction.
        seconds = (self.correction_s % (1 << 32)).to_bytes(4, "little")
        return self.cid.to_bytes() + seconds + bytes((fits("Token", self.token, 4),))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAppTimePeriodicityReq:
    """Ask for the time every 128 · 2^period seconds, give or take 30."""

    cid: ClassVar[int] = 0x02
    direction: ClassVar[Direction] = Direction.DOWN
    period: int

    @classmethod
    def take(cls, payload: bytes) -> tuple[Self, int]:
        """Read the period."""
        return cls(period=need(payload, 1, cls.__name__)[0] & 0x0F), 1

    def __bytes__(self) -> bytes:
        return bytes((self.cid, fits("Period", self.period, 4)))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAppTimePeriodicityAns:
    """Whether the device will, and what its clock says."""

    cid: ClassVar[int] = 0x02
    direction: ClassVar[Direction] = Direction.UP
    not_supported: bool
    device_time: int

    @classmethod
    def take(cls, payload: bytes) -> tuple[Self, int]:
        """Read Status and Time."""
        octets = need(payload, 5, cls.__name__)
        return cls(
            not_supported=bool(octets[0] & 1),
            device_time=int.from_bytes(octets[1:], "little"),
        ), 5

    def __bytes__(self) -> bytes:
        time = fits("Time", self.device_time, 32).to_bytes(4, "little")
        return bytes((self.cid, self.not_supported)) + time


@dataclass(frozen=True, slots=True, kw_only=True)
class ForceDeviceResyncReq:
    """Ask for the time now, in so many frames; answered by AppTimeReq alone."""

    cid: ClassVar[int] = 0x03
    direction: ClassVar[Direction] = Direction.DOWN
    transmissions: int

    @classmethod
    def take(cls, payload: bytes) -> tuple[Self, int]:
        """Read NbTransmissions."""
        return cls(transmissions=need(payload, 1, cls.__name__)[0] & 7), 1

    def __bytes__(self) -> bytes:
        return bytes((self.cid, fits("NbTransmissions", self.transmissions, 3)))


COMMANDS = table(
    PackageVersionReq,
    PackageVersionAns,
    AppTimeReq,
    AppTimeAns,
    DeviceAppTimePeriodicityReq,
    DeviceAppTimePeriodicityAns,
    ForceDeviceResyncReq,
)
