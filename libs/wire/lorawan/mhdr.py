"""The first octet of every frame: what it is and which way it goes."""

from enum import IntEnum

from wire.errors import Malformed


class Direction(IntEnum):
    """Which way a frame goes; the value is the octet in B0 and A_i."""

    UP = 0
    DOWN = 1


class MType(IntEnum):
    """The message type, bits 7..5 of MHDR (LoRaWAN 1.0.3 §4.2.1)."""

    JOIN_REQUEST = 0
    JOIN_ACCEPT = 1
    UNCONFIRMED_DATA_UP = 2
    UNCONFIRMED_DATA_DOWN = 3
    CONFIRMED_DATA_UP = 4
    CONFIRMED_DATA_DOWN = 5
    REJOIN_REQUEST = 6
    PROPRIETARY = 7


M_TYPES = tuple(MType)


def m_type_of(phy_payload: bytes) -> MType:
    """Message type of a frame; Malformed when empty or of another Major version."""
    if not phy_payload:
        raise Malformed("a frame has at least an MHDR, this one has no octet")
    if phy_payload[0] & 3:
        raise Malformed(f"MHDR {phy_payload[0]:02x} is not of LoRaWAN R1 (Major 0)")
    return M_TYPES[phy_payload[0] >> 5]
