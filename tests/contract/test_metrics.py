"""Measurements found in decoded objects, and the counts of links (contract §4.4)."""

from typing import Any

import pytest
from chirpstack_api import api, common, gw
from google.protobuf.timestamp_pb2 import Timestamp
from tests.contract.caller import Refusal
from tests.contract.world import World

from wire.lorawan.keys import Key

CODEC = """
function decodeUplink(input) {
  const b = input.bytes;
  return { data: { level: b[0], total: b[1], open: b[2] > 0, mode: "m" + b[3],
    gps: { lat: 1.5, list: [7, { deep: 8 }] }, nothing: null } };
}
"""


def now() -> Timestamp:
    stamp = Timestamp()
    stamp.GetCurrentTime()
    return stamp


def measurements(**kinds: str) -> dict[str, api.Measurement]:
    return {
        key: api.Measurement(name=key.title(), kind=api.MeasurementKind.Value(kind))
        for key, kind in kinds.items()
    }


def told(world: World, payload: bytes) -> None:
    """Send an uplink and wait until what it changes has been written."""
    world.when_uplink(payload)
    world.then_event("up")
    world.stage.settle()


def device_metrics(world: World, aggregation: str = "HOUR") -> Any:
    request = api.GetDeviceMetricsRequest(
        dev_eui=world.cast.dev_eui,
        start=now(),
        end=now(),
        aggregation=common.Aggregation.Value(aggregation),
    )
    answer = world.stage.caller.do("DeviceService/GetMetrics", request)
    world.show("DeviceService/GetMetrics", answer)
    return answer


def profile_of(world: World) -> Any:
    request = api.GetDeviceProfileRequest(id=world.cast.profile.id)
    answer = world.stage.caller.do("DeviceProfileService/Get", request)
    found = answer.device_profile.measurements
    world.show("measurements", api.DeviceProfile(measurements=found))
    return found


@pytest.mark.proves("feature:measurements")
def test_new_keys_of_objects_become_measurements(world: World) -> None:
    world.given_joined(auto_detect_measurements=True)
    world.given_codec(CODEC)
    told(world, b"\x01\x02\x03\x04")

    found = profile_of(world)

    assert {"level", "total", "open", "mode", "gps_lat", "gps_list_0"} <= set(found)
    assert {api.MeasurementKind.UNKNOWN} == {one.kind for one in found.values()}


@pytest.mark.proves("feature:measurements")
def test_nothing_is_found_unless_the_profile_says_so(world: World) -> None:
    world.given_joined()
    world.given_codec(CODEC)
    told(world, b"\x01\x02\x03\x04")

    assert {} == dict(profile_of(world))


@pytest.mark.proves("feature:measurements")
def test_what_was_named_is_kept_when_more_is_found(world: World) -> None:
    world.given_joined(
        auto_detect_measurements=True, measurements=measurements(level="GAUGE")
    )
    world.given_codec(CODEC)
    told(world, b"\x01\x02\x03\x04")

    assert api.MeasurementKind.GAUGE == profile_of(world)["level"].kind


@pytest.mark.proves("grpc:DeviceService/GetMetrics", "feature:measurements")
def test_a_gauge_is_averaged_a_counter_and_an_absolute_are_summed_up(
    world: World,
) -> None:
    world.given_joined(
        measurements=measurements(
            level="GAUGE", total="COUNTER", gps_lat="ABSOLUTE", open="GAUGE"
        )
    )
    world.given_codec(CODEC)
    for payload in (b"\x01\x0a\x01\x00", b"\x03\x0c\x01\x00", b"\x08\x0f\x00\x00"):
        told(world, payload)

    metrics = device_metrics(world).metrics

    assert [4.0] == list(metrics["level"].datasets[0].data)


@pytest.mark.proves("grpc:DeviceService/GetMetrics", "feature:measurements")
def test_texts_and_flags_are_states(world: World) -> None:
    world.given_joined(measurements=measurements(mode="STRING", open="STRING"))
    world.given_codec(CODEC)
    told(world, b"\x01\x02\x01\x04")

    states = device_metrics(world).states

    assert "m4" == states["mode"].value


@pytest.mark.proves("grpc:DeviceService/GetMetrics")
def test_a_device_that_said_nothing_has_empty_metrics(world: World) -> None:
    world.given_device(measurements=measurements(level="GAUGE", mode="STRING"))

    device_metrics(world)


@pytest.mark.proves("grpc:DeviceService/GetMetrics")
@pytest.mark.parametrize("aggregation", ["HOUR", "DAY", "MONTH", "MINUTE"])
def test_metrics_are_kept_by_hour_day_and_month(world: World, aggregation: str) -> None:
    world.given_joined(measurements=measurements(level="GAUGE"))
    world.given_codec(CODEC)
    told(world, b"\x05\x00\x00\x00")
    request = api.GetDeviceMetricsRequest(
        dev_eui=world.cast.dev_eui,
        start=now(),
        end=now(),
        aggregation=common.Aggregation.Value(aggregation),
    )
    answer = world.stage.caller.ask("DeviceService/GetMetrics", request)
    world.show("DeviceService/GetMetrics", answer)


@pytest.mark.proves("grpc:DeviceService/GetMetrics")
def test_a_range_has_a_point_for_every_hour(world: World) -> None:
    world.given_device(measurements=measurements(level="GAUGE"))
    end = now()
    request = api.GetDeviceMetricsRequest(
        dev_eui=world.cast.dev_eui,
        start=Timestamp(seconds=end.seconds - 5 * 3600),
        end=end,
    )

    answer = world.stage.caller.do("DeviceService/GetMetrics", request)

    assert 6 == len(answer.metrics["level"].timestamps)
    assert [0.0] * 6 == list(answer.metrics["level"].datasets[0].data)


def link_metrics(world: World) -> Any:
    request = api.GetDeviceLinkMetricsRequest(
        dev_eui=world.cast.dev_eui, start=now(), end=now()
    )
    answer = world.stage.caller.do("DeviceService/GetLinkMetrics", request)
    world.show("DeviceService/GetLinkMetrics", answer)
    return answer


@pytest.mark.proves("grpc:DeviceService/GetLinkMetrics", "feature:link-metrics")
def test_uplinks_are_counted_by_frequency_and_data_rate(world: World) -> None:
    world.given_joined()
    world.when_uplink(snr=-5.0, rssi=-97)
    world.then_event("up")
    world.stage.settle()
    world.when_uplink(dr=5, snr=-7.0, rssi=-91, frequency_hz=868_100_000)
    world.then_event("up")
    world.stage.settle()

    answer = link_metrics(world)

    assert [2.0] == list(answer.rx_packets.datasets[0].data)
    assert [-94.0] == list(answer.gw_rssi.datasets[0].data)


@pytest.mark.proves("grpc:DeviceService/GetLinkMetrics", "feature:link-metrics")
def test_errors_are_counted_by_name(world: World) -> None:
    world.given_joined()
    frame = world.when_uplink()
    world.then_event("up")
    world.stage.settle()
    world.stage.settle()
    world.when_frame(frame)
    world.then_event("log")
    world.stage.settle()
    world.when_join(key=Key(bytes(16)))
    world.then_event("log")
    world.stage.settle()

    link_metrics(world)


def stats(world: World) -> gw.GatewayStats:
    message = gw.GatewayStats(
        gateway_id=world.cast.gateways[0],
        rx_packets_received=7,
        rx_packets_received_ok=5,
        tx_packets_received=4,
        tx_packets_emitted=3,
        tx_packets_per_frequency={869_525_000: 3},
        rx_packets_per_frequency={868_100_000: 2, 868_300_000: 3},
        tx_packets_per_status={"OK": 3, "TOO_LATE": 1},
    )
    message.time.GetCurrentTime()
    for spreading_factor, count in ((9, 3), (7, 2)):
        one = message.rx_packets_per_modulation.add()
        one.count = count
        lora = one.modulation.lora
        lora.bandwidth, lora.spreading_factor = 125_000, spreading_factor
        lora.code_rate = gw.CodeRate.CR_4_5
    return message


@pytest.mark.proves("grpc:GatewayService/GetMetrics", "feature:link-metrics")
def test_a_gateways_statistics_are_counted(world: World) -> None:
    world.given_device()
    world.when_gateway_says("stats", stats(world).SerializeToString())
    world.stage.settle()
    request = api.GetGatewayMetricsRequest(
        gateway_id=world.cast.gateways[0], start=now(), end=now()
    )

    answer = world.stage.caller.do("GatewayService/GetMetrics", request)
    world.show("GatewayService/GetMetrics", answer)

    assert [5.0] == list(answer.rx_packets.datasets[0].data)


@pytest.mark.proves("grpc:GatewayService/GetDutyCycleMetrics")
def test_duty_cycles_nobody_reported_are_empty(world: World) -> None:
    world.given_device()
    request = api.GetGatewayDutyCycleMetricsRequest(
        gateway_id=world.cast.gateways[0], start=now(), end=now()
    )
    answer = world.stage.caller.ask("GatewayService/GetDutyCycleMetrics", request)
    world.show("GatewayService/GetDutyCycleMetrics", answer)

    assert not isinstance(answer, Refusal)


@pytest.mark.parametrize("missing", ["start", "end"])
def test_metrics_need_both_instants(world: World, missing: str) -> None:
    world.given_device()
    given = {"end": now()} if missing == "start" else {"start": now()}
    for method, request in (
        (
            "DeviceService/GetMetrics",
            api.GetDeviceMetricsRequest(dev_eui=world.cast.dev_eui, **given),
        ),
        (
            "DeviceService/GetLinkMetrics",
            api.GetDeviceLinkMetricsRequest(dev_eui=world.cast.dev_eui, **given),
        ),
        (
            "GatewayService/GetMetrics",
            api.GetGatewayMetricsRequest(gateway_id=world.cast.gateways[0], **given),
        ),
        (
            "GatewayService/GetDutyCycleMetrics",
            api.GetGatewayDutyCycleMetricsRequest(
                gateway_id=world.cast.gateways[0], **given
            ),
        ),
    ):
        answer = world.stage.caller.ask(method, request)
        world.show(method, answer)
        assert "INTERNAL" == answer.code
