"""Semtech's UDP packets (``wire.semtech``): the core's nouns to them and back."""

from datetime import UTC, datetime

from gateway_sim.gateway import (
    CONTEXT_BYTES,
    Delay,
    Downlink,
    GpsEpoch,
    Immediately,
    Item,
    Uplink,
)
from gateway_sim.jit import TxStatus
from gateway_sim.stats import Stats
from wire.semtech import NO_ERROR, PullResp, RxPk, Stat, TxPk

# Semtech's forwarder has no words of its own for these.
_ERRORS = {TxStatus.OK: NO_ERROR, TxStatus.QUEUE_FULL: TxStatus.COLLISION_PACKET.value}


def received(uplink: Uplink) -> RxPk:
    """One object of ``rxpk``."""
    frame = uplink.frame
    at = datetime.fromtimestamp(uplink.received_s, UTC)
    return RxPk(
        time=at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        tmst=uplink.tmst,
        channel=uplink.channel,
        frequency_hz=frame.frequency_hz,
        spreading_factor=frame.spreading_factor,
        bandwidth_hz=frame.bandwidth_hz,
        coding_rate=frame.coding_rate,
        rssi_dbm=uplink.rssi_dbm,
        snr_db=uplink.snr_db,
        phy_payload=frame.phy_payload,
    )


def report(stats: Stats, *, acked_percent: float) -> Stat:
    """The object ``stat``."""
    place, at = stats.place, datetime.fromtimestamp(stats.at_s, UTC)
    heard = stats.received.total
    return Stat(
        time=at.strftime("%Y-%m-%d %H:%M:%S GMT"),
        latitude=place.latitude,
        longitude=place.longitude,
        altitude_m=place.altitude_m,
        received=heard,
        received_ok=heard,
        forwarded=heard,
        acked_percent=acked_percent,
        downlinks=stats.requested,
        emitted=stats.emitted.total,
    )


def requested(asked: PullResp) -> Downlink:
    """What a server asks for; its token is the downlink's id."""
    packet = asked.packet
    item = Item(
        phy_payload=packet.phy_payload,
        frequency_hz=packet.frequency_hz,
        power_dbm=packet.power_dbm,
        spreading_factor=packet.spreading_factor,
        bandwidth_hz=packet.bandwidth_hz,
        coding_rate=packet.coding_rate,
        iq_inverted=packet.iq_inverted,
        timing=_timing(packet),
        context=(packet.tmst or 0).to_bytes(CONTEXT_BYTES, "big"),
    )
    return Downlink(downlink_id=asked.token, items=(item,))


def error(status: TxStatus) -> str:
    """What a TX_ACK says of a status."""
    return _ERRORS.get(status, status.value)


def _timing(packet: TxPk) -> Immediately | Delay | GpsEpoch:
    if packet.immediately:
        return Immediately()
    if packet.tmst is not None:
        return Delay(delay_s=0.0)  # the server has added it to tmst
    return GpsEpoch(time_s=(packet.gps_ms or 0) / 1000)
