"""
One frame in the air, its travel between two programs, and what arrives of it.

On the stream a message is ``u32 length | u8 type | body``, big-endian; the length
counts type and body. Type 1 goes from the devices to the ether, 2 back.
"""

from enum import IntEnum
from struct import Struct
from struct import error as StructError  # noqa: N812 -- the module names it so
from typing import Final, NamedTuple

from wire.errors import Illegal, Malformed
from wire.eui64 import EUI64

_LENGTH = Struct(">I")
# type, frequency, SF, bandwidth, coding rate, IQ, EIRP,
# start, airtime, sender, latitude, longitude
_HEAD = Struct(">BIBIBBddd8sdd")
_CODING_RATES = ("4/5", "4/6", "4/7", "4/8")  # on the stream: their index
_MAX_PHY = 255
MAX_MESSAGE = _HEAD.size + _MAX_PHY

FSK: Final = 0
"""``spreading_factor`` of a frame that is sent in FSK."""


class AirFrame(NamedTuple):
    """
    A transmission: what is sent, how, when and from where; to be used by name.

    ``start_s`` is the Unix instant at which the preamble starts. ``power_dbm`` is
    EIRP. Uplinks are not inverted, downlinks are. ``sender`` is a DevEUI going up
    and a gateway id going down.
    """

    phy_payload: bytes
    frequency_hz: int
    spreading_factor: int
    bandwidth_hz: int
    power_dbm: float
    iq_inverted: bool
    start_s: float
    airtime_s: float
    sender: EUI64
    latitude: float
    longitude: float
    coding_rate: str = "4/5"

    @property
    def end_s(self) -> float:
        """Unix instant at which the last symbol ends."""
        return self.start_s + self.airtime_s


class AirMessage(IntEnum):
    """What a message on the stream is."""

    UPLINK = 1
    DOWNLINK = 2


def encode(kind: AirMessage, frame: AirFrame) -> bytes:
    """Return the whole message, length included."""
    if len(frame.phy_payload) > _MAX_PHY:
        raise Illegal(f"a frame has up to 255 octets, not {len(frame.phy_payload)}")
    if frame.coding_rate not in _CODING_RATES:
        raise Illegal(f"a coding rate is 4/5 to 4/8, not {frame.coding_rate!r}")
    try:
        head = _pack(kind, frame)
    except (StructError, OverflowError) as fault:
        raise Illegal(f"a field of the frame does not fit: {fault}") from fault
    return _LENGTH.pack(len(head) + len(frame.phy_payload)) + head + frame.phy_payload


def _pack(kind: AirMessage, frame: AirFrame) -> bytes:
    return _HEAD.pack(
        kind,
        frame.frequency_hz,
        frame.spreading_factor,
        frame.bandwidth_hz,
        _CODING_RATES.index(frame.coding_rate),
        frame.iq_inverted,
        frame.power_dbm,
        frame.start_s,
        frame.airtime_s,
        frame.sender,
        frame.latitude,
        frame.longitude,
    )


def decode(message: bytes) -> tuple[AirMessage, AirFrame]:
    """Read one message without its length."""
    if not _HEAD.size <= len(message) <= MAX_MESSAGE:
        raise Malformed(f"an air message of {len(message)} octets cannot be")
    (
        kind,
        frequency_hz,
        spreading_factor,
        bandwidth_hz,
        coding,
        iq_inverted,
        power_dbm,
        start_s,
        airtime_s,
        sender,
        latitude,
        longitude,
    ) = _HEAD.unpack_from(message)
    if kind not in tuple(AirMessage) or coding >= len(_CODING_RATES):
        raise Malformed(f"an air message has no type {kind} with coding rate {coding}")
    return AirMessage(kind), AirFrame(
        phy_payload=bytes(message[_HEAD.size :]),
        frequency_hz=frequency_hz,
        spreading_factor=spreading_factor,
        bandwidth_hz=bandwidth_hz,
        coding_rate=_CODING_RATES[coding],
        iq_inverted=bool(iq_inverted),
        power_dbm=power_dbm,
        start_s=start_s,
        airtime_s=airtime_s,
        sender=EUI64(sender),
        latitude=latitude,
        longitude=longitude,
    )


class AirStream:
    """Cuts a stream of octets into messages; one per connection."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[AirMessage, AirFrame]]:
        """Take what arrived; return the messages now whole. Malformed: hang up."""
        self._buffer += data
        messages = []
        while (message := self._next()) is not None:
            messages.append(decode(message))
        return messages

    def _next(self) -> bytes | None:
        if len(self._buffer) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer)
        if not _HEAD.size <= length <= MAX_MESSAGE:
            raise Malformed(f"an air message of {length} octets cannot be")
        end = _LENGTH.size + length
        if len(self._buffer) < end:
            return None
        message = bytes(self._buffer[_LENGTH.size : end])
        del self._buffer[:end]
        return message
