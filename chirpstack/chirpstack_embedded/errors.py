"""
What stops the embedded server, and whose mistake it was.

ChirpStackError
├── BadConfiguration   the TOML files or the environment; lists every fault found
└── NotStored          the database refused a change; says so as ChirpStack does
"""

from collections.abc import Sequence


class ChirpStackError(Exception):
    """Base of everything this package raises on purpose."""


class BadConfiguration(ChirpStackError):
    """The configuration cannot be used; ``faults`` lists all that was found."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


class NotStored(ChirpStackError):
    """The database refused a change (uniqueness, foreign key, validation)."""
