"""
An uplink as the server sees it after de-duplication: who heard it, when, how fast.

The checks are ChirpStack's, in its order (contract §1.5).
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from chirpstack_api import common, gw

from chirpstack_embedded.core.collector import Collected
from chirpstack_embedded.core.context import Context
from chirpstack_embedded.core.heard import GPS_EPOCH_S, LEAP_SECONDS, HeardRx
from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.core.rendering import (
    NANO,
    dump,
    nanoseconds,
    render_message,
    verbatim,
)
from chirpstack_embedded.core.verdict import Dropped
from chirpstack_embedded.model import Device, Gateway, Reception

_GATEWAY_ID = re.compile(r"[0-9a-f]{16}")


class _Air(NamedTuple):
    """How a frame was sent; None where the region has no such thing."""

    tx_info: gw.UplinkTxInfo
    json: bytes
    dr: int | None
    channel: int | None


@dataclass(slots=True, kw_only=True)
class HeardFrame:
    """One frame with everything its gateways said about it."""

    deduplication_id: str
    region_config_id: str
    phy_payload: bytes
    tx_info: gw.UplinkTxInfo
    tx_json: bytes
    rx_info: list[HeardRx]
    gateways: dict[str, Gateway] = field(default_factory=dict)
    dr: int
    channel: int
    time_ns: int
    looked: Any = None
    """What ``core.looking`` found when it looked ahead."""

    @property
    def max_snr_db(self) -> float:
        """The best SNR."""
        return max([rx.snr for rx in self.rx_info])

    @property
    def max_rssi_dbm(self) -> int:
        """The best RSSI."""
        return max([rx.rssi for rx in self.rx_info])

    def receptions(self) -> tuple[Reception, ...]:
        """Return what a downlink needs of each gateway."""
        return tuple(
            [
                Reception(
                    # The book's own text: devices keep it, and they are many.
                    gateway_id=self.gateways[rx.gateway_id].gateway_id,
                    rssi_dbm=rx.rssi,
                    snr_db=rx.snr,
                    board=rx.board,
                    antenna=rx.antenna,
                    context=rx.context,
                )
                for rx in self.rx_info
            ]
        )

    def rx_documents(self) -> list[Any]:
        """Return ``rxInfo``."""
        return [verbatim(json) for json in self.rx_jsons()]

    def rx_jsons(self) -> list[bytes]:
        """Return the JSON of each reception."""
        return [rx.json(self.gateways[rx.gateway_id].place) for rx in self.rx_info]

    def tx_document(self) -> Any:
        """Return ``txInfo``."""
        return verbatim(self.tx_json)


@lru_cache(maxsize=4096)
def _air(plan: RegionPlan, serialised: bytes) -> _Air:
    tx_info = gw.UplinkTxInfo.FromString(serialised)
    dr = plan.uplink_data_rate(tx_info)
    channel = None if dr is None else plan.uplink_channel(tx_info.frequency, dr)
    return _Air(tx_info, dump(render_message(tx_info)), dr, channel)


def assemble(context: Context, uplink: Collected, now: float) -> HeardFrame | Dropped:
    """Check a set and give it data-rate, channel and time."""
    air = _air(context.plans[uplink.region_config_id], uplink.tx_info)
    if air.dr is None:
        modulation = " ".join(str(air.tx_info.modulation).split())
        return Dropped(cause="unknown_data_rate", details=modulation)
    if air.channel is None:
        return Dropped(
            cause="unknown_channel",
            details=f"frequency_hz={air.tx_info.frequency} dr={air.dr}",
        )
    known = _known_gateways(context, uplink.receptions)
    anybody = context.configuration.allow_unknown_gateways
    for rx in uplink.receptions:
        is_stored = rx.gateway_id in known and not anybody
        if not is_stored and not _GATEWAY_ID.fullmatch(rx.gateway_id):
            return Dropped(cause="bad_gateway_id", details=repr(rx.gateway_id))
    if not known:
        ids = ",".join(sorted({rx.gateway_id for rx in uplink.receptions}))
        return Dropped(cause="unknown_gateway", details=f"gateway_ids={ids}")
    heard = [rx for rx in uplink.receptions if rx.gateway_id in known]
    return HeardFrame(
        deduplication_id=str(context.new_uuid()),
        region_config_id=uplink.region_config_id,
        phy_payload=uplink.phy_payload,
        tx_info=air.tx_info,
        tx_json=air.json,
        rx_info=heard,
        gateways=known,
        dr=air.dr,
        channel=air.channel,
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
        if _may_serve(heard.gateways[rx.gateway_id], device.tenant.id, force_private)
    ]
    if not kept:
        return Dropped(cause="private_gateway", details=f"dev_eui={device.dev_eui}")
    heard.rx_info = kept
    return None


def _known_gateways(context: Context, receptions: list[HeardRx]) -> dict[str, Gateway]:
    known: dict[str, Gateway] = {}
    for rx in receptions:
        gateway = context.gateways.view(rx.gateway_id)
        if gateway is None and context.configuration.allow_unknown_gateways:
            gateway = _public(rx)
        if gateway is not None:
            known[rx.gateway_id] = gateway
    return known


def _public(rx: HeardRx) -> Gateway:
    return Gateway(
        gateway_id=rx.gateway_id,
        tenant_id="",
        location=common.Location.FromString(rx.location or b""),
        downlink_priority=0,
        private_up=False,
        private_down=False,
    )


def _may_serve(gateway: Gateway, tenant_id: str, force_private: bool) -> bool:
    shared = not (gateway.private_up or force_private)
    return shared or gateway.tenant_id == tenant_id


def _rx_time_ns(context: Context, receptions: list[HeardRx], now: float) -> int:
    # Contract §1.3: GPS time, else a gateway clock that is not far off, else ours.
    for rx in receptions:
        if rx.gps_time_ns is not None:
            return rx.gps_time_ns
    now_ns = nanoseconds(now)
    drift_ns = context.configuration.rx_timestamp_max_drift_s * NANO
    for rx in receptions:
        if rx.gw_time_ns is not None and abs(rx.gw_time_ns - now_ns) <= drift_ns:
            return rx.gw_time_ns
    return now_ns


def gps_time(time_ns: int) -> tuple[int, int]:
    """Return GPS seconds and nanoseconds of a Unix instant."""
    seconds, nanos = divmod(time_ns, NANO)
    return seconds - GPS_EPOCH_S + LEAP_SECONDS, nanos
