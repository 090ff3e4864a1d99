"""
What is counted over time: measurements of devices, links, gateways (contract §4.4).

Names are ChirpStack's own: ``device:<dev_eui>``, ``device:<dev_eui>:<key>``,
``gw:<gateway_id>``. Facts: what 4.20.0-test.1 was seen to answer
(tests/contract/snapshots/test_metrics.json).
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Protocol

from chirpstack_api import api, gw

from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.model import Device

Scalar = float | str | bool
_KINDS = api.MeasurementKind
_NUMBERS = frozenset({_KINDS.COUNTER, _KINDS.ABSOLUTE, _KINDS.GAUGE})


class SeriesBook(Protocol):
    """Sums by hour, day and month; ``store.Series`` is one."""

    def add(self, name: str, values: Mapping[str, float], at: float) -> None:
        """Add to the sums of the hour that ``at`` (Unix seconds) is in."""

    def put(self, name: str, value: float, at: float) -> None:
        """Replace the value of that hour, as a counter does."""

    def state(self, name: str, text: str) -> None:
        """Remember the last text."""

    def expect(self, profile_id: str, keys: list[str]) -> None:
        """Note keys a profile does not know yet."""


class NoSeries:
    """Counts nothing."""

    def add(self, name: str, values: Mapping[str, float], at: float) -> None:
        """Do nothing."""

    def put(self, name: str, value: float, at: float) -> None:
        """Do nothing."""

    def state(self, name: str, text: str) -> None:
        """Do nothing."""

    def expect(self, profile_id: str, keys: list[str]) -> None:
        """Do nothing."""


def flattened(document: Mapping[str, Any]) -> dict[str, Scalar]:
    """Return the numbers, texts and flags of an object by their joined keys."""
    return dict(_leaves("", document))


def _leaves(prefix: str, value: Any) -> Iterator[tuple[str, Scalar]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(f"{prefix}_{key}" if prefix else key, inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(f"{prefix}_{index}", inner)
    elif value is not None:
        yield prefix, value


def note_measurements(
    series: SeriesBook, device: Device, document: Mapping[str, Any], at: float
) -> None:
    """Keep what the profile names, and name what it wants to find by itself."""
    known = device.profile.measurements
    found = flattened(document)
    for key, value in found.items():
        if key in known:
            name = f"device:{device.dev_eui}:{key}"
            _note(series, name, known[key].kind, value, at)
    new = [key for key in found if key not in known]
    if new and device.profile.auto_detect_measurements:
        series.expect(device.profile.id, new)


def _note(series: SeriesBook, name: str, kind: int, value: Scalar, at: float) -> None:
    if kind == _KINDS.UNKNOWN:
        return
    if isinstance(value, bool):
        series.state(name, str(value).lower())
    elif isinstance(value, str):
        series.state(name, value)
    elif kind == _KINDS.COUNTER:
        series.put(name, value, at)
    elif kind in _NUMBERS:
        # A gauge needs the count to become a mean; an absolute does not look at it.
        series.add(name, {"value": value, "count": 1.0}, at)


def note_uplink(
    series: SeriesBook,
    dev_eui: str,
    *,
    frequency_hz: int,
    dr: int,
    max_rssi_dbm: int,
    max_snr_db: float,
    at: float,
) -> None:
    """Count an accepted uplink of a device."""
    series.add(
        f"device:{dev_eui}",
        {
            "rx_count": 1.0,
            "gw_rssi_sum": float(max_rssi_dbm),
            "gw_snr_sum": max_snr_db,
            _rx_name("freq", frequency_hz): 1.0,
            _rx_name("dr", dr): 1.0,
        },
        at,
    )


@lru_cache(maxsize=1024)
def _rx_name(kind: str, number: int) -> str:
    # One text for all devices.
    return f"rx_{kind}_{number}"


def note_error(series: SeriesBook, dev_eui: str, code: str, at: float) -> None:
    """Count an error of a device; ChirpStack counts those of joins only."""
    series.add(f"device:{dev_eui}", {f"error_{code}": 1.0}, at)


def note_stats(
    series: SeriesBook, plan: RegionPlan, stats: gw.GatewayStats, now: float
) -> None:
    """Count a gateway's statistics; nothing of them if a modulation is no data-rate."""
    tx = _per_data_rate(plan, stats.tx_packets_per_modulation)
    rx = _per_data_rate(plan, stats.rx_packets_per_modulation)
    if tx is None or rx is None:
        return
    at = stats.time.seconds if stats.HasField("time") else now
    series.add(
        f"gw:{stats.gateway_id.lower()}",
        {
            "rx_count": float(stats.rx_packets_received_ok),
            "tx_count": float(stats.tx_packets_emitted),
            **_floats("tx_freq", stats.tx_packets_per_frequency),
            **_floats("rx_freq", stats.rx_packets_per_frequency),
            **_floats("tx_status", stats.tx_packets_per_status),
            **_floats("tx_dr", tx),
            **_floats("rx_dr", rx),
        },
        at,
    )


def _floats(prefix: str, numbers: Mapping[Any, int]) -> dict[str, float]:
    return {f"{prefix}_{key}": float(number) for key, number in numbers.items()}


def _per_data_rate(plan: RegionPlan, counts: Any) -> dict[int, int] | None:
    found: dict[int, int] = {}
    for one in counts:
        dr = plan.uplink_data_rate(gw.UplinkTxInfo(modulation=one.modulation))
        if dr is None:
            return None
        # One per entry, whatever its count: that is ChirpStack.
        found[dr] = found.get(dr, 0) + 1
    return found
