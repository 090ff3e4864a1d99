"""A class B gateway's beacons: every 128 s of GPS time, exactly (1.0.3 §15)."""

from math import floor

from wire.air import AirFrame
from wire.declared import DeclaredGateway
from wire.lorawan.beacon import Beacon
from wire.lorawan.class_b import BEACON_DELAY_S, BEACON_PERIOD_S, beacon_airtime_s
from wire.lorawan.gps import gps_from_unix, unix_from_gps
from wire.lorawan.region import Region

LEAD_S = 2.0
"""How long ahead a beacon claims its air: frames asked for later go around it."""


class Beacons:
    """The beacons of one gateway, or none where the region has no class B."""

    def __init__(self, place: DeclaredGateway, region: Region) -> None:
        self._place = place
        self._plan = region.class_b
        self._region = region
        self._next_gps_s: int | None = None

    def next_deadline(self, now: float) -> float | None:
        """When the next beacon claims its air; ``now`` is only needed at first."""
        if self._plan is None:
            return None
        return self._start_s(self._coming(now)) - LEAD_S

    def due(self, now: float) -> list[AirFrame]:
        """The beacons to queue now; those whose second has passed are left out."""
        frames: list[AirFrame] = []
        while self._plan and self._start_s(self._coming(now)) - LEAD_S <= now:
            gps_s = self._coming(now)
            self._next_gps_s = gps_s + BEACON_PERIOD_S
            if self._start_s(gps_s) > now:
                frames.append(self._frame(gps_s))
            else:
                self._next_gps_s = _after(now)
        return frames

    def _coming(self, now: float) -> int:
        if self._next_gps_s is None:
            self._next_gps_s = _after(now)
        return self._next_gps_s

    def _start_s(self, gps_s: int) -> float:
        return unix_from_gps(gps_s) + BEACON_DELAY_S

    def _frame(self, gps_s: int) -> AirFrame:
        plan = self._plan
        assert plan is not None  # noqa: S101 -- `due` and `next_deadline` have seen to it
        rate = self._region.data_rate(plan.beacon_data_rate)
        frequency_hz = plan.beacon_frequency_hz(gps_s)
        beacon = Beacon(
            gps_seconds=gps_s,
            latitude=self._place.latitude,
            longitude=self._place.longitude,
        )
        return AirFrame(
            phy_payload=beacon.octets(plan),
            frequency_hz=frequency_hz,
            spreading_factor=rate.spreading_factor,
            bandwidth_hz=rate.bandwidth_hz,
            power_dbm=self._region.gateway_eirp_dbm(frequency_hz),
            iq_inverted=False,  # as opposed to every other frame that comes down
            start_s=self._start_s(gps_s),
            airtime_s=beacon_airtime_s(
                plan.beacon_size, rate.spreading_factor, rate.bandwidth_hz
            ),
            sender=self._place.gateway_id,
            latitude=self._place.latitude,
            longitude=self._place.longitude,
        )


def _after(now: float) -> int:
    """The GPS second of the first beacon that can still be claimed air for."""
    periods = floor((gps_from_unix(now) - BEACON_DELAY_S) / BEACON_PERIOD_S)
    return (periods + 1) * BEACON_PERIOD_S
