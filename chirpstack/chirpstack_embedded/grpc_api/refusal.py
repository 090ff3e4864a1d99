"""How the API says no: a status code and ChirpStack's own words (contract §5.3)."""

import grpc


class Refused(Exception):
    """A call that ends with a status other than OK."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def unauthenticated(message: str = "") -> Refused:
    """No or insufficient rights; ChirpStack never says PERMISSION_DENIED."""
    return Refused(grpc.StatusCode.UNAUTHENTICATED, message)


def not_found(identifier: str) -> Refused:
    """Nothing with this id."""
    return Refused(
        grpc.StatusCode.NOT_FOUND, f"Object does not exist (id: {identifier})"
    )


def invalid_argument(message: str) -> Refused:
    """Something is missing or malformed."""
    return Refused(grpc.StatusCode.INVALID_ARGUMENT, message)


def validation(message: str) -> Refused:
    """A field has a value it must not have."""
    return invalid_argument(f"Validation error: {message}")


def internal(message: str) -> Refused:
    """What ChirpStack answers for duplicates and malformed hex, too."""
    return Refused(grpc.StatusCode.INTERNAL, message)
