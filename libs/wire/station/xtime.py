"""
``xtime``: a concentrator's count of microseconds, told apart from all others.

Bits 62 to 56 name the radio, 55 to 48 are drawn when it starts (never 0, so that no
xtime is 0), 47 to 0 count microseconds and do not wrap within eight years.
"""

from dataclasses import dataclass
from typing import Final, Self

from wire.errors import Illegal

_COUNT_BITS: Final = 48
_SESSION_BITS: Final = 8
_RADIO_BITS: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class XTime:
    """An xtime in its parts."""

    count_us: int
    session: int
    radio: int = 0

    @classmethod
    def of(cls, x_time: int) -> Self:
        """Take an integer apart."""
        return cls(
            count_us=x_time & (1 << _COUNT_BITS) - 1,
            session=x_time >> _COUNT_BITS & (1 << _SESSION_BITS) - 1,
            radio=x_time >> _COUNT_BITS + _SESSION_BITS & (1 << _RADIO_BITS) - 1,
        )

    def __int__(self) -> int:
        """Return the integer; Illegal when a part does not fit."""
        if not (
            0 <= self.count_us < 1 << _COUNT_BITS
            and 0 < self.session < 1 << _SESSION_BITS
            and 0 <= self.radio < 1 << _RADIO_BITS
        ):
            raise Illegal(f"there is no xtime with {self}")
        high = self.radio << _SESSION_BITS | self.session
        return high << _COUNT_BITS | self.count_us
