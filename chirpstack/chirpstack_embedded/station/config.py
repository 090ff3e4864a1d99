"""The ``router_config`` of a region: its table and its configured channels."""

from dataclasses import replace
from typing import Final

from chirpstack_embedded.core.region import RegionPlan
from wire.lorawan.region import DataRate, Modulation
from wire.station import Rate, RouterConfig, UpChannel, boards_for

_DATA_RATES: Final = 16
_MAX_UP_CHANNEL_DR: Final = 7  # Basics Station takes no higher one in upchannels
_LORA_125_KHZ: Final = 125_000
_REGION_NAMES = {"EU868": "EU863", "US915": "US902"}


def router_config(plan: RegionPlan, now: float | None = None) -> RouterConfig:
    """What every gateway of a region is told; without filters, as the bridge's."""
    channels = [plan.channels[index] for index in plan.enabled_channels]
    multi = [
        channel.frequency_hz
        for channel in channels
        if any(_is_125(plan, dr) for dr in channel.data_rates)
    ]
    boards = boards_for(multi, _single(plan))
    return RouterConfig(
        region=_name(plan.table.common_name),
        hwspec=f"sx1301/{len(boards)}",
        frequency_range_hz=_range_hz(plan),
        data_rates=tuple(_rate(plan, index) for index in range(_DATA_RATES)),
        boards=boards,
        up_channels=tuple(
            UpChannel(
                frequency_hz=channel.frequency_hz,
                min_dr=min(channel.data_rates),
                max_dr=min(max(channel.data_rates), _MAX_UP_CHANNEL_DR),
            )
            for channel in channels
            if min(channel.data_rates) <= _MAX_UP_CHANNEL_DR
        ),
        max_eirp_dbm=float(_max_eirp_dbm(plan)),
        mux_time_s=now,
    )


def stamped(config: RouterConfig, now: float) -> RouterConfig:
    """The same, with the instant at which it is sent."""
    return replace(config, mux_time_s=now)


def _name(common_name: str) -> str:
    return _REGION_NAMES.get(common_name, common_name.replace("_", "-"))


def _rate(plan: RegionPlan, index: int) -> Rate | None:
    rate = plan.rates.get(index)
    if rate is None or rate.modulation is Modulation.LR_FHSS:
        return None
    return as_rate(rate)


def as_rate(rate: DataRate) -> Rate:
    """A row of ``DRs``."""
    return Rate(
        spreading_factor=rate.spreading_factor,
        bandwidth_hz=rate.bandwidth_hz,
        is_downlink_only=not rate.uplink,
    )


def _is_125(plan: RegionPlan, dr: int) -> bool:
    return plan.rates[dr].bandwidth_hz == _LORA_125_KHZ


def _single(plan: RegionPlan) -> tuple[int, Rate] | None:
    """The first channel with a LoRa modulation wider than 125 kHz."""
    for index in plan.enabled_channels:
        channel = plan.channels[index]
        for dr in channel.data_rates:
            if plan.rates[dr].bandwidth_hz > _LORA_125_KHZ:
                return channel.frequency_hz, as_rate(plan.rates[dr])
    return None


def _range_hz(plan: RegionPlan) -> tuple[int, int]:
    """Where gateways may send: the region's spectrum, else what its channels span."""
    bands = plan.table.sub_bands
    known = [channel.frequency_hz for channel in plan.channels]
    known += [plan.table.rx2_frequency_hz, *plan.table.rx1_frequencies_hz]
    low = min([band.low_hz for band in bands] or known)
    high = max([band.high_hz for band in bands] or known)
    return low, high


def _max_eirp_dbm(plan: RegionPlan) -> int:
    configured = plan.region.network.downlink_tx_power_dbm
    if configured != -1:
        return configured
    by_band = [eirp_dbm for _, _, eirp_dbm in plan.table.downlink_eirp_by_band]
    return max(plan.table.downlink_eirp_dbm, *by_band, -(2**7))
