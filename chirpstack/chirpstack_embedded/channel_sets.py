"""
Channels of sessions: thousands of devices have the same, and hold them together.

What comes from here is replaced, never changed in place.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from chirpstack_embedded.model import Channel


def indices_together(indices: Iterable[int]) -> list[int]:
    """Return the one list of these channel indices."""
    return _indices(tuple(indices))


def channels_together(channels: Mapping[int, Channel]) -> dict[int, Channel]:
    """Return the one dict of these channels by index."""
    return _channels(tuple(channels.items()))


@lru_cache(maxsize=1024)
def _indices(indices: tuple[int, ...]) -> list[int]:
    return list(indices)


@lru_cache(maxsize=1024)
def _channels(items: tuple[tuple[int, Channel], ...]) -> dict[int, Channel]:
    return dict(items)
