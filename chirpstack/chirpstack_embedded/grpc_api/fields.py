"""Reading ids, keys and instants out of requests, as strictly as ChirpStack does."""

from google.protobuf.timestamp_pb2 import Timestamp

from chirpstack_embedded.grpc_api.refusal import internal, invalid_argument
from chirpstack_embedded.uuid_text import read_uuid, why_no_uuid

_NANO = 1_000_000_000


def parse_uuid(text: str) -> str:
    """Return a dashed lower-case UUID; malformed is INVALID_ARGUMENT."""
    found = read_uuid(text)
    if found is None:
        raise invalid_argument(why_no_uuid(text))
    return found


def parse_eui(text: str) -> str:
    """Return 16 hex digits; empty is zeros, malformed is INTERNAL."""
    return _hex(text, 8)


def parse_dev_addr(text: str) -> str:
    """Return 8 hex digits; empty is zeros, malformed is INTERNAL."""
    return _hex(text, 4)


def parse_key(text: str) -> bytes:
    """Return 16 bytes; empty is zeros, malformed is INTERNAL."""
    return bytes.fromhex(_hex(text, 16))


def timestamp(instant: float | None) -> Timestamp | None:
    """Return a protobuf timestamp of Unix seconds."""
    if instant is None:
        return None
    seconds, nanos = divmod(round(instant * 1_000_000) * 1000, _NANO)
    return Timestamp(seconds=seconds, nanos=nanos)


def unix_seconds(stamp: Timestamp) -> float:
    """Return Unix seconds of a protobuf timestamp."""
    return float(stamp.seconds + stamp.nanos / _NANO)


def _hex(text: str, size: int) -> str:
    # The three messages are those of the hex library ChirpStack uses.
    if not text:
        return "00" * size
    if len(text) % 2:
        raise internal("Odd number of digits")
    if len(text) != 2 * size:
        raise internal("Invalid string length")
    for index, character in enumerate(text):
        if character not in "0123456789abcdefABCDEF":
            raise internal(f"Invalid character '{character}' at position {index}")
    return text.lower()
