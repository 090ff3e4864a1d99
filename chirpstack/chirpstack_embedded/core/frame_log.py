"""
Frames for the log views of devices and gateways (contract §5.5).

A line is rendered when somebody looks, not when the frame passes.
"""

from collections.abc import Callable, Mapping
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameLine:
    """One frame: in whose views it shows, and how to render it."""

    dev_eui: str
    gateway_ids: tuple[str, ...]
    time_ns: int
    description: str
    properties: Mapping[str, str]
    body: Callable[[], str]


def uplink_line(heard: "HeardFrame", dev_eui: str) -> FrameLine:
    """Return the line of an uplink; ``dev_eui`` is empty when nobody owned it."""
    phy_payload = heard.phy_payload
    return FrameLine(
        dev_eui=dev_eui,
        gateway_ids=tuple([rx.gateway_id for rx in heard.rx_info]),
        time_ns=heard.time_ns,
        description=_type_name(phy_payload),
        properties={"DevAddr": _dev_addr(phy_payload), "DevEUI": dev_eui},
        body=lambda: _render(
            {
                "phy_payload": phy_document(phy_payload),
                "rx_info": heard.rx_documents(),
                "tx_info": heard.tx_document(),
            }
        ),
    )


def downlink_line(
    *, frame: gw.DownlinkFrame, index: int, time_ns: int, dev_eui: str
) -> FrameLine:
    """Return the line of the item of a downlink that was transmitted."""
    item = frame.items[index]
    return FrameLine(
        dev_eui=dev_eui,
        gateway_ids=(frame.gateway_id,),
        time_ns=time_ns,
        description=_type_name(item.phy_payload),
        properties={
            "DevAddr": _dev_addr(item.phy_payload),
            "DevEUI": dev_eui,
            "Gateway ID": frame.gateway_id,
            "Downlink ID": str(frame.downlink_id),
        },
        body=lambda: _render(
            {
                "phy_payload": phy_document(item.phy_payload),
                "tx_info": render_message(item.tx_info),
            }
        ),
    )


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
