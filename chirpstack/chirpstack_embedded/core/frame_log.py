"""
Frames for the log views of devices and gateways (contract §5.5).

A line is rendered when somebody looks, not when the frame passes.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chirpstack_api import gw

from chirpstack_embedded.core.rendering import dump, render_message
from wire.errors import Malformed
from wire.lorawan.data import DataFrame
from wire.lorawan.join import JoinRequest
from wire.lorawan.mhdr import Direction, MType, m_type_of

if TYPE_CHECKING:
    from chirpstack_embedded.core.reception import HeardFrame

TYPE_NAMES = {
    MType.JOIN_REQUEST: "JoinRequest",
    MType.JOIN_ACCEPT: "JoinAccept",
    MType.UNCONFIRMED_DATA_UP: "UnconfirmedDataUp",
    MType.UNCONFIRMED_DATA_DOWN: "UnconfirmedDataDown",
    MType.CONFIRMED_DATA_UP: "ConfirmedDataUp",
    MType.CONFIRMED_DATA_DOWN: "ConfirmedDataDown",
    MType.REJOIN_REQUEST: "RejoinRequest",
    MType.PROPRIETARY: "Proprietary",
}


class UplinkLine:
    """An uplink; ``dev_eui`` is empty when nobody owned it."""

    __slots__ = ("_heard", "dev_eui")

    def __init__(self, heard: "HeardFrame", dev_eui: str) -> None:
        self._heard = heard
        self.dev_eui = dev_eui

    @property
    def gateway_ids(self) -> tuple[str, ...]:
        """The gateways that heard it."""
        return tuple([rx.gateway_id for rx in self._heard.rx_info])

    @property
    def views(self) -> tuple[tuple[str, str], ...]:
        """Where it shows: with its gateways and its device."""
        views = [("gateway-frame", rx.gateway_id) for rx in self._heard.rx_info]
        if self.dev_eui:
            views.append(("device-frame", self.dev_eui))
        return tuple(views)

    @property
    def time_ns(self) -> int:
        """When it was heard."""
        return self._heard.time_ns

    @property
    def description(self) -> str:
        """The frame's type."""
        return _type_name(self._heard.phy_payload)

    @property
    def properties(self) -> dict[str, str]:
        """Whose it is."""
        dev_addr = _dev_addr(self._heard.phy_payload)
        return {"DevAddr": dev_addr, "DevEUI": self.dev_eui}

    def body(self) -> str:
        """Return the frame and its receptions."""
        return _render(
            {
                "phy_payload": phy_document(self._heard.phy_payload),
                "rx_info": self._heard.rx_documents(),
                "tx_info": self._heard.tx_document(),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DownlinkLine:
    """The item of a downlink that was transmitted."""

    frame: gw.DownlinkFrame
    index: int
    time_ns: int
    dev_eui: str

    @property
    def views(self) -> tuple[tuple[str, str], ...]:
        """Where it shows: with its gateway and its device."""
        gateway = ("gateway-frame", self.frame.gateway_id)
        return (gateway, ("device-frame", self.dev_eui)) if self.dev_eui else (gateway,)

    @property
    def description(self) -> str:
        """The frame's type."""
        return _type_name(self._item.phy_payload)

    @property
    def properties(self) -> dict[str, str]:
        """Whose it is and who sent it."""
        return {
            "DevAddr": _dev_addr(self._item.phy_payload),
            "DevEUI": self.dev_eui,
            "Gateway ID": self.frame.gateway_id,
            "Downlink ID": str(self.frame.downlink_id),
        }

    def body(self) -> str:
        """Return the frame and how it was sent."""
        return _render(
            {
                "phy_payload": phy_document(self._item.phy_payload),
                "tx_info": render_message(self._item.tx_info),
            }
        )

    @property
    def _item(self) -> gw.DownlinkFrameItem:
        return self.frame.items[self.index]


FrameLine = UplinkLine | DownlinkLine


def phy_document(phy_payload: bytes) -> dict[str, Any]:
    """Return a frame's parts; what is encrypted stays octets."""
    document: dict[str, Any] = {
        "mhdr": {"f_type": _type_name(phy_payload), "major": "LoRaWANR1"},
        "mic": list(phy_payload[-4:]),
    }
    try:
        m_type = m_type_of(phy_payload)
        if m_type is MType.JOIN_REQUEST:
            document["payload"] = _join_document(JoinRequest.parse(phy_payload))
        elif m_type is MType.JOIN_ACCEPT:
            document["payload"] = {"Raw": phy_payload[1:].hex()}
        else:
            document["payload"] = _data_document(DataFrame.parse(phy_payload))
    except Malformed:
        document["payload"] = {"Raw": phy_payload[1:-4].hex()}
    return document


def _join_document(request: JoinRequest) -> dict[str, Any]:
    return {
        "JoinRequest": {
            "join_eui": str(request.join_eui),
            "dev_eui": str(request.dev_eui),
            "dev_nonce": request.dev_nonce,
        }
    }


def _data_document(frame: DataFrame) -> dict[str, Any]:
    control = frame.f_ctrl
    up = frame.direction is Direction.UP
    return {
        "MACPayload": {
            "fhdr": {
                "devaddr": str(frame.dev_addr),
                "f_ctrl": {
                    "adr": control.adr,
                    "adr_ack_req": control.adr_ack_req,
                    "ack": control.ack,
                    "f_pending": control.f_pending,
                    "class_b": control.class_b if up else False,
                    "f_opts_len": len(frame.f_opts),
                },
                "f_cnt": frame.f_cnt_16,
                "f_opts": [{"Raw": frame.f_opts.hex()}] if frame.f_opts else [],
            },
            "f_port": frame.f_port,
            "frm_payload": (
                {"Raw": frame.frm_payload.hex()} if frame.frm_payload else None
            ),
        }
    }


def _type_name(phy_payload: bytes) -> str:
    return TYPE_NAMES[MType(phy_payload[0] >> 5)] if phy_payload else ""


def _dev_addr(phy_payload: bytes) -> str:
    is_data = phy_payload and MType(phy_payload[0] >> 5) in range(2, 6)
    return phy_payload[4:0:-1].hex() if is_data else ""


def _render(document: dict[str, Any]) -> str:
    return dump(document).decode()
