"""
What a gateway received: ``jreq``, ``updf``, ``rejoin`` and ``propdf``.

Basics Station takes a frame apart; the server puts it together again. Integers that
LoRaWAN holds in 32 bits (DevAddr, MIC) travel as signed ones.
"""

from dataclasses import dataclass
from typing import Any, Self

from wire.errors import Malformed
from wire.eui64 import EUI64
from wire.lorawan.mhdr import MType, m_type_of
from wire.station.fields import Fields, write
from wire.station.id6 import write_eui

_OCTET = range(2**8)
_WORD = range(2**16)
_SIGNED = range(-(2**31), 2**32)
_JOIN_SIZE = 23
_DATA_SIZE = 12
_MIC_SIZE = 4
_NO_PORT = -1
_F_OPTS_AT = 8
_F_OPTS_LEN = 0x0F
_RFU = 0x1C
_JOIN_TYPES = {"jreq": MType.JOIN_REQUEST, "rejoin": MType.REJOIN_REQUEST}
_DATA_TYPES = (MType.UNCONFIRMED_DATA_UP, MType.CONFIRMED_DATA_UP)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpInfo:
    """
    How a frame was received.

    ``x_time`` is the concentrator's count of microseconds at its end, made unique by
    radio and run; ``r_ctx`` names the antenna. A downlink gives both back.
    ``rx_time_s`` is UTC and ``gps_time_us`` GPS time, 0 when unknown.
    """

    x_time: int
    r_ctx: int = 0
    gps_time_us: int = 0
    rssi_dbm: float = 0.0
    snr_db: float = 0.0
    rx_time_s: float = 0.0

    @classmethod
    def read(cls, document: object) -> Self:
        """Read the object ``upinfo``; raises Malformed."""
        info = Fields.of(document, "upinfo")
        return cls(
            x_time=info.whole("xtime"),
            r_ctx=info.whole("rctx", 0),
            gps_time_us=info.whole("gpstime", 0),
            rssi_dbm=info.number("rssi", 0.0),
            snr_db=info.number("snr", 0.0),
            rx_time_s=info.number("rxtime", 0.0),
        )

    def document(self) -> dict[str, object]:
        """The object ``upinfo``."""
        return {
            "rctx": self.r_ctx,
            "xtime": self.x_time,
            "gpstime": self.gps_time_us,
            "rssi": round(self.rssi_dbm),
            "snr": round(self.snr_db, 2),
            "rxtime": self.rx_time_s,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplink:
    """A frame with its data rate, an index into ``DRs`` of the configuration."""

    phy_payload: bytes
    data_rate: int
    frequency_hz: int
    info: UpInfo
    ref_time_s: float = 0.0

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Put a frame together again; raises Malformed."""
        kind = fields.text("msgtype")
        return cls(
            phy_payload=_phy_payload(kind, fields),
            data_rate=fields.whole("DR", within=range(16)),
            frequency_hz=fields.whole("Freq", within=range(1, 2**32)),
            info=UpInfo.read(fields.document.get("upinfo")),
            ref_time_s=fields.number("RefTime", 0.0),
        )

    def __str__(self) -> str:
        """Return the JSON; raises Malformed for what a gateway does not forward."""
        return write(
            {
                **take_apart(self.phy_payload),
                "RefTime": self.ref_time_s,
                "DR": self.data_rate,
                "Freq": self.frequency_hz,
                "upinfo": self.info.document(),
            }
        )


def take_apart(phy_payload: bytes) -> dict[str, Any]:
    """Return the fields of a frame; Malformed when it is not one of LoRaWAN."""
    m_type = m_type_of(phy_payload)
    if m_type is MType.PROPRIETARY:
        return {"msgtype": "propdf", "FRMPayload": phy_payload.hex()}
    if phy_payload[0] & _RFU:
        raise Malformed(f"MHDR {phy_payload[0]:02x} has reserved bits")
    if m_type in _JOIN_TYPES.values():
        return _join_fields(phy_payload, m_type)
    if m_type in _DATA_TYPES:
        return _data_fields(phy_payload)
    raise Malformed(f"{m_type.name} is no uplink")


def _join_fields(frame: bytes, m_type: MType) -> dict[str, Any]:
    if len(frame) != _JOIN_SIZE:
        raise Malformed(f"a join-request has 23 octets, not {len(frame)}")
    return {
        "msgtype": next(key for key, one in _JOIN_TYPES.items() if one is m_type),
        "MHdr": frame[0],
        "JoinEui": write_eui(EUI64.from_le(frame[1:9])),
        "DevEui": write_eui(EUI64.from_le(frame[9:17])),
        "DevNonce": int.from_bytes(frame[17:19], "little"),
        "MIC": _signed(frame[19:]),
    }


def _data_fields(frame: bytes) -> dict[str, Any]:
    port_at = _F_OPTS_AT + (frame[5] & _F_OPTS_LEN if len(frame) >= _DATA_SIZE else 0)
    mic_at = len(frame) - _MIC_SIZE
    if len(frame) < _DATA_SIZE or port_at > mic_at:
        raise Malformed(f"{len(frame)} octets hold no data frame")
    return {
        "msgtype": "updf",
        "MHdr": frame[0],
        "DevAddr": _signed(frame[1:5]),
        "FCtrl": frame[5],
        "FCnt": int.from_bytes(frame[6:8], "little"),
        "FOpts": frame[_F_OPTS_AT:port_at].hex(),
        "FPort": _NO_PORT if port_at == mic_at else frame[port_at],
        "FRMPayload": frame[port_at + 1 : mic_at].hex(),
        "MIC": _signed(frame[mic_at:]),
    }


def _phy_payload(kind: str, fields: Fields) -> bytes:
    if kind == "propdf":
        return fields.octets("FRMPayload")
    if kind in _JOIN_TYPES:
        return _header(fields) + _join_body(fields) + _unsigned(fields, "MIC")
    if kind == "updf":
        return _header(fields) + _data_body(fields) + _unsigned(fields, "MIC")
    raise Malformed(f"{kind!r:.40} carries no uplink")


def _header(fields: Fields) -> bytes:
    # MHdr in the protocol's own spelling, Mhdr in that of some servers' tests.
    key = "MHdr" if fields.has("MHdr") else "Mhdr"
    return bytes((fields.whole(key, within=_OCTET),))


def _join_body(fields: Fields) -> bytes:
    # Servers may ask for JoinEUI and DevEUI by writing so in router_config.
    join_eui = fields.eui("JoinEUI" if fields.has("JoinEUI") else "JoinEui")
    dev_eui = fields.eui("DevEUI" if fields.has("DevEUI") else "DevEui")
    nonce = fields.whole("DevNonce", within=_WORD)
    return join_eui.to_le() + dev_eui.to_le() + nonce.to_bytes(2, "little")


def _data_body(fields: Fields) -> bytes:
    # A length in FCtrl that is not that of FOpts is left for the MIC to find.
    f_opts, payload = fields.octets("FOpts"), fields.octets("FRMPayload")
    f_ctrl = fields.whole("FCtrl", within=_OCTET)
    f_port = fields.whole("FPort", _NO_PORT, within=range(_NO_PORT, 2**8))
    if f_port == _NO_PORT and payload:
        raise fields.wrong("FRMPayload", "empty without FPort")
    return b"".join(
        (
            _unsigned(fields, "DevAddr"),
            bytes((f_ctrl,)),
            fields.whole("FCnt", within=_WORD).to_bytes(2, "little"),
            f_opts,
            b"" if f_port == _NO_PORT else bytes((f_port,)),
            payload,
        )
    )


def _signed(octets: bytes) -> int:
    return int.from_bytes(octets, "little", signed=True)


def _unsigned(fields: Fields, key: str) -> bytes:
    value = fields.whole(key, within=_SIGNED)
    return (value % 2**32).to_bytes(4, "little")
