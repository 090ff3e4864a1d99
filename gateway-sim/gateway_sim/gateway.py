"""
One gateway: stamps what it hears, and sends what it is asked to, exactly on time.

Its concentrator has a counter of microseconds (``tmst``) that wraps every 71 minutes.
An uplink's context is the counter at the *end* of the uplink; a downlink's delay counts
from there. Both are air times, whatever the instant at which this code runs.
"""

from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from gateway_sim.beacons import Beacons
from gateway_sim.duty_cycle import DutyCycle, Load
from gateway_sim.jit import JitQueue, TxStatus
from gateway_sim.medium import Reception
from gateway_sim.stats import Stats, Tally
from wire.air import FSK, AirFrame
from wire.declared import DeclaredGateway
from wire.eui64 import EUI64
from wire.lorawan.airtime import lora_airtime_s
from wire.lorawan.gps import unix_from_gps
from wire.lorawan.mhdr import Direction
from wire.lorawan.region import Region

TMST_MODULUS = 2**32
TMST_PER_S = 1_000_000
CONTEXT_BYTES = 4
EIRP_OVER_ERP_DB = 2.15
SNR_CEILING_DB = 14.0  # a demodulator's own estimate saturates about there
MAX_PHY_BYTES = 255


class Uplink(NamedTuple):
    """A frame as one gateway heard it; ``tmst`` is its end on the gateway's counter."""

    gateway_id: EUI64
    uplink_id: int
    frame: AirFrame
    tmst: int
    received_s: float
    rssi_dbm: float
    snr_db: float
    channel: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Immediately:
    """As soon as the concentrator is free (class C)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """So long after the end of the uplink that the item's context names."""

    delay_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GpsEpoch:
    """At an instant of GPS time (class B, groups); needs a locked GPS receiver."""

    time_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One way to send a downlink; ``spreading_factor`` 0 is anything but LoRa."""

    phy_payload: bytes
    frequency_hz: int
    power_dbm: int
    spreading_factor: int
    bandwidth_hz: int
    coding_rate: str
    iq_inverted: bool
    timing: Immediately | Delay | GpsEpoch | None
    context: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Downlink:
    """A request to send the first item that can be sent."""

    downlink_id: int
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TxAck:
    """
    The gateway's answer: one status per item, in the order of the items.

    ``start_s`` is when the accepted one will be on the air.
    """

    gateway_id: EUI64
    downlink_id: int
    statuses: tuple[TxStatus, ...]
    start_s: float | None = None


class Gateway:
    """A half of the LoRaWAN air interface, with a queue of its own."""

    def __init__(
        self,
        place: DeclaredGateway,
        *,
        region: Region,
        boot_s: float,
        seed: int,
        gps_locked: bool = True,
        beacons: bool = False,
    ) -> None:
        self.place = place
        self.gps_locked = gps_locked
        self._region = region
        self._boot_s = boot_s
        self._random = Random(f"{seed}/{place.gateway_id}")
        self._queue: JitQueue[AirFrame] = JitQueue()
        self._duty_cycle = DutyCycle(region.sub_bands)
        self._tally = Tally()
        self._beacons = Beacons(place, region) if beacons else None
        self.obeys_duty_cycle = True

    def hear(self, frame: AirFrame, reception: Reception) -> Uplink:
        """Stamp a frame that this gateway received."""
        self._tally.received.count(frame)
        return Uplink(
            gateway_id=self.place.gateway_id,
            uplink_id=self._random.getrandbits(32),
            frame=frame,
            tmst=self.count_us(frame.end_s) % TMST_MODULUS,
            received_s=frame.end_s,
            rssi_dbm=reception.rssi_dbm,
            snr_db=min(reception.snr_db, SNR_CEILING_DB),
            channel=reception.channel,
        )

    def request(self, downlink: Downlink, now: float) -> TxAck:
        """Queue the first item that can be sent; the answer is decided here."""
        statuses: list[TxStatus] = []
        start_s: float | None = None
        for item in downlink.items:
            if start_s is not None:
                statuses.append(TxStatus.IGNORED)
                continue
            placed = self._queue_item(item, now)
            if isinstance(placed, TxStatus):
                statuses.append(placed)
            else:
                statuses.append(TxStatus.OK)
                start_s = placed
        self._tally.request(statuses)
        return TxAck(
            gateway_id=self.place.gateway_id,
            downlink_id=downlink.downlink_id,
            statuses=tuple(statuses),
            start_s=start_s,
        )

    def transmissions(self, now: float) -> list[AirFrame]:
        """Take the frames whose start is so near that they are programmed by now."""
        self._claim_beacons(now)
        due = self._queue.due(now)
        for frame in due:
            self._tally.emitted.count(frame)
        return due

    def next_deadline(self) -> float | None:
        """When ``transmissions`` has the next frame."""
        queued = self._queue.next_deadline()
        if self._beacons is None or not self.gps_locked:
            return queued
        beacon = self._beacons.next_deadline(self._boot_s)
        return min((at for at in (queued, beacon) if at is not None), default=None)

    def loads(self, now: float) -> list[Load]:
        """What of each sub-band's hourly budget is spent."""
        return self._duty_cycle.loads(now)

    def stats(self, now: float) -> Stats:
        """What happened since the last time this was asked."""
        tally, self._tally = self._tally, Tally()
        return tally.stats(self.place, at_s=now, loads=self.loads(now))

    def _claim_beacons(self, now: float) -> None:
        if self._beacons is None or not self.gps_locked:
            return
        for frame in self._beacons.due(now):
            sub_band = self._region.sub_band(frame.frequency_hz)
            if sub_band is not None:
                self._duty_cycle.book(sub_band, frame.airtime_s, frame.start_s)
            self._queue.add(frame.start_s, frame.airtime_s, frame)

    def _queue_item(self, item: Item, now: float) -> float | TxStatus:
        """Promise the air to an item: when it starts, or why it does not."""
        sub_band = self._region.sub_band(item.frequency_hz)
        if not self._can_modulate(item):
            return TxStatus.INTERNAL_ERROR
        if sub_band is None:
            return TxStatus.TX_FREQ
        if item.power_dbm > sub_band.max_erp_dbm + EIRP_OVER_ERP_DB:
            return TxStatus.TX_POWER
        frame = self._frame(item)
        start_s = self._start_s(item, frame.airtime_s, now)
        if isinstance(start_s, TxStatus):
            return start_s
        fits = self._duty_cycle.fits(sub_band, frame.airtime_s, start_s)
        if self.obeys_duty_cycle and not fits:
            return TxStatus.DUTY_CYCLE_OVERFLOW
        self._duty_cycle.book(sub_band, frame.airtime_s, start_s)
        self._queue.add(start_s, frame.airtime_s, frame._replace(start_s=start_s))
        return start_s

    def _can_modulate(self, item: Item) -> bool:
        rate = self._region.data_rate_of(
            item.spreading_factor, item.bandwidth_hz, Direction.DOWN
        )
        is_lora = rate is not None and item.spreading_factor != FSK
        is_sized = 0 < len(item.phy_payload) <= MAX_PHY_BYTES
        return is_lora and is_sized and item.coding_rate != ""

    def _start_s(self, item: Item, airtime_s: float, now: float) -> float | TxStatus:
        """When the item would start, or why it cannot."""
        match item.timing:
            case Immediately():
                start_s = self._queue.earliest_s(airtime_s, now)
                return TxStatus.QUEUE_FULL if start_s is None else start_s
            case Delay(delay_s=delay_s) if len(item.context) == CONTEXT_BYTES:
                start_s = self._after(item.context, delay_s, now)
                status = self._queue.check(start_s, airtime_s, now)
                return start_s if status is TxStatus.OK else status
            case GpsEpoch() if not self.gps_locked:
                return TxStatus.GPS_UNLOCKED
            case GpsEpoch(time_s=time_s):
                start_s = unix_from_gps(time_s)
                status = self._queue.check(start_s, airtime_s, now)
                return start_s if status is TxStatus.OK else status
            case _:
                return TxStatus.INTERNAL_ERROR

    def _after(self, context: bytes, delay_s: float, now: float) -> float:
        """
        The instant ``delay_s`` after the counter value in ``context``.

        The counter holds 32 bits: what has passed already looks like more than an
        hour ahead, so the queue finds it too early (as a real concentrator does).
        """
        wanted = int.from_bytes(context, "big") + round(delay_s * TMST_PER_S)
        now_us = self.count_us(now)
        ahead_us = (wanted - now_us) % TMST_MODULUS
        return self._boot_s + (now_us + ahead_us) / TMST_PER_S

    def _frame(self, item: Item) -> AirFrame:
        return AirFrame(
            phy_payload=item.phy_payload,
            frequency_hz=item.frequency_hz,
            spreading_factor=item.spreading_factor,
            bandwidth_hz=item.bandwidth_hz,
            coding_rate=item.coding_rate,
            power_dbm=item.power_dbm,
            iq_inverted=item.iq_inverted,
            start_s=0.0,
            airtime_s=lora_airtime_s(
                len(item.phy_payload),
                spreading_factor=item.spreading_factor,
                bandwidth_hz=item.bandwidth_hz,
                crc=False,  # downlinks carry none
            ),
            sender=self.place.gateway_id,
            latitude=self.place.latitude,
            longitude=self.place.longitude,
        )

    def count_us(self, instant_s: float) -> int:
        """Microseconds since the concentrator started, not yet wrapped."""
        return round((instant_s - self._boot_s) * TMST_PER_S)
