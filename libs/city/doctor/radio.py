"""
What gateways say and are told, as far as it concerns one device. Pure.

Takes MQTT messages (topic, payload, our clock) and keeps what the verdict needs. The
encoding is recognised as ChirpStack does it: by the letters ``gatewayId``.
"""

from typing import Any, Final

from chirpstack_api import gw
from google.protobuf.json_format import Parse, ParseError
from google.protobuf.message import DecodeError, Message

from city.doctor.facts import Answer, Heard
from wire.errors import Malformed
from wire.eui64 import EUI64
from wire.lorawan.join import JoinRequest
from wire.lorawan.keys import Key
from wire.lorawan.mhdr import MType

__all__ = ["TOPICS", "Radio"]

TOPICS: Final = (
    "+/gateway/+/event/up",
    "+/gateway/+/event/ack",
    "+/gateway/+/command/down",
)
"""Of every region's prefix."""

JOIN_WINDOW_S: Final = 8.0
DATA_UP: Final = (MType.UNCONFIRMED_DATA_UP, MType.CONFIRMED_DATA_UP)
DATA_DOWN: Final = (MType.UNCONFIRMED_DATA_DOWN, MType.CONFIRMED_DATA_DOWN)
DEV_ADDR: Final = slice(1, 5)


class Radio:
    """Everything of one device that passed the broker while we listened."""

    def __init__(self, dev_eui: str, *, dev_addr: str = "", app_key: str = "") -> None:
        self._dev_eui = EUI64.parse(dev_eui)
        self._dev_addr = bytes.fromhex(dev_addr)[::-1]
        self._key = Key(bytes.fromhex(app_key)) if app_key else None
        self.heard: list[Heard] = []
        self.answers: list[Answer] = []

    def take(self, topic: str, payload: bytes, at: float) -> None:
        """Take one message; what is not ours, or nonsense, is passed over."""
        match topic.split("/")[-2:]:
            case ["event", "up"]:
                self._up(_read(payload, gw.UplinkFrame()), at)
            case ["command", "down"]:
                self._down(_read(payload, gw.DownlinkFrame()), at)
            case ["event", "ack"]:
                self._ack(_read(payload, gw.DownlinkTxAck()))

    def _up(self, frame: Any, at: float) -> None:
        phy_payload = bytes(frame.phy_payload) if frame else b""
        join = self._join(phy_payload)
        if join is None and not self._is_data(phy_payload, DATA_UP):
            return
        good = None
        if join is not None and self._key is not None:
            good = join.verify(self._key)
        self.heard.append(
            Heard(
                at=at,
                gateway_id=frame.rx_info.gateway_id,
                is_join=join is not None,
                context=bytes(frame.rx_info.context),
                mic_is_good=good,
            )
        )

    def _join(self, phy_payload: bytes) -> JoinRequest | None:
        if _type(phy_payload) is not MType.JOIN_REQUEST:
            return None
        try:
            request = JoinRequest.parse(phy_payload)
        except Malformed:
            return None
        return request if request.dev_eui == self._dev_eui else None

    def _is_data(self, phy_payload: bytes, types: tuple[MType, ...]) -> bool:
        ours = self._dev_addr and phy_payload[DEV_ADDR] == self._dev_addr
        return bool(ours) and _type(phy_payload) in types

    def _down(self, frame: Any, at: float) -> None:
        if not frame or not frame.items:
            return
        phy_payload = bytes(frame.items[0].phy_payload)
        is_join = _type(phy_payload) is MType.JOIN_ACCEPT
        asked = self._asked(frame, at, is_join=is_join)
        if is_join and asked is None:
            return
        if not is_join and not self._is_data(phy_payload, DATA_DOWN):
            return
        answer = Answer(
            at=at,
            gateway_id=frame.gateway_id,
            downlink_id=frame.downlink_id,
            is_join=is_join,
            asked_at=asked.at if asked else None,
        )
        self.answers.append(answer)

    def _asked(self, frame: Any, at: float, *, is_join: bool) -> Heard | None:
        """Find which uplink it answers; a join-accept names its device nowhere else."""
        context = bytes(frame.items[0].tx_info.context)
        fitting = [
            one
            for one in self.heard
            if one.is_join == is_join
            and (one.gateway_id, one.context) == (frame.gateway_id, context)
            and at - one.at < JOIN_WINDOW_S
        ]
        return fitting[-1] if fitting else None

    def _ack(self, ack: Any) -> None:
        if not ack or not ack.items:
            return
        statuses = [gw.TxAckStatus.Name(item.status) for item in ack.items]
        status = "OK" if "OK" in statuses else statuses[-1]
        for number, one in enumerate(self.answers):
            if one.downlink_id == ack.downlink_id:
                self.answers[number] = Answer(
                    at=one.at,
                    gateway_id=one.gateway_id,
                    downlink_id=one.downlink_id,
                    is_join=one.is_join,
                    asked_at=one.asked_at,
                    status=status,
                )


def _type(phy_payload: bytes) -> MType | None:
    return MType(phy_payload[0] >> 5) if phy_payload else None


def _read(payload: bytes, message: Message) -> Message | None:
    try:
        if b"gatewayId" in payload:
            return Parse(payload, message, ignore_unknown_fields=True)
        message.ParseFromString(payload)
    except (DecodeError, ParseError, UnicodeDecodeError):
        return None
    return message
