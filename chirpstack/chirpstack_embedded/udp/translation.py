"""Between ChirpStack's gateway messages and what Semtech's protocol says."""

from contextlib import suppress
from datetime import datetime
from hashlib import blake2b
from typing import Any

from chirpstack_api import common, gw

from wire.eui64 import EUI64
from wire.semtech import (
    TMST_MODULUS,
    RxPk,
    Stat,
    TxPk,
)

TMST_PER_S = 1_000_000
CODE_RATES = {"4/5": gw.CR_4_5, "4/6": gw.CR_4_6, "4/7": gw.CR_4_7, "4/8": gw.CR_4_8}
CODING_RATES = {code: name for name, code in CODE_RATES.items()}


def uplink_frame(gateway_id: EUI64, packet: RxPk) -> gw.UplinkFrame:
    """A packet heard, as a gateway of ChirpStack reports it."""
    context = packet.tmst.to_bytes(4, "big")
    drawn = blake2b(gateway_id + context + packet.phy_payload, digest_size=4)
    message = gw.UplinkFrame(phy_payload=packet.phy_payload)
    message.tx_info.frequency = packet.frequency_hz
    if packet.spreading_factor:
        lora = message.tx_info.modulation.lora
        lora.spreading_factor = packet.spreading_factor
        lora.bandwidth = packet.bandwidth_hz
        lora.code_rate = CODE_RATES.get(packet.coding_rate, gw.CR_UNDEFINED)
    else:
        message.tx_info.modulation.fsk.datarate = packet.bandwidth_hz % 2**32
    message.rx_info.gateway_id = str(gateway_id)
    message.rx_info.uplink_id = int.from_bytes(drawn.digest())
    message.rx_info.rssi = max(-(2**31), min(round(packet.rssi_dbm), 2**31 - 1))
    message.rx_info.snr = packet.snr_db
    message.rx_info.channel = packet.channel % 2**32
    message.rx_info.rf_chain = packet.rf_chain % 2**32
    message.rx_info.context = context
    message.rx_info.crc_status = gw.CRC_OK
    _set_time(message.rx_info.gw_time, packet.time)
    return message


def gateway_stats(gateway_id: EUI64, stat: Stat) -> gw.GatewayStats:
    """A status report, as a gateway of ChirpStack makes it."""
    message = gw.GatewayStats(
        gateway_id=str(gateway_id),
        rx_packets_received=stat.received % 2**32,
        rx_packets_received_ok=stat.received_ok % 2**32,
        tx_packets_received=stat.downlinks % 2**32,
        tx_packets_emitted=stat.emitted % 2**32,
    )
    if stat.latitude is not None and stat.longitude is not None:
        message.location.latitude = stat.latitude
        message.location.longitude = stat.longitude
        message.location.altitude = stat.altitude_m or 0.0
        message.location.source = common.LocationSource.GPS
    _set_time(message.time, stat.time.replace(" GMT", "+00:00"))
    return message


def _set_time(timestamp: Any, text: str | None) -> None:
    """Set an instant if the text is one; gateways without a clock say nonsense."""
    with suppress(ValueError, OverflowError):
        timestamp.FromDatetime(datetime.fromisoformat(text or ""))


def tx_packet(item: gw.DownlinkFrameItem) -> TxPk | None:
    """An item as this protocol says it; None for what it cannot say."""
    tx_info = item.tx_info
    lora = tx_info.modulation.lora
    when = _when(tx_info)
    if when is None or lora.code_rate not in CODING_RATES:
        return None
    return TxPk(
        frequency_hz=tx_info.frequency,
        power_dbm=tx_info.power,
        spreading_factor=lora.spreading_factor,
        bandwidth_hz=lora.bandwidth,
        phy_payload=item.phy_payload,
        coding_rate=CODING_RATES[lora.code_rate],
        iq_inverted=lora.polarization_inversion,
        **when,
    )


def _when(tx_info: gw.DownlinkTxInfo) -> dict[str, Any] | None:
    timing = tx_info.timing
    match timing.WhichOneof("parameters"):
        case "immediately":
            return {"immediately": True}
        case "delay":
            delay_us = round(_seconds(timing.delay.delay) * TMST_PER_S)
            counted = int.from_bytes(tx_info.context, "big")
            return {"tmst": (counted + delay_us) % TMST_MODULUS}
        case "gps_epoch":
            since_epoch = timing.gps_epoch.time_since_gps_epoch
            return {"gps_ms": round(_seconds(since_epoch) * 1000)}
        case _:
            return None


def _seconds(duration: Any) -> float:
    seconds: float = duration.seconds + duration.nanos / 1e9
    return seconds


def tx_status(error: str) -> int:
    """The status of that name; what ChirpStack has no name for is internal."""
    known = gw.TxAckStatus.keys()
    return int(gw.TxAckStatus.Value(error)) if error in known else gw.INTERNAL_ERROR
