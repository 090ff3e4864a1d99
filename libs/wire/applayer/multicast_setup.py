"""Remote multicast setup (TS005-1.0.0): put a device into groups, over the air."""

from dataclasses import dataclass
from typing import ClassVar, Self

from wire.applayer.package import (
    PackageVersionAns,
    PackageVersionReq,
    need,
    table,
)
from wire.errors import Illegal
from wire.lorawan.fields import fits, frequency_hz, frequency_octets
from wire.lorawan.ids import DevAddr
from wire.lorawan.mhdr import Direction

F_PORT = 200
PACKAGE, VERSION = 2, 1
GROUPS = 4
_ID, _FLAG = 0x03, 0x04
_MC_KEY_SIZE = 16
_ITEM_SIZE = 1 + DevAddr.size


@dataclass(frozen=True, slots=True, kw_only=True)
class McGroupStatusReq:
    """Ask in which of these groups (bit i is group i) the device is."""

    cid: ClassVar[int] = 0x01
    direction: ClassVar[Direction] = Direction.DOWN
    group_mask: int

    @classmethod
    def take(cls, payload: bytes) -> tuple[Self, int]:
        """Read CmdMask."""
        return cls(group_mask=need(payload, 1, cls.__name__)[0] & 0x0F), 1

    def __bytes__(self) -> bytes:
        return bytes((self.cid, fits("RegGroupMask", self.group_mask, 4)))


@dataclass(frozen=True, slots=True, kw_only=True)
class McGroupStatusAns:
    """How many groups the device is in, and the McAddr of those asked for."""

    cid: ClassVar[int] = 0x01
    direction: ClassVar[Direction] = Direction.UP
    total: int
    groups: tuple[tuple[int, DevAddr], ...]

    @classmethod
    def take(cls, payload: bytes) -> tuple[Self, int]:
        """Read Status and an item for each bit of its mask."""
        status = need(payload, 1, cls.__name__)[0]
        size = 1 + (status & 0x0F).bit_count() * _ITEM_SIZE
        octets = need(payload, size, cls.__name__)
        items = [octets[at : at + _ITEM_SIZE] for at in range(1, size, _ITEM_SIZE)]
        groups = tuple((item[0], DevAddr.from_le(item[1:])) for item in items)
        return cls(total=status >> 4 & 7, groups=groups), size

    def __bytes__(self) -> bytes:
        mask = 0
        for group_id, _ in self.groups:
            mask |= 1 << fits("McGroupID", group_id, 2)
        status = fits("NbTotalGroups", self.total, 3) << 4 | mask
        items = b"".join(bytes((n,)) + addr.to_le() for n, addr in self.groups)
        return bytes((self.cid, status)) + items


@dataclass(frozen=True, slots=True, kw_only=True)
class McGroupSetupReq:
    """Be in a group: address, wrapped key, and the counters its frames may have."""

    cid: ClassVar[int] = 0x02
    direction: ClassVar[Direction] = Direction.DOWN
    group_id: int
    mc_addr: DevAddr
    mc_key_encrypted: bytes
    min_mc_f_count: int
    max_mc_f_count: int

    def __post_init__(self) -> None:
        if len(self.mc_key_encrypted) != _MC_KEY_SIZE:
            raise Illegal(f"McKey_encrypted has {_MC_KEY_SIZE} octets")

    @classmethod
    def take(cls, payload: bytes) -> tuple[Self, int]:
        """Read all five fields."""
        octets = need(payload, 29, cls.__name__)
        return cls(
            group_id=octets[0] & _ID,
            mc_addr=DevAddr.from_le(octets[1:5]),
            mc_key_encrypted=octets[5:21],
            min_mc_f_count=int.from_bytes(octets[21:25], "little"),
            max_mc_f_count=int.from_bytes(octets[25:29], "little"),
        ), 29

    def __bytes__(self) -> bytes:
        return (
            bytes((self.cid, fits("McGroupID", self.group_id, 2)))
            + self.mc_addr.to_le()
            + self.mc_key_encrypted
            + fits("minMcFCount", self.min_mc_f_count, 32).to_bytes(4, "little")
            + fits("maxMcFCount", self.max_mc_f_count, 32).to_bytes(4, "little")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _GroupAnswer:
    """A group and whether something is wrong with it."""

    cid: ClassVar[int]
    direction: ClassVar[Direction] = Direction.UP
    group_id: int
    error: bool = False

    @classmethod
    def take(cls, payload: bytes) -> tuple[Self, int]:
        """Read the group's number and its error bit."""
        octet = need(payload, 1, cls.__name__)[0]
        return cls(group_id=octet & _ID, error=bool(octet & _FLAG)), 1

    def __bytes__(self) -> bytes:
        return bytes((self.cid, fits("McGroupID", self.group_id, 2) | self.error << 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class McGroupSetupAns(_GroupAnswer):
    """``error``: the device has no group of that number."""

    cid: ClassVar[int] = 0x02


@dataclass(frozen=True, slots=True, kw_only=True)
class McGroupDeleteReq:
    """Leave a group."""

    cid: ClassVar[int] = 0x03
    direction: ClassVar[Direction] = Direction.DOWN
    group_id: int

    @classmethod
    def take(cls, payload: bytes) -> tuple[Self, int]:
        """Read the group's number."""
        return cls(group_id=need(payload, 1, cls.__name__)[0] & _ID), 1

    def __bytes__(self) -> bytes:
        return bytes((self.cid, fits("McGroupID", self.group_id, 2)))


@dataclass(frozen=True, slots=True, kw_only=True)
class McGroupDeleteAns(_GroupAnswer):
    """``error``: the device was not in that group."""

    cid: ClassVar[int] = 0x03


@dataclass(frozen=True, slots=True, kw_only=True)
class _SessionReq:
    """
    Listen for a group from ``session_time`` (GPS seconds modulo 2^32) on.

    The session ends with the time-out, or earlier when the application says so.
    """

    cid: ClassVar[int]
    direction: ClassVar[Direction] = Direction.DOWN
    group_id: int
    session_time: int
    time_out: int
    frequency_hz: int
    data_rate: int

    def _octets(self, limits: int) -> bytes:
        return (
            bytes((self.cid, fits("McGroupID", self.group_id, 2)))
            + fits("SessionTime", self.session_time, 32).to_bytes(4, "little")
            + limits.to_bytes()
            + frequency_octets(self.frequency_hz)
            + fits("DR", self.data_rate, 8).to_bytes()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class McClassCSessionReq(_SessionReq):
    """In class C, for 2^time_out seconds."""

    cid: ClassVar[int] = 0x04

    @property
    def time_out_s(self) -> int:
        """How long the session lasts at most."""
        return 1 << self.time_out

    @classmethod
    def take(cls, payload: bytes) -> tuple[Self, int]:
        """Read all five fields."""
        octets = need(payload, 10, cls.__name__)
        return cls(
            group_id=octets[0] & _ID,
            session_time=int.from_bytes(octets[1:5], "little"),
            time_out=octets[5] & 0x0F,
            frequency_hz=frequency_hz(octets[6:9]),
            data_rate=octets[9],
        ), 10

    def __bytes__(self) -> bytes:
        return self._octets(fits("TimeOut", self.time_out, 4))


@dataclass(frozen=True, slots=True, kw_only=True)
class McClassBSessionReq(_SessionReq):
    """In class B, every 2^periodicity seconds, for 2^time_out beacon periods."""

    cid: ClassVar[int] = 0x05
    periodicity: int

    @property
    def time_out_s(self) -> int:
        """How long the session lasts at most."""
        return 128 << self.time_out

    @classmethod
    def take(cls, payload: bytes) -> tuple[Self, int]:
        """Read all six fields."""
        octets = need(payload, 10, cls.__name__)
        return cls(
            group_id=octets[0] & _ID,
            session_time=int.from_bytes(octets[1:5], "little"),
            time_out=octets[5] & 0x0F,
            periodicity=octets[5] >> 4 & 7,
            frequency_hz=frequency_hz(octets[6:9]),
            data_rate=octets[9],
        ), 10

    def __bytes__(self) -> bytes:
        periodicity = fits("Periodicity", self.periodicity, 3) << 4
        return self._octets(periodicity | fits("TimeOut", self.time_out, 4))


@dataclass(frozen=True, slots=True, kw_only=True)
class _SessionAns:
    """What is wrong, or in how many seconds the session starts."""

    cid: ClassVar[int]
    direction: ClassVar[Direction] = Direction.UP
    group_id: int
    undefined: bool = False
    frequency_error: bool = False
    data_rate_error: bool = False
    time_to_start_s: int | None = None

    @classmethod
    def take(cls, payload: bytes) -> tuple[Self, int]:
        """Read the status, and the time where no error stands in its place."""
        status = need(payload, 1, cls.__name__)[0]
        errors = bool(status & 0x10), bool(status & 0x08), bool(status & 0x04)
        starts, size = None, 1
        if not any(errors):
            octets, size = need(payload, 4, cls.__name__), 4
            starts = int.from_bytes(octets[1:], "little")
        return cls(
            group_id=status & _ID,
            undefined=errors[0],
            frequency_error=errors[1],
            data_rate_error=errors[2],
            time_to_start_s=starts,
        ), size

    def __bytes__(self) -> bytes:
        status = (
            self.undefined << 4
            | self.frequency_error << 3
            | self.data_rate_error << 2
            | fits("McGroupID", self.group_id, 2)
        )
        head = bytes((self.cid, status))
        if self.time_to_start_s is None:
            return head
        return head + fits("TimeToStart", self.time_to_start_s, 24).to_bytes(
            3, "little"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class McClassCSessionAns(_SessionAns):
    """The answer to McClassCSessionReq."""

    cid: ClassVar[int] = 0x04


@dataclass(frozen=True, slots=True, kw_only=True)
class McClassBSessionAns(_SessionAns):
    """The answer to McClassBSessionReq."""

    cid: ClassVar[int] = 0x05


COMMANDS = table(
    PackageVersionReq,
    PackageVersionAns,
    McGroupStatusReq,
    McGroupStatusAns,
    McGroupSetupReq,
    McGroupSetupAns,
    McGroupDeleteReq,
    McGroupDeleteAns,
    McClassCSessionReq,
    McClassCSessionAns,
    McClassBSessionReq,
    McClassBSessionAns,
)
