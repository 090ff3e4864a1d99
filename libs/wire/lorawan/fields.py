"""Fields narrower or odder than an octet, shared by frames and MAC commands."""

from wire.errors import Illegal

FREQUENCY_STEP_HZ = 100


def fits(name: str, value: int, bits: int) -> int:
    """Return the value when it fits so many bits, or raise Illegal."""
    if not 0 <= value < 1 << bits:
        raise Illegal(f"{name} has {bits} bits, {value} does not fit")
    return value


def frequency_octets(frequency_hz: int) -> bytes:
    """Return a frequency as 24 bits of 100 Hz, or raise Illegal."""
    steps, rest = divmod(frequency_hz, FREQUENCY_STEP_HZ)
    if rest or not 0 <= steps < 1 << 24:
        raise Illegal(f"{frequency_hz} Hz is not a 24-bit number of 100 Hz")
    return steps.to_bytes(3, "little")


def frequency_hz(octets: bytes) -> int:
    """Read a frequency from 24 bits of 100 Hz."""
    return int.from_bytes(octets, "little") * FREQUENCY_STEP_HZ
