"""GPS time in milliseconds, as class B and groups are scheduled in."""

from typing import Any

from wire.lorawan.gps import gps_from_unix, unix_from_gps

_MS = 1000


def gps_ms(instant: float) -> int:
    """GPS milliseconds of a Unix instant."""
    return round(gps_from_unix(instant) * _MS)


def unix_s(ms: int) -> float:
    """Unix instant of GPS milliseconds."""
    return unix_from_gps(ms / _MS)


def set_gps_epoch(timing: Any, ms: int) -> None:
    """Have a ``gw.Timing`` say an instant of GPS time."""
    seconds, rest_ms = divmod(ms, _MS)
    since = timing.gps_epoch.time_since_gps_epoch
    since.seconds, since.nanos = seconds, rest_ms * 1_000_000


def gps_epoch_s(timing: Any) -> float | None:
    """Return the Unix instant that a ``gw.Timing`` names, if it is one of GPS time."""
    if not timing.HasField("gps_epoch"):
        return None
    since = timing.gps_epoch.time_since_gps_epoch
    return unix_from_gps(since.seconds + since.nanos / 1e9)
