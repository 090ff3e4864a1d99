"""Instants as ChirpStack writes them, and places in the life of a device."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

RESET_AFTER_NS: Final = 60 * 10**9
"""
A lower counter of the same address is news when the server heard it this much later.

ChirpStack publishes without order, but seconds apart, never minutes; a counter
that falls after a minute is a device that was reset.
"""

_WHOLE: Final = 19
"""Characters of an instant's whole seconds."""
_OFFSET: Final = 6
_SECONDS: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:[Zz]|[+-]\d\d:\d\d)\Z", re.ASCII
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

__all__ = ["RESET_AFTER_NS", "instant_of", "is_newer", "mark_of", "ns_of"]


def ns_of(text: str) -> int:
    """Unix nanoseconds of an RFC 3339 instant (`Z` or offset, 0 to 9 digits)."""
    end = len(text) - (1 if text[-1:] in {"Z", "z"} else _OFFSET)
    digits = text[_WHOLE + 1 : end]
    seconds = _seconds(text[:_WHOLE] + text[max(end, _WHOLE) :])
    if end == _WHOLE:
        return seconds * 10**9
    if text[_WHOLE] != "." or not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"{text!r} is no instant of RFC 3339")
    return seconds * 10**9 + int(digits[:9].ljust(9, "0"))


@lru_cache(maxsize=1024)  # at any rate, many events share a second
def _seconds(text: str) -> int:
    if not _SECONDS.match(text):
        raise ValueError(f"{text!r} is no instant of RFC 3339")
    since = datetime.fromisoformat(text) - _EPOCH
    if since.days < 0:
        raise ValueError(f"{text!r} is before 1970")
    return since.days * 86_400 + since.seconds


def instant_of(ns: int) -> datetime:
    """Return Unix nanoseconds as an instant, in UTC."""
    return datetime.fromtimestamp(ns / 1e9, UTC)


def mark_of(dev_addr: str, f_cnt: int, heard_ns: int) -> str:
    """Write down a place in a device's life: session, counter, server's clock."""
    return f"{dev_addr}:{f_cnt}:{heard_ns:019d}"


def is_newer(mark: str, than: str | None) -> bool:
    """
    Tell whether one mark is later than another; anything is later than none.

    Within a session (one DevAddr) the frame counter decides, between sessions
    the server's clock. Gateways' clocks are never compared.
    """
    if not than:
        return True
    dev_addr, f_cnt, heard_ns = mark.split(":")
    old_addr, old_f_cnt, old_heard_ns = than.split(":")
    if dev_addr != old_addr:
        return heard_ns > old_heard_ns
    later_ns = int(heard_ns) - int(old_heard_ns)
    return int(f_cnt) > int(old_f_cnt) or later_ns > RESET_AFTER_NS
