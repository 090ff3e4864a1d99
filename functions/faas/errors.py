"""
Everything the runtime can refuse, and whose mistake it was.

FaasError
├── GiveUp       a handler says: this event will never work, do not try again
├── Miswired     the handlers cannot run as they are written; all faults listed
└── NotAnEvent   bytes that claim to be an event and are not
"""

from collections.abc import Iterable


class FaasError(Exception):
    """Base of everything this package raises on purpose."""


class GiveUp(FaasError):
    """Raised by a handler: this event will never work, make it a dead letter now."""


class Miswired(FaasError):
    """
    The handlers cannot run as they are written.

    `faults` holds one sentence per fault, each naming its file.
    """

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class NotAnEvent(FaasError):
    """The bytes that came claim to be an event and are not; says what was found."""
