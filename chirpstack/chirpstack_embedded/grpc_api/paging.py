"""Lists: ``limit`` 0 gives the count only, as in ChirpStack."""

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def page(items: Sequence[Item], limit: int, offset: int) -> Sequence[Item]:
    """Return the wanted part of a list."""
    return items[offset : offset + limit]
