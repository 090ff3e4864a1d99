"""
The datagrams of Semtech's gateway protocol over UDP, version 2 (PROTOCOL.TXT).

A received packet that makes no sense is left out and counted.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Self

from wire.errors import Illegal, Malformed
from wire.eui64 import EUI64
from wire.semtech.documents import RxPk, Stat, TxPk

VERSION: Final = 2
DEFAULT_PORT: Final = 1700
NO_ERROR: Final = "NONE"

_HEAD_SIZE = 4
_MAC_SIZE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class PushData:
    """Up: what a gateway received, and its report. ``unreadable`` were left out."""

    identifier: ClassVar[int] = 0x00
    token: int
    gateway_id: EUI64
    received: tuple[RxPk, ...] = ()
    stat: Stat | None = None
    unreadable: int = field(default=0, compare=False)

    @classmethod
    def parse_body(cls, token: int, body: bytes) -> Self:
        """Read what follows the head."""
        gateway_id, document = _mac(body), _object(body[_MAC_SIZE:])
        packets = document.get("rxpk", [])
        if not isinstance(packets, list):
            raise Malformed(f"rxpk is a list, not {packets!r}")
        read = [_or_none(RxPk, one) for one in packets]
        stat = _or_none(Stat, document["stat"]) if "stat" in document else None
        return cls(
            token=token,
            gateway_id=gateway_id,
            received=tuple(one for one in read if one is not None),
            stat=stat,
            unreadable=read.count(None) + ("stat" in document and stat is None),
        )

    def __bytes__(self) -> bytes:
        document: dict[str, object] = {}
        if self.received:
            document["rxpk"] = [one.document() for one in self.received]
        if self.stat is not None:
            document["stat"] = self.stat.document()
        return _head(self) + self.gateway_id + _json(document)


@dataclass(frozen=True, slots=True, kw_only=True)
class PullData:
    """Up: keep the way back open."""

    identifier: ClassVar[int] = 0x02
    token: int
    gateway_id: EUI64

    @classmethod
    def parse_body(cls, token: int, body: bytes) -> Self:
        """Read what follows the head."""
        return cls(token=token, gateway_id=_mac(body))

    def __bytes__(self) -> bytes:
        return _head(self) + self.gateway_id


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ack:
    """Down: a head and nothing else."""

    identifier: ClassVar[int]
    token: int

    @classmethod
    def parse_body(cls, token: int, body: bytes) -> Self:
        """Read what follows the head: nothing."""
        del body
        return cls(token=token)

    def __bytes__(self) -> bytes:
        return _head(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class PushAck(_Ack):
    """Down: that PUSH_DATA arrived."""

    identifier: ClassVar[int] = 0x01


@dataclass(frozen=True, slots=True, kw_only=True)
class PullAck(_Ack):
    """Down: that PULL_DATA arrived, so the way back is open."""

    identifier: ClassVar[int] = 0x04


@dataclass(frozen=True, slots=True, kw_only=True)
class PullResp:
    """Down: send this; the server chooses the token."""

    identifier: ClassVar[int] = 0x03
    token: int
    packet: TxPk

    @classmethod
    def parse_body(cls, token: int, body: bytes) -> Self:
        """Read what follows the head."""
        return cls(token=token, packet=TxPk.read(_object(body).get("txpk")))

    def __bytes__(self) -> bytes:
        return _head(self) + _json({"txpk": self.packet.document()})


@dataclass(frozen=True, slots=True, kw_only=True)
class TxAck:
    """Up: whether that PULL_RESP will be sent: ``NONE`` or why not."""

    identifier: ClassVar[int] = 0x05
    token: int
    gateway_id: EUI64
    error: str = NO_ERROR

    @classmethod
    def parse_body(cls, token: int, body: bytes) -> Self:
        """Read what follows the head; no JSON and an empty error mean NONE."""
        gateway_id, text = _mac(body), body[_MAC_SIZE:].strip(b"\x00 \r\n\t")
        answer = _object(text).get("txpk_ack", {}) if text else {}
        error = answer.get("error") if isinstance(answer, dict) else None
        shown = error if isinstance(error, str) and error else NO_ERROR
        return cls(token=token, gateway_id=gateway_id, error=shown)

    def __bytes__(self) -> bytes:
        answer = _json({"txpk_ack": {"error": self.error}})
        return _head(self) + self.gateway_id + answer


Packet = PushData | PushAck | PullData | PullResp | PullAck | TxAck
_PACKETS: Final[Mapping[int, type[Packet]]] = {
    kind.identifier: kind
    for kind in (PushData, PushAck, PullData, PullResp, PullAck, TxAck)
}


def parse(datagram: bytes) -> Packet:
    """Read one datagram; Malformed says what is wrong with it."""
    if len(datagram) < _HEAD_SIZE:
        raise Malformed(f"a datagram has at least 4 octets, not {len(datagram)}")
    version, identifier = datagram[0], datagram[3]
    if version != VERSION or identifier not in _PACKETS:
        raise Malformed(f"version {version} has no packet {identifier:#04x}")
    token = int.from_bytes(datagram[1:3], "big")
    return _PACKETS[identifier].parse_body(token, datagram[_HEAD_SIZE:])


def _head(packet: Any) -> bytes:
    if not 0 <= packet.token < 2**16:
        raise Illegal(f"a token has 16 bits, not {packet.token}")
    token: bytes = packet.token.to_bytes(2, "big")
    return bytes([VERSION]) + token + bytes([packet.identifier])


def _mac(body: bytes) -> EUI64:
    if len(body) < _MAC_SIZE:
        raise Malformed(f"a gateway's address has 8 octets, not {len(body)}")
    return EUI64(body[:_MAC_SIZE])


def _json(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _object(text: bytes) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"{len(text)} octets are not JSON: {error}") from error
    if not isinstance(document, dict):
        raise Malformed(f"a packet's JSON is an object, not {document!r:.40}")
    return document


def _or_none(kind: type[Any], document: object) -> Any:
    try:
        return kind.read(document)
    except Malformed:
        return None
