"""Rejoin-requests of LoRaWAN 1.1: a device that has a session asks for another one."""

from dataclasses import dataclass, replace
from hmac import compare_digest
from typing import Self

from wire.errors import Illegal, Malformed
from wire.eui64 import EUI64
from wire.lorawan.crypto import MIC_SIZE, cmac4
from wire.lorawan.fields import fits
from wire.lorawan.ids import NetID
from wire.lorawan.keys import Key
from wire.lorawan.mhdr import MType, m_type_of

_WITH_NET_ID, _WITH_JOIN_EUI, _REKEYING = 0, 1, 2
_SIZES = {_WITH_NET_ID: 19, _WITH_JOIN_EUI: 24, _REKEYING: 19}
_TYPE_AT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RejoinRequest:
    """
    A rejoin-request (1.1 §6.2.4).

    Types 0 (is anybody there, may everything change) and 2 (new keys) carry
    ``net_id`` and are signed with SNwkSIntKey; type 1 (the network is lost) carries
    ``join_eui`` and is signed with JSIntKey. Nothing is encrypted.
    """

    rejoin_type: int
    dev_eui: EUI64
    rj_count: int
    net_id: NetID | None = None
    join_eui: EUI64 | None = None
    mic: bytes = bytes(MIC_SIZE)

    @classmethod
    def parse(cls, phy_payload: bytes) -> Self:
        """Read a PHYPayload of 19 or 24 octets; the MIC is kept, not judged."""
        if m_type_of(phy_payload) is not MType.REJOIN_REQUEST:
            raise Malformed(f"MHDR {phy_payload[0]:02x} does not open a rejoin-request")
        rejoin_type = phy_payload[_TYPE_AT] if len(phy_payload) > _TYPE_AT else -1
        size = _SIZES.get(rejoin_type)
        if size != len(phy_payload):
            raise Malformed(
                f"a rejoin-request of type {rejoin_type} has"
                f" {size or 'no'} octets, not {len(phy_payload)}"
            )
        body, mic = phy_payload[2:-MIC_SIZE], phy_payload[-MIC_SIZE:]
        dev_eui = EUI64.from_le(body[-10:-2])
        head = body[:-10]
        lost = rejoin_type == _WITH_JOIN_EUI
        return cls(
            rejoin_type=rejoin_type,
            dev_eui=dev_eui,
            rj_count=int.from_bytes(body[-2:], "little"),
            net_id=None if lost else NetID.from_le(head),
            join_eui=EUI64.from_le(head) if lost else None,
            mic=mic,
        )

    def sealed(self, key: Key) -> Self:
        """Return the request with its MIC."""
        return replace(self, mic=cmac4(key, bytes(self)[:-MIC_SIZE]))

    def verify(self, key: Key) -> bool:
        """Whether this key signed the request."""
        return compare_digest(cmac4(key, bytes(self)[:-MIC_SIZE]), self.mic)

    def __bytes__(self) -> bytes:
        return (
            bytes((MType.REJOIN_REQUEST << 5, self._type()))
            + self._head()
            + self.dev_eui.to_le()
            + fits("RJcount", self.rj_count, 16).to_bytes(2, "little")
            + self.mic
        )

    def _type(self) -> int:
        if self.rejoin_type not in _SIZES:
            raise Illegal(
                f"a rejoin-request is of type 0, 1 or 2, not {self.rejoin_type}"
            )
        return self.rejoin_type

    def _head(self) -> bytes:
        lost = self.rejoin_type == _WITH_JOIN_EUI
        identifier = self.join_eui if lost else self.net_id
        if identifier is None:
            wanted = "JoinEUI" if lost else "NetID"
            raise Illegal(f"a rejoin-request of type {self.rejoin_type} has a {wanted}")
        return identifier.to_le()
