"""Metrics of devices, links and gateways, in the real server's words (§4.4)."""

from collections.abc import Iterator
from typing import Any

from chirpstack_api import api, common

from chirpstack_embedded.grpc_api.call import Call
from chirpstack_embedded.grpc_api.fields import parse_eui, timestamp, unix_seconds
from chirpstack_embedded.grpc_api.refusal import internal, not_found

_CALENDAR_S = range(-62_000_000_000, 253_300_000_000)  # the years 5 to 9996
Points = list[tuple[float, dict[str, float]]]
_KINDS = api.MeasurementKind
_METRIC_KINDS = {
    _KINDS.COUNTER: common.MetricKind.COUNTER,
    _KINDS.ABSOLUTE: common.MetricKind.ABSOLUTE,
    _KINDS.GAUGE: common.MetricKind.GAUGE,
}


def device_metrics(call: Call, request: Any) -> Any:
    """Return the measurements of a device."""
    device = call.device(parse_eui(request.dev_eui), write=False)
    _require_range(request)
    answer = api.GetDeviceMetricsResponse()
    for key, measurement in device.profile.measurements.items():
        name = f"device:{device.dev_eui}:{key}"
        if measurement.kind == _KINDS.STRING:
            answer.states[key].name = measurement.name
            answer.states[key].value = call.store.series.last_state(name)
        elif measurement.kind in _METRIC_KINDS:
            points = _points(call, name, request)
            metric = _metric(
                measurement.name or key, points, {key: _values(points, measurement)}
            )
            metric.kind = _METRIC_KINDS[measurement.kind]
            answer.metrics[key].CopyFrom(metric)
    return answer


def device_link_metrics(call: Call, request: Any) -> Any:
    """Return how well a device was heard, and its errors."""
    device = call.device(parse_eui(request.dev_eui), write=False)
    _require_range(request)
    points = _points(call, f"device:{device.dev_eui}", request)
    return api.GetDeviceLinkMetricsResponse(
        rx_packets=_metric("Received", points, {"rx_count": _of(points, "rx_count")}),
        gw_rssi=_metric("RSSI", points, {"rssi": _means(points, "gw_rssi_sum")}),
        gw_snr=_metric("SNR", points, {"snr": _means(points, "gw_snr_sum")}),
        rx_packets_per_freq=_family("Received / frequency", points, "rx_freq_"),
        rx_packets_per_dr=_family("Received / DR", points, "rx_dr_"),
        errors=_family("Errors", points, "error_"),
    )


def gateway_metrics(call: Call, request: Any) -> Any:
    """Return what a gateway's statistics add up to."""
    gateway_id = _gateway(call, request)
    _require_range(request)
    points = _points(call, f"gw:{gateway_id}", request)
    return api.GetGatewayMetricsResponse(
        rx_packets=_metric("Received", points, {"rx_count": _of(points, "rx_count")}),
        tx_packets=_metric(
            "Transmitted", points, {"tx_count": _of(points, "tx_count")}
        ),
        tx_packets_per_freq=_family("Transmitted / frequency", points, "tx_freq_"),
        rx_packets_per_freq=_family("Received / frequency", points, "rx_freq_"),
        tx_packets_per_dr=_family("Transmitted / DR", points, "tx_dr_"),
        rx_packets_per_dr=_family("Received / DR", points, "rx_dr_"),
        tx_packets_per_status=_family("TX packets / status", points, "tx_status_"),
    )


def gateway_duty_cycle_metrics(call: Call, request: Any) -> Any:
    """Return empty duty cycles: no gateway here reports any."""
    gateway_id = _gateway(call, request)
    _require_range(request)
    points = _points(call, f"gw:dc:{gateway_id}", request, "MINUTE")
    return api.GetGatewayDutyCycleMetricsResponse(
        max_load_percentage=_metric("Percentage of max tx duty-cycle", points, {}),
        window_percentage=_metric("Tx duty-cycle", points, {}),
    )


def _gateway(call: Call, request: Any) -> str:
    gateway_id = parse_eui(request.gateway_id)
    record = call.store.gateways.get(gateway_id)
    if record is None:
        call.require_admin(write=False)
        raise not_found(gateway_id)
    call.require(record.message.tenant_id, write=False)
    return gateway_id


def _require_range(request: Any) -> None:
    for name in ("start", "end"):
        if not request.HasField(name):
            raise internal(f"{name} is None")
        seconds = getattr(request, name).seconds
        if seconds not in _CALENDAR_S:
            raise internal(f"{name} is {seconds} s from 1970, which no calendar has")


def _points(call: Call, name: str, request: Any, aggregation: str = "") -> Points:
    known = common.Aggregation.values()
    value = request.aggregation if not aggregation else None
    if value is not None:
        aggregation = common.Aggregation.Name(value if value in known else 0)
    return call.store.series.read(
        name, aggregation, unix_seconds(request.start), unix_seconds(request.end)
    )


def _of(points: Points, key: str) -> list[float]:
    return [sums.get(key, 0.0) for _, sums in points]


def _values(points: Points, measurement: Any) -> list[float]:
    if measurement.kind != _KINDS.GAUGE:
        return _of(points, "value")
    return [_mean(sums, "value", "count") for _, sums in points]


def _means(points: Points, key: str) -> list[float]:
    return [_mean(sums, key, "rx_count") for _, sums in points]


def _mean(sums: dict[str, float], key: str, by: str) -> float:
    count = sums.get(by, 0.0)
    return sums.get(key, 0.0) / count if count else 0.0


def _family(name: str, points: Points, prefix: str) -> common.Metric:
    """Return one data set per frequency, data-rate, status or error that was seen."""
    keys = sorted(set(_keys(points, prefix)))
    data = {key.removeprefix(prefix): _of(points, key) for key in keys}
    return _metric(name, points, data)


def _keys(points: Points, prefix: str) -> Iterator[str]:
    for _, sums in points:
        yield from (key for key in sums if key.startswith(prefix))


def _metric(name: str, points: Points, data: dict[str, list[float]]) -> common.Metric:
    return common.Metric(
        name=name,
        timestamps=[timestamp(at) for at, _ in points],
        datasets=[
            common.MetricDataset(label=label, data=values)
            for label, values in data.items()
        ],
        kind=common.MetricKind.ABSOLUTE,
    )
