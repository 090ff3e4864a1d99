"""GPS time in milliseconds, as class B and groups are scheduled in."""

from wire.lorawan.gps import gps_from_unix, unix_from_gps

_MS = 1000


def gps_ms(instant: float) -> int:
    """GPS milliseconds of a Unix instant."""
    return round(gps_from_unix(instant) * _MS)


def unix_s(ms: int) -> float:
    """Unix instant of GPS milliseconds."""
    return unix_from_gps(ms / _MS)
