"""Python's collector of cycles, told that documents by the thousand are not cycles."""

import gc
from typing import Final

AFTER: Final = 50_000
"""Objects made and not yet gone before the young ones are looked at (Python's: 700)."""

__all__ = ["collect_seldom"]


def collect_seldom() -> None:
    """
    Look for cycles seldom, and never among what the program is made of.

    Every event is some hundred objects that reference counts free; looking for cycles
    among them costs as much as reading them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(AFTER)
