"""
An uplink as the server sees it after de-duplication: who heard it, when, how fast.

The checks are ChirpStack's, in its order (contract §1.5).
"""

import re
from dataclasses import dataclass, field
from typing import Any

from chirpstack_api import gw

from chirpstack_embedded.core.context import Context
from chirpstack_embedded.core.deduplication import UplinkSet
from chirpstack_embedded.core.rendering import (
    NANO,
    nanoseconds,
    render_rx_info,
    render_tx_info,
)
from chirpstack_embedded.core.verdict import Dropped
from chirpstack_embedded.model import Device, Gateway, Reception

_GATEWAY_ID = re.compile(r"[0-9a-fA-F]{16}")
_GPS_EPOCH_S = 315_964_800
_LEAP_SECONDS = 18


@dataclass(slots=True, kw_only=True)
class HeardFrame:
    """One frame with everything its gateways said about it."""

    deduplication_id: str
    region_config_id: str
    phy_payload: bytes
    tx_info: gw.UplinkTxInfo
    rx_info: list[gw.UplinkRxInfo]
    gateways: dict[str, Gateway] = field(default_factory=dict)
    dr: int
    channel: int
    time_ns: int

    @property
    def max_snr_db(self) -> float:
        """The best SNR."""
        return max(float(rx.snr) for rx in self.rx_info)

    @property
    def max_rssi_dbm(self) -> int:
        """The best RSSI."""
        return max(int(rx.rssi) for rx in self.rx_info)

    def receptions(self) -> tuple[Reception, ...]:
        """Return what a downlink needs of each gateway."""
        return tuple(
            Reception(
                gateway_id=rx.gateway_id.lower(),
                rssi_dbm=rx.rssi,
                snr_db=rx.snr,
                board=rx.board,
                antenna=rx.antenna,
                context=rx.context,
            )
            for rx in self.rx_info
        )

    def rx_documents(self) -> list[dict[str, Any]]:
        """Return ``rxInfo``."""
        return [render_rx_info(rx) for rx in self.rx_info]

    def tx_document(self) -> dict[str, Any]:
        """Return ``txInfo``."""
        return render_tx_info(self.tx_info.SerializeToString(deterministic=True))


def assemble(context: Context, uplink: UplinkSet, now: float) -> HeardFrame | Dropped:
    """Check a set and give it data-rate, channel and time."""
    plan = context.plans[uplink.region_config_id]
    dr = plan.uplink_data_rate(uplink.tx_info)
    if dr is None:
        return Dropped(cause="unknown_data_rate", details=_modulation(uplink))
    channel = plan.uplink_channel(uplink.tx_info.frequency, dr)
    if channel is None:
        return Dropped(
            cause="unknown_channel",
            details=f"frequency_hz={uplink.tx_info.frequency} dr={dr}",
        )
    known = _known_gateways(context, uplink.rx_info)
    for rx in uplink.rx_info:
        gateway_id = rx.gateway_id
        if gateway_id not in known and not _GATEWAY_ID.fullmatch(gateway_id):
            return Dropped(cause="bad_gateway_id", details=repr(gateway_id))
    if not known:
        ids = ",".join(sorted({rx.gateway_id for rx in uplink.rx_info}))
        return Dropped(cause="unknown_gateway", details=f"gateway_ids={ids}")
    heard = [rx for rx in uplink.rx_info if rx.gateway_id.lower() in known]
    return HeardFrame(
        deduplication_id=str(context.new_uuid()),
        region_config_id=uplink.region_config_id,
        phy_payload=uplink.phy_payload,
        tx_info=uplink.tx_info,
        rx_info=heard,
        gateways=known,
        dr=dr,
        channel=channel,
        time_ns=_rx_time_ns(context, heard, now),
    )


def filter_by_tenant(
    context: Context, heard: HeardFrame, device: Device
) -> Dropped | None:
    """Keep the gateways that may serve the device's tenant (contract §1.5)."""
    force_private = context.region(heard.region_config_id).force_gws_private
    kept = [
        rx
        for rx in heard.rx_info
        if _may_serve(
            heard.gateways[rx.gateway_id.lower()], device.tenant.id, force_private
        )
    ]
    if not kept:
        return Dropped(cause="private_gateway", details=f"dev_eui={device.dev_eui}")
    heard.rx_info = kept
    return None


def stamp(context: Context, frame: gw.UplinkFrame, now: float) -> None:
    """Complete a reception: server time, and the gateway's place if it sent none."""
    rx = frame.rx_info
    seconds, nanos = divmod(nanoseconds(now), NANO)
    rx.ns_time.seconds, rx.ns_time.nanos = seconds, nanos
    if not rx.HasField("location"):
        gateway = context.gateways.view(rx.gateway_id.lower())
        if gateway is not None:
            rx.location.CopyFrom(gateway.location)


def _known_gateways(
    context: Context, rx_info: list[gw.UplinkRxInfo]
) -> dict[str, Gateway]:
    known: dict[str, Gateway] = {}
    for rx in rx_info:
        gateway_id = rx.gateway_id.lower()
        gateway = context.gateways.view(gateway_id)
        if gateway is None and context.configuration.allow_unknown_gateways:
            gateway = _public(gateway_id, rx)
        if gateway is not None:
            known[gateway_id] = gateway
    return known


def _public(gateway_id: str, rx: gw.UplinkRxInfo) -> Gateway:
    return Gateway(
        gateway_id=gateway_id,
        tenant_id="",
        location=rx.location,
        downlink_priority=0,
        private_up=False,
        private_down=False,
    )


def _may_serve(gateway: Gateway, tenant_id: str, force_private: bool) -> bool:
    shared = not (gateway.private_up or force_private)
    return shared or gateway.tenant_id == tenant_id


def _rx_time_ns(context: Context, rx_info: list[gw.UplinkRxInfo], now: float) -> int:
    # Contract §1.3: GPS time, else a gateway clock that is not far off, else ours.
    for rx in rx_info:
        if rx.HasField("time_since_gps_epoch"):
            gps = rx.time_since_gps_epoch
            unix_s = gps.seconds + _GPS_EPOCH_S - _LEAP_SECONDS
            return int(unix_s * NANO + gps.nanos)
    now_ns = nanoseconds(now)
    drift_ns = context.configuration.rx_timestamp_max_drift_s * NANO
    for rx in rx_info:
        if rx.HasField("gw_time"):
            time_ns = rx.gw_time.seconds * NANO + rx.gw_time.nanos
            if abs(time_ns - now_ns) <= drift_ns:
                return int(time_ns)
    return now_ns


def gps_time(time_ns: int) -> tuple[int, int]:
    """Return GPS seconds and nanoseconds of a Unix instant."""
    seconds, nanos = divmod(time_ns, NANO)
    return seconds - _GPS_EPOCH_S + _LEAP_SECONDS, nanos


def _modulation(uplink: UplinkSet) -> str:
    return " ".join(str(uplink.tx_info.modulation).split())
