"""What the packages' messages have in common: one octet says which, no lengths."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

from wire.errors import Malformed
from wire.lorawan.mhdr import Direction


class PackageCommand(Protocol):
    """A command of one direction; ``bytes()`` gives its CID and payload."""

    cid: ClassVar[int]
    direction: ClassVar[Direction]

    @classmethod
    def take(cls, payload: bytes) -> tuple[Self, int]:
        """Read from the octets after the CID; return how many were used."""
        ...

    def __bytes__(self) -> bytes: ...


Table = Mapping[tuple[int, Direction], type[PackageCommand]]


def table(*commands: type[PackageCommand]) -> Table:
    """Return the commands by CID and direction."""
    return {(command.cid, command.direction): command for command in commands}


def parse_commands(
    known: Table, octets: bytes, direction: Direction
) -> Iterator[PackageCommand]:
    """
    Read a message's commands one after another.

    Malformed at an unknown or cut-off one: nothing behind it can be read, as commands
    carry no length; those before it have been yielded.
    """
    at = 0
    while at < len(octets):
        kind = known.get((octets[at], direction))
        if kind is None:
            raise Malformed(f"the package has no command {octets[at]:02x}")
        command, used = kind.take(octets[at + 1 :])
        yield command
        at += 1 + used


def need(payload: bytes, size: int, name: str) -> bytes:
    """Return the first ``size`` octets, or raise Malformed."""
    if len(payload) < size:
        raise Malformed(f"{name} has {size} octets, {len(payload)} came")
    return payload[:size]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageVersionReq:
    """Ask which version of the package the device speaks."""

    cid: ClassVar[int] = 0x00
    direction: ClassVar[Direction] = Direction.DOWN

    @classmethod
    def take(cls, payload: bytes) -> tuple[Self, int]:
        """Read nothing."""
        del payload
        return cls(), 0

    def __bytes__(self) -> bytes:
        return self.cid.to_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageVersionAns:
    """The package and its version."""

    cid: ClassVar[int] = 0x00
    direction: ClassVar[Direction] = Direction.UP
    package: int
    version: int

    @classmethod
    def take(cls, payload: bytes) -> tuple[Self, int]:
        """Read both octets."""
        package, version = need(payload, 2, cls.__name__)
        return cls(package=package, version=version), 2

    def __bytes__(self) -> bytes:
        return bytes((self.cid, self.package, self.version))
