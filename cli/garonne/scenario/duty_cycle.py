"""Whether the report periods of a scenario are lawful: said before anybody sends."""

from collections.abc import Mapping, Sequence

from wire.declared import DeclaredDevice, DeclaredGateway
from wire.lorawan.region import DataRate, Region
from wire.lorawan.region.catalogue import find_region
from wire.radio.profiles import PROFILES, RadioProfile
from wire.radio.propagation import distance_m
from wire.scenario import FleetPlan, Scenario
from wire.scenario.layout import Layout

OVERHEAD = 13  # octets around an application payload: MHDR, FHDR, FPort, MIC


def refusals(
    scenario: Scenario,
    layout: Layout,
    longest: Mapping[str, int],
    region: Region | None = None,
) -> list[str]:
    """
    One sentence per fleet whose reports would break the duty cycle.

    Judged for the fleet's farthest device at the fastest data rate that reaches its
    nearest gateway, for the longest uplink of its type (``longest``, octets).
    """
    region = region or find_region(layout.city.region)
    profile = PROFILES[layout.city.radio.profile]
    by_eui = {device.dev_eui: device for device in layout.city.devices}
    found = []
    for fleet in scenario.fleets:
        devices = [by_eui[eui] for eui in layout.fleets[fleet.name]]
        rate = slowest_needed(devices, layout.city.gateways, profile, region)
        found.append(_refusal(fleet, rate, longest.get(fleet.device_type, 0), region))
    return [sentence for sentence in found if sentence]


def allowed_share(region: Region) -> float:
    """The share of the time a device may send: that of its sub-bands together."""
    bands = {
        region.sub_band(channel.frequency_hz) for channel in region.stock_channels()
    }
    return sum(band.duty_cycle for band in bands if band is not None)


def slowest_needed(
    devices: Sequence[DeclaredDevice],
    gateways: Sequence[DeclaredGateway],
    profile: RadioProfile,
    region: Region,
) -> DataRate:
    """The data rate of the device that is farthest from its nearest gateway."""
    away_m = max(
        min(
            distance_m(one.latitude, one.longitude, it.latitude, it.longitude)
            for it in gateways
        )
        for one in devices
    )
    rssi_dbm = region.max_eirp_dbm - profile.path_loss(away_m)
    rates = _lora_rates(region)
    reaching = [
        rate
        for rate in rates
        if rssi_dbm >= profile.gateway_least_dbm(rate.spreading_factor)
    ]
    return reaching[-1] if reaching else rates[0]


def _lora_rates(region: Region) -> list[DataRate]:
    channel = region.default_channels[0]
    return [region.data_rate(dr) for dr in range(channel.min_dr, channel.max_dr + 1)]


def _refusal(fleet: FleetPlan, rate: DataRate, size: int, region: Region) -> str:
    if fleet.report_every_s is None:
        return ""
    airtime_s = rate.airtime_s(size + OVERHEAD)
    share, allowed = airtime_s / fleet.report_every_s, allowed_share(region)
    if share <= allowed:
        return ""
    where = f"at DR{rate.index} (SF{rate.spreading_factor})"
    return (
        f"fleet {fleet.name}: a report of {size} octets every "
        f"{fleet.report_every_s:g} s {where} is on the air {share:.1%} of the time, "
        f"the law allows {allowed:.1%}: report every {airtime_s / allowed:.0f} s "
        "or more, or stand nearer to a gateway"
    )
