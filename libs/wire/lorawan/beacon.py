"""The beacon: what time it is, and where the gateway stands (1.0.3 §15)."""

from dataclasses import dataclass
from typing import Self

from wire.errors import Illegal, Malformed
from wire.lorawan.class_b import ClassBPlan
from wire.lorawan.fields import fits

_POLYNOMIAL = 0x1021
_HALF_CIRCLE = 1 << 23
_LATITUDE, _LONGITUDE = 90.0, 180.0
_WORD = 0xFFFF


def crc16(octets: bytes) -> int:
    """CRC-16 CCITT with initial value 0; on the air least significant octet first."""
    crc = 0
    for octet in octets:
        crc ^= octet << 8
        for _ in range(8):
            crc = (crc << 1 ^ (_POLYNOMIAL if crc & 0x8000 else 0)) & _WORD
    return crc


@dataclass(frozen=True, slots=True, kw_only=True)
class Beacon:
    """
    One beacon; degrees, of the gateway's first antenna while ``info_desc`` is 0.

    ``gps_seconds`` counts modulo 2^32. ``is_ours`` tells whether the second half, which
    each gateway fills by itself, arrived whole: where several gateways beacon at once,
    only the first half is the same from all.
    """

    gps_seconds: int
    latitude: float = 0.0
    longitude: float = 0.0
    info_desc: int = 0
    is_ours: bool = True

    def octets(self, plan: ClassBPlan) -> bytes:
        """Return the beacon in a region's layout."""
        return _sealed(
            bytes(plan.rfu1) + (self.gps_seconds % (1 << 32)).to_bytes(4, "little")
        ) + _sealed(
            # The reserved octets stand before the second CRC, behind the coordinates.
            fits("InfoDesc", self.info_desc, 8).to_bytes()
            + _coordinate(self.latitude, _LATITUDE)
            + _coordinate(self.longitude, _LONGITUDE)
            + bytes(plan.rfu2)
        )

    @classmethod
    def parse(cls, octets: bytes, plan: ClassBPlan) -> Self:
        """Read a beacon; Malformed when its size or its first half is wrong."""
        if len(octets) != plan.beacon_size:
            raise Malformed(
                f"a beacon has {plan.beacon_size} octets, not {len(octets)}"
            )
        time_ends = plan.rfu1 + 4
        if _sealed(octets[:time_ends]) != octets[: time_ends + 2]:
            raise Malformed("the CRC of the beacon's time is wrong")
        half = octets[time_ends + 2 :]
        return cls(
            gps_seconds=int.from_bytes(octets[plan.rfu1 : time_ends], "little"),
            info_desc=half[0],
            latitude=_degrees(half[1:4], _LATITUDE),
            longitude=_degrees(half[4:7], _LONGITUDE),
            is_ours=_sealed(half[:-2]) == half,
        )


def _sealed(content: bytes) -> bytes:
    return content + crc16(content).to_bytes(2, "little")


def _coordinate(degrees: float, full: float) -> bytes:
    if abs(degrees) > full:
        raise Illegal(f"a coordinate is within ±{full:g} degrees, not {degrees}")
    steps = min(round(degrees / full * _HALF_CIRCLE), _HALF_CIRCLE - 1)
    return steps.to_bytes(3, "little", signed=True)


def _degrees(octets: bytes, full: float) -> float:
    return int.from_bytes(octets, "little", signed=True) * full / _HALF_CIRCLE
