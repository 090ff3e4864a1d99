"""What every MAC command is."""

from typing import ClassVar, Protocol, Self, runtime_checkable

from wire.lorawan.mhdr import Direction


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


class BareCommand:
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
