"""Identifiers as fixed-length octet strings in display order."""

from typing import ClassVar, Self

from wire.errors import Illegal, Malformed

_SEPARATORS = str.maketrans("", "", "-:")


class Octets(bytes):
    """
    An immutable identifier of ``size`` octets, most significant first.

    Equal to, and hashed as, the bytes it holds; prints as lower-case hexadecimal.
    Over the air the order is reversed: ``from_le`` and ``to_le`` say so.
    """

    __slots__ = ()
    size: ClassVar[int]

    def __new__(cls, octets: bytes) -> Self:
        """Take exactly ``size`` octets in display order, or raise Illegal."""
        if len(octets) != cls.size:
            raise Illegal(f"{cls.__name__} has {cls.size} octets, not {len(octets)}")
        return super().__new__(cls, octets)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read hexadecimal of either case; dashes and colons may separate octets."""
        digits = text.strip().translate(_SEPARATORS)
        try:
            octets = bytes.fromhex(digits)
        except ValueError:
            octets = b""
        if len(octets) != cls.size or len(digits) != 2 * cls.size:
            raise Malformed(
                f"{cls.__name__} is {2 * cls.size} hexadecimal digits,"
                f" not {cls._quoted(text)}"
            )
        return cls(octets)

    @classmethod
    def _quoted(cls, text: str) -> str:
        return repr(text)

    @classmethod
    def from_le(cls, octets: bytes) -> Self:
        """Read the order of the air, least significant octet first."""
        if len(octets) != cls.size:
            raise Malformed(f"{cls.__name__} has {cls.size} octets, not {len(octets)}")
        return bytes.__new__(cls, octets[::-1])

    def to_le(self) -> bytes:
        """Return the order of the air, least significant octet first."""
        return self[::-1]

    def __str__(self) -> str:
        return self.hex()

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.hex()})"
