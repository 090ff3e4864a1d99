"""
Gateway messages on the wire: protobuf or JSON, told apart as ChirpStack does.

A payload that contains the nine characters ``gatewayId`` is JSON, any other is
protobuf (contract §1.2); the answer to a gateway uses what it last spoke.
"""

from dataclasses import dataclass
from typing import Any

from chirpstack_api import gw
from google.protobuf.json_format import Parse, ParseError
from google.protobuf.message import DecodeError

from chirpstack_embedded.core import strict_json
from chirpstack_embedded.core.rendering import dump, render_message

_MARK = b"gatewayId"
_KINDS: dict[str, Any] = {
    "up": gw.UplinkFrame,
    "stats": gw.GatewayStats,
    "ack": gw.DownlinkTxAck,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayMessage:
    """What a gateway said; ``message`` is of package ``gw``."""

    kind: str
    message: Any
    gateway_id: str
    is_json: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Why a payload was dropped: a counter's label and the details for the log."""

    cause: str
    details: str


def read_gateway_message(topic: str, payload: bytes) -> GatewayMessage | Unreadable:
    """Decode one event; its kind is the topic's last level."""
    kind = topic.rpartition("/")[2]
    if kind not in _KINDS:
        return Unreadable(cause="unknown_event", details=f"topic {topic!r}")
    is_json = _MARK in payload
    message = _KINDS[kind]()
    try:
        if is_json:
            text = payload.decode("utf-8")
            if said := strict_json.fault(text, message.DESCRIPTOR):
                return Unreadable(cause="undecodable", details=f"{kind}: {said}")
            Parse(text, message, ignore_unknown_fields=True)
        else:
            message.ParseFromString(payload)
    except (DecodeError, ParseError, ValueError, RecursionError) as error:
        return Unreadable(cause="undecodable", details=f"{kind}: {error}")
    return GatewayMessage(
        kind=kind, message=message, gateway_id=_gateway_id(message), is_json=is_json
    )


def write_downlink(frame: gw.DownlinkFrame, *, as_json: bool) -> bytes:
    """Encode a command in the language of its gateway."""
    if as_json:
        return dump(render_message(frame))
    return bytes(frame.SerializeToString(deterministic=True))


def _gateway_id(message: Any) -> str:
    if isinstance(message, gw.UplinkFrame):
        return str(message.rx_info.gateway_id)
    return str(message.gateway_id)
