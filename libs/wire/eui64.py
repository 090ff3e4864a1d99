"""The 64-bit identifier of a device, a join server or a gateway."""

from typing import ClassVar, final

from wire.octets import Octets


@final
class EUI64(Octets):
    """An EUI-64 in display order: DevEUI, JoinEUI or gateway id."""

    __slots__ = ()
    size: ClassVar[int] = 8
