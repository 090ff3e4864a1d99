"""
What the command can refuse, and whose mistake it was.

GaronneError
├── Refused         it cannot be done now: a sentence for the person who asked
└── WrongSettings   the environment says something impossible: every fault, at once
"""

__all__ = ["GaronneError", "Refused", "WrongSettings"]


class GaronneError(Exception):
    """Anything the command says instead of a traceback."""

    exit_code = 1


class Refused(GaronneError):
    """It cannot be done now; the message is one sentence."""


class WrongSettings(GaronneError):
    """The settings contradict themselves or the machine; all faults are listed."""

    exit_code = 2

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults
