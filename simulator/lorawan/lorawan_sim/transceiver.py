"""The radio of one device: what it sends when the law lets it, what it can hear."""

from collections.abc import Iterable
from functools import cache
from random import Random
from typing import NamedTuple

from lorawan_sim.antenna import Antenna
from lorawan_sim.card import Card, Profile
from lorawan_sim.session import Channel
from lorawan_sim.windows import Slot, Tuning, Window
from wire.air import AirFrame
from wire.lorawan.airtime import lora_airtime_s
from wire.lorawan.region import DataRate, Region


class Order(NamedTuple):
    """
    A frame to send, and where its answers will be listened for.

    A named tuple, one being made for every uplink: use it by name.
    """

    phy_payload: bytes
    data_rate: int
    power_dbm: float
    rx1_delay_s: float
    rx1_dr_offset: int
    rx2: Tuning
    downlink_dwell: bool = False

    @property
    def size(self) -> int:
        """Octets of the whole PHYPayload."""
        return len(self.phy_payload)


class Transceiver:
    """
    Half-duplex radio with its duty cycle.

    `not_before` is the earliest instant of the next transmission. `windows`
    are those of the last one until they are closed: until `closes_at` an
    answer that was on time may be handed in.
    """

    __slots__ = (
        "_card",
        "_frames",
        "_locked_until",
        "_profile",
        "_sent",
        "antenna",
        "closes_at",
        "not_before",
        "windows",
    )

    def __init__(self, card: Card, profile: Profile, dice: Random) -> None:
        self._card = card
        self._profile = profile
        self._frames: list[AirFrame] = []
        self._locked_until = 0.0
        self._sent = (0.0, 0.0)
        self.windows: tuple[Window, ...] = ()
        self.closes_at = 0.0
        self.antenna = Antenna(profile.region, dice)
        self.not_before = 0.0

    @property
    def landed_at(self) -> float:
        """When the last window closed, on the clock of the air."""
        return self.windows[-1].closed_at

    @property
    def ended_at(self) -> float:
        """When the last frame's last symbol was sent."""
        return self._sent[1]

    def frames(self) -> list[AirFrame]:
        """The frames to send, drained."""
        drained, self._frames = self._frames, []
        return drained

    def airtime_s(self, size: int, data_rate: int) -> float:
        """How long `size` octets take."""
        rate = self._profile.data_rate(data_rate)
        return _airtime_s(size, rate.spreading_factor, rate.bandwidth_hz)

    def send(self, order: Order, channel: Channel, now: float) -> AirFrame:
        """Send on a channel that `antenna.choose` gave, and plan the windows."""
        rate = self._profile.data_rate(order.data_rate)
        airtime = self.airtime_s(len(order.phy_payload), order.data_rate)
        frame = AirFrame(
            phy_payload=order.phy_payload,
            frequency_hz=channel.frequency_hz,
            spreading_factor=rate.spreading_factor,
            bandwidth_hz=rate.bandwidth_hz,
            coding_rate="4/5",
            power_dbm=order.power_dbm,
            iq_inverted=False,
            start_s=now,
            airtime_s=airtime,
            sender=self._card.dev_eui,
            latitude=self._card.latitude,
            longitude=self._card.longitude,
        )
        self._frames.append(frame)
        self._sent = (now, now + airtime)
        self.antenna.spend(channel, airtime, now)
        self.windows = self._plan(order, channel, now + airtime)
        closed_at = self.windows[-1].closed_at + self._profile.late_s
        self.closes_at = max(closed_at, self._locked_until)
        return frame

    def land(self) -> None:
        """Close the windows: answered, or nothing can come any more."""
        self.windows = ()

    def slot(self, frame: AirFrame, always: Iterable[Tuning]) -> Slot | None:
        """Which ear hears this frame; `always` is what class C listens to."""
        for window in self.windows:
            if window.catches(frame):
                return window.slot
        if any(ear.hears(frame) for ear in always) and not self.is_deaf(frame):
            return Slot.RXC
        return None

    def lock(self, frame: AirFrame) -> bool:
        """Stay on a frame until its end; False while another one holds the radio."""
        if frame.start_s < self._locked_until:
            return False
        self._locked_until = frame.end_s
        self.closes_at = max(self.closes_at, frame.end_s)
        return True

    def near_miss(self, frame: AirFrame) -> str | None:
        """How far beside a window a frame came that was otherwise right."""
        for window in self.windows:
            if window.tuning.hears(frame):
                late_ms = window.late_by_s(frame) * 1000
                side = "after" if late_ms > 0 else "before"
                return (
                    f"a downlink came {abs(late_ms):.0f} ms {side} {window.slot} opened"
                )
        return None

    def is_deaf(self, frame: AirFrame) -> bool:
        """Whether it was sending itself while the frame was in the air."""
        started_at, ended_at = self._sent
        return frame.start_s < ended_at and started_at < frame.end_s

    def _plan(
        self, order: Order, channel: Channel, ended_at: float
    ) -> tuple[Window, ...]:
        region = self._profile.region
        rate = region.rx1_data_rate(
            order.data_rate, order.rx1_dr_offset, dwell=order.downlink_dwell
        )
        rx1 = tuned(self._profile.data_rate(rate), channel.downlink_hz)
        opens_at = ended_at + order.rx1_delay_s
        return (
            Window(Slot.RX1, opens_at, rx1),
            Window(Slot.RX2, opens_at + 1, order.rx2),
        )


def tuning(region: Region, data_rate: int, frequency_hz: int) -> Tuning:
    """What a receiver is set to for a data rate of the region."""
    return tuned(region.data_rate(data_rate), frequency_hz)


def tuned(rate: DataRate, frequency_hz: int) -> Tuning:
    """What a receiver is set to for this data rate."""
    return _tuning(frequency_hz, rate.spreading_factor, rate.bandwidth_hz)


@cache
def _tuning(frequency_hz: int, spreading_factor: int, bandwidth_hz: int) -> Tuning:
    return Tuning(
        frequency_hz=frequency_hz,
        spreading_factor=spreading_factor,
        bandwidth_hz=bandwidth_hz,
    )


@cache
def _airtime_s(size: int, spreading_factor: int, bandwidth_hz: int) -> float:
    return lora_airtime_s(
        size, spreading_factor=spreading_factor, bandwidth_hz=bandwidth_hz
    )
