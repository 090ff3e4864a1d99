"""Identifiers a network gives: device addresses and network ids."""

from typing import ClassVar, final

from wire.octets import Octets


@final
class NetID(Octets):
    """A network's 24-bit identifier, display order; 000000 and 000001 are free."""

    __slots__ = ()
    size: ClassVar[int] = 3


@final
class DevAddr(Octets):
    """A device's 32-bit address inside one session, display order."""

    __slots__ = ()
    size: ClassVar[int] = 4
