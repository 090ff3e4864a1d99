"""Beacons: every 128 s of GPS time, the same time from every gateway."""

from typing import Any

import pytest
from tests.gateway_sim.given import BOOT_S, CAPITOLE, JOLIMONT, SEED, downlink, item

from gateway_sim.gateway import Gateway
from wire.air import AirFrame
from wire.lorawan.beacon import Beacon
from wire.lorawan.gps import gps_from_unix
from wire.lorawan.region.eu868 import EU868


def beaconing(at: Any = CAPITOLE, **other: Any) -> Gateway:
    return Gateway(
        at, region=EU868, boot_s=BOOT_S, seed=SEED, **{"beacons": True, **other}
    )


def sent_until(gateway: Gateway, end_s: float) -> list[AirFrame]:
    frames: list[AirFrame] = []
    while (at := gateway.next_deadline()) is not None and at <= end_s:
        frames += gateway.transmissions(at)
    return frames


@pytest.mark.proves("feature:class-b")
def test_a_beacon_goes_every_128_s_of_gps_time() -> None:
    frames = sent_until(beaconing(), BOOT_S + 400)

    starts = [gps_from_unix(frame.start_s) for frame in frames]
    assert [0.0015] * 3 == pytest.approx([start % 128 for start in starts], abs=1e-5)
    assert [128, 128] == pytest.approx([starts[1] - starts[0], starts[2] - starts[1]])


def test_a_beacon_says_its_time_and_place_in_the_regions_way() -> None:
    (frame, *_) = sent_until(beaconing(), BOOT_S + 200)
    plan = EU868.class_b
    assert plan is not None

    beacon = Beacon.parse(frame.phy_payload, plan)

    assert int(gps_from_unix(frame.start_s)) == beacon.gps_seconds
    here = (CAPITOLE.latitude, CAPITOLE.longitude)
    assert here == pytest.approx((beacon.latitude, beacon.longitude), abs=2e-5)
    assert (869_525_000, 9, False) == (
        frame.frequency_hz,
        frame.spreading_factor,
        frame.iq_inverted,
    )
    assert 0.152576 == pytest.approx(frame.airtime_s)


def test_all_gateways_beacon_at_the_same_instant() -> None:
    starts = {
        frame.start_s
        for place in (CAPITOLE, JOLIMONT)
        for frame in sent_until(beaconing(place), BOOT_S + 200)
    }

    assert 1 == len({round(start, 6) for start in starts if start < BOOT_S + 129})


def test_a_frame_goes_around_the_beacon() -> None:
    gateway = beaconing()
    at = gateway.next_deadline()
    assert at is not None
    gateway.transmissions(at)
    beacon_s = at + 2.0

    gateway.request(downlink(item()), beacon_s - 0.1)
    frames = sent_until(gateway, beacon_s + 5)

    beacon, other = frames
    assert other.start_s >= beacon.end_s


@pytest.mark.parametrize("other", [{"beacons": False}, {"gps_locked": False}])
def test_without_gps_or_unasked_no_beacon_is_sent(other: Any) -> None:
    assert [] == sent_until(beaconing(**other), BOOT_S + 300)


def test_a_gateway_that_slept_sends_no_beacon_of_the_past() -> None:
    gateway = beaconing()

    late = gateway.transmissions(BOOT_S + 1000)
    frames = sent_until(gateway, BOOT_S + 1130)

    assert [] == late
    assert all(frame.start_s > BOOT_S + 1000 for frame in frames)
    assert 1 == len(frames)
