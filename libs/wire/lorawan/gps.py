"""GPS time, which DeviceTimeAns and class B count in: it has no leap seconds."""

from bisect import bisect_right
from datetime import UTC, datetime

_EPOCH_S = datetime(1980, 1, 6, tzinfo=UTC).timestamp()

# First days after a leap second since the GPS epoch (IERS Bulletin C).
_AFTER_LEAP = (
    (1981, 7),
    (1982, 7),
    (1983, 7),
    (1985, 7),
    (1988, 1),
    (1990, 1),
    (1991, 1),
    (1992, 7),
    (1993, 7),
    (1994, 7),
    (1996, 1),
    (1997, 7),
    (1999, 1),
    (2006, 1),
    (2009, 1),
    (2012, 7),
    (2015, 7),
    (2017, 1),
)
_LEAPS_UNIX_S = tuple(
    datetime(year, month, 1, tzinfo=UTC).timestamp() for year, month in _AFTER_LEAP
)
# The same instants on the GPS scale: the nth is n seconds further on.
_LEAPS_GPS_S = tuple(
    unix_s - _EPOCH_S + count for count, unix_s in enumerate(_LEAPS_UNIX_S, start=1)
)


def gps_from_unix(unix_s: float) -> float:
    """Seconds since the GPS epoch at a Unix instant."""
    return unix_s - _EPOCH_S + bisect_right(_LEAPS_UNIX_S, unix_s)


def unix_from_gps(gps_s: float) -> float:
    """Unix instant of a GPS time; a leap second itself reads as the next one."""
    return gps_s + _EPOCH_S - bisect_right(_LEAPS_GPS_S, gps_s)
