"""
The air between the devices and the gateways.

Every frame is judged once, at its end, for every gateway: only then is it known what
else was in the air meanwhile. On its way a reception can fail for one cause after
the other; the frame's cause is that of the gateway where it came furthest.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from gateway_sim.faults import Faults
from wire.air import FSK, AirFrame
from wire.declared import DeclaredGateway
from wire.eui64 import EUI64
from wire.lorawan.airtime import PREAMBLE_SYMBOLS, symbol_s
from wire.lorawan.region import Region
from wire.radio.plan import RadioPlan
from wire.radio.propagation import Link, Propagation, Site, chance

LATE_S = 0.25  # how late a frame may be handed in and still meet those judged already


class Cause(StrEnum):
    """Why no gateway heard a frame; the later ones came further."""

    CHANNEL = "channel"  # nobody listens on that frequency
    MODULATION = "modulation"  # nobody demodulates that in this region
    DIRECTION = "direction"  # sent with a gateway's polarisation
    WEAK = "weak"
    OUTAGE = "outage"  # the gateway is switched off
    HALF_DUPLEX = "half_duplex"  # the gateway was sending
    DEMODULATORS = "demodulators"  # all of them were busy when the preamble ended
    COLLISION = "collision"
    EXTRA = "extra"  # the share that is lost for no physical reason


_FURTHEST = {cause: stage for stage, cause in enumerate(Cause)}


class Reception(NamedTuple):
    """How one gateway heard a frame."""

    gateway_id: EUI64
    rssi_dbm: float
    snr_db: float
    channel: int


class Outcome(NamedTuple):
    """What became of one frame: heard by some gateways, or lost for a cause."""

    frame: AirFrame
    receptions: tuple[Reception, ...]
    cause: Cause | None


@dataclass(slots=True, eq=False)
class _Flight:
    """A frame on its way: per gateway how it arrives and why it is lost, if it is."""

    frame: AirFrame
    links: tuple[Link, ...]
    fates: list[Cause | None]
    others: list["_Flight"]
    is_judged: bool = False


@dataclass(slots=True)
class _Receiver:
    """One gateway's concentrator: its demodulators' and its own transmissions."""

    site: Site
    busy_until_s: list[float]
    sends: list[tuple[float, float]]

    def is_sending(self, from_s: float, until_s: float) -> bool:
        return any(start < until_s and from_s < end for start, end in self.sends)

    def busy(self, at_s: float) -> int:
        """How many demodulators work on a frame at this instant."""
        self.busy_until_s = [until for until in self.busy_until_s if until > at_s]
        return len(self.busy_until_s)


class Medium:
    """The frames in the air, and the gateways that listen."""

    def __init__(
        self,
        places: Sequence[DeclaredGateway],
        *,
        region: Region,
        seed: int,
        plan: RadioPlan | None = None,
        propagation: Propagation | None = None,
        faults: Faults | None = None,
    ) -> None:
        plan = RadioPlan() if plan is None else plan
        self._propagation = propagation or plan.propagation(seed)
        self._interference = plan.interference_model()
        self._demodulators = plan.demodulators
        self._extra_loss = plan.extra_loss
        self._seed = seed
        self._faults = faults or Faults()
        self._region = region
        self._channels = {
            channel.frequency_hz: channel.index for channel in region.stock_channels()
        }
        self._receivers = [
            _Receiver(Site(at.gateway_id, at.latitude, at.longitude), [], [])
            for at in places
        ]
        self._now = 0.0
        self._order = count()
        self._locks: list[tuple[float, int, _Flight]] = []
        self._ends: list[tuple[float, int, _Flight]] = []
        self._flights: defaultdict[int, list[_Flight]] = defaultdict(list)
        self._outcomes: list[Outcome] = []

    def transmit(self, frame: AirFrame) -> None:
        """Put a device's frame on the air; it is judged when it ends."""
        flight = _Flight(frame, (), [self._unheard_of(frame)], [])
        order = next(self._order)
        heappush(self._ends, (frame.end_s, order, flight))
        if flight.fates == [None]:
            self._arrive(flight)
            self._meet(flight)
            heappush(self._locks, (locks_at_s(frame), order, flight))

    def emit(self, frame: AirFrame) -> bool:
        """
        A gateway's frame: while it sends it hears nothing.

        False when the gateway has no power, and nothing is sent.
        """
        if self._faults.is_off(frame.sender, frame.start_s, frame.end_s):
            return False
        for receiver in self._receivers:
            if receiver.site.eui == frame.sender:
                recent = [one for one in receiver.sends if one[1] > self._now - 10.0]
                receiver.sends = [*recent, (frame.start_s, frame.end_s)]
        return True

    def tick(self, now: float) -> None:
        """Judge the frames that have ended by ``now``."""
        while self._ends and self._ends[0][0] <= now:
            end_s, _, flight = heappop(self._ends)
            while self._locks and self._locks[0][0] <= end_s:
                at_s, _, locking = heappop(self._locks)
                self._lock(locking, at_s)
            self._outcomes.append(self._judge(flight))
        self._now = max(self._now, now)

    def next_deadline(self) -> float | None:
        """When the next frame ends."""
        return self._ends[0][0] if self._ends else None

    def outcomes(self) -> list[Outcome]:
        """What became of the frames that ended, drained, in the order of their ends."""
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def _unheard_of(self, frame: AirFrame) -> Cause | None:
        """Why no gateway of this region would listen to such a frame."""
        if frame.iq_inverted:
            return Cause.DIRECTION
        if frame.frequency_hz not in self._channels:
            return Cause.CHANNEL
        factor, width_hz = frame.spreading_factor, frame.bandwidth_hz
        if factor == FSK or self._region.data_rate_of(factor, width_hz) is None:
            return Cause.MODULATION
        return None

    def _arrive(self, flight: _Flight) -> None:
        """How the frame comes to each gateway, and which of them could hear it."""
        frame, link = flight.frame, self._propagation.link
        flight.links = tuple(link(frame, one.site) for one in self._receivers)
        flight.fates = [
            self._audible(frame, receiver, arriving)
            for receiver, arriving in zip(self._receivers, flight.links, strict=True)
        ]

    def _audible(self, frame: AirFrame, at: _Receiver, link: Link) -> Cause | None:
        if not link.is_audible:
            return Cause.WEAK
        if self._faults.is_off(at.site.eui, frame.start_s, frame.end_s):
            return Cause.OUTAGE
        return None

    def _meet(self, flight: _Flight) -> None:
        """Let it know the other frames of its channel, and them it."""
        frame = flight.frame
        oldest_s = self._now - LATE_S
        flights = self._flights[frame.frequency_hz]
        flights[:] = [one for one in flights if one.frame.end_s > oldest_s]
        for other in flights:
            there = other.frame
            if there.end_s > frame.start_s and frame.end_s > there.start_s:
                flight.others.append(other)
                if not other.is_judged:
                    other.others.append(flight)
        flights.append(flight)

    def _lock(self, flight: _Flight, at_s: float) -> None:
        """The end of the preamble: every gateway that can gives it a demodulator."""
        for number, receiver in enumerate(self._receivers):
            if flight.fates[number] is not None:
                continue
            if receiver.is_sending(flight.frame.start_s, at_s):
                flight.fates[number] = Cause.HALF_DUPLEX
            elif receiver.busy(at_s) >= self._demodulators:
                flight.fates[number] = Cause.DEMODULATORS
            else:
                receiver.busy_until_s.append(flight.frame.end_s)

    def _judge(self, flight: _Flight) -> Outcome:
        receptions = tuple(self._receptions(flight)) if flight.links else ()
        flight.is_judged = True
        flight.others = []
        fates = [fate for fate in flight.fates if fate is not None]
        cause = None if receptions else max(fates, key=_FURTHEST.__getitem__)
        return Outcome(frame=flight.frame, receptions=receptions, cause=cause)

    def _receptions(self, flight: _Flight) -> Iterator[Reception]:
        for number, receiver in enumerate(self._receivers):
            fate = flight.fates[number] or self._fate(flight, number, receiver)
            flight.fates[number] = fate
            if fate is None:
                link = flight.links[number]
                yield Reception(
                    gateway_id=receiver.site.eui,
                    rssi_dbm=link.rssi_dbm,
                    snr_db=link.snr_db,
                    channel=self._channels[flight.frame.frequency_hz],
                )

    def _fate(self, flight: _Flight, number: int, at: _Receiver) -> Cause | None:
        """What can still happen to a frame that has its demodulator."""
        frame = flight.frame
        if at.sends and at.is_sending(frame.start_s, frame.end_s):
            return Cause.HALF_DUPLEX
        levels = [
            (other.frame, other.links[number].rssi_dbm) for other in flight.others
        ]
        rssi_dbm = flight.links[number].rssi_dbm
        if levels and self._interference.drowns(frame, rssi_dbm, levels):
            return Cause.COLLISION
        if self._extra_loss and self._is_lost(frame, at.site.eui):
            return Cause.EXTRA
        return None

    def _is_lost(self, frame: AirFrame, gateway_id: EUI64) -> bool:
        drawn = chance(self._seed, frame.sender, gateway_id, frame.start_s)
        return drawn < self._extra_loss


def locks_at_s(frame: AirFrame) -> float:
    """When a frame's preamble has been heard and a demodulator takes it."""
    symbols = PREAMBLE_SYMBOLS * symbol_s(frame.spreading_factor, frame.bandwidth_hz)
    return frame.start_s + min(symbols, frame.airtime_s)
