"""
What ChirpStack's status codes mean, in sentences.

It reports most of what is wrong as INTERNAL (a duplicate too), and a missing right as
UNAUTHENTICATED.
"""

from typing import Final

import grpc

from city.errors import (
    AlreadyThere,
    Busy,
    Invalid,
    NetworkError,
    NotAllowed,
    NotThere,
    Unreachable,
    Unsupported,
)

DUPLICATES: Final = ("unique constraint", "duplicate key")
MISSING: Final = ("record not found", "object does not exist")
BUSY: Final = ("database is locked",)


def explain(error: grpc.RpcError, asked: str) -> NetworkError:
    """Return what a failed call means, as the exception to raise."""
    code = error.code()
    text = (error.details() or "").strip()
    said = f"{asked}: {text}" if text else asked
    low = text.lower()
    if code == grpc.StatusCode.ALREADY_EXISTS or any(d in low for d in DUPLICATES):
        return AlreadyThere(f"{asked}: it exists already")
    if any(b in low for b in BUSY):
        return Busy(f"{asked}: ChirpStack's database is locked by another writer")
    if code == grpc.StatusCode.NOT_FOUND or any(m in low for m in MISSING):
        return NotThere(f"{asked}: there is no such object ({text})")
    if code in {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}:
        return NotAllowed(
            f"{said}: the token is wrong, has not the right, or the id is unknown to it"
        )
    if code == grpc.StatusCode.INVALID_ARGUMENT:
        return Invalid(said)
    if code == grpc.StatusCode.UNIMPLEMENTED:
        return Unsupported(f"{asked}: this server does not offer it ({text})")
    if code in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}:
        return Unreachable(f"{asked}: ChirpStack's API does not answer")
    return NetworkError(f"{said} ({code.name})")
