"""
Everything this library can refuse, and whose mistake it was.

WireError
├── Malformed   they sent it: octets, topics or documents that mean nothing
└── Illegal     we tried to build it: the specification has no such thing
"""


class WireError(Exception):
    """Something cannot be read or cannot be written."""


class Malformed(WireError):
    """What was received does not follow its specification."""


class Illegal(WireError):
    """What was asked for cannot be said in this protocol."""
