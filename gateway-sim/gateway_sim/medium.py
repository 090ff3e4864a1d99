"""
The air between the devices and the gateways.

Every frame is judged once, at its end, for every gateway: only then is it known what
else was in the air meanwhile. A gateway hears it with the power that is left after
the distance and a constant of its own link (walls, trees), drawn from the seed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from heapq import heappop, heappush
from itertools import count
from random import Random

from wire.air import FSK, AirFrame, Link, gateway_hears, link
from wire.declared import DeclaredGateway
from wire.eui64 import EUI64
from wire.lorawan.region import Region

SHADOWING_SIGMA_DB = 3.0
CACHED_LINKS = 65_536


class Cause(StrEnum):
    """Why no gateway heard a frame."""

    WEAK = "weak"
    CHANNEL = "channel"  # nobody listens on that frequency
    MODULATION = "modulation"  # nobody demodulates that in this region
    DIRECTION = "direction"  # sent with a gateway's polarisation


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """How one gateway heard a frame."""

    gateway_id: EUI64
    rssi_dbm: float
    snr_db: float
    channel: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one frame: heard by some gateways, or lost for a cause."""

    frame: AirFrame
    receptions: tuple[Reception, ...]
    cause: Cause | None


class Medium:
    """The frames in the air, and the gateways that listen (all of them, always)."""

    def __init__(
        self,
        places: Sequence[DeclaredGateway],
        *,
        region: Region,
        seed: int,
        shadowing_sigma_db: float = SHADOWING_SIGMA_DB,
    ) -> None:
        self._places = tuple(places)
        self._region = region
        self._channels = {
            channel.frequency_hz: channel.index for channel in region.stock_channels()
        }
        self._seed = seed
        self._sigma_db = shadowing_sigma_db
        self._flying: list[tuple[float, int, AirFrame]] = []
        self._order = count()
        self._outcomes: list[Outcome] = []
        self._shadowing: dict[tuple[EUI64, EUI64], float] = {}

    def transmit(self, frame: AirFrame) -> None:
        """Put a device's frame on the air; it is judged when it ends."""
        heappush(self._flying, (frame.end_s, next(self._order), frame))

    def tick(self, now: float) -> None:
        """Judge the frames that have ended by ``now``."""
        while self._flying and self._flying[0][0] <= now:
            self._outcomes.append(self._judge(heappop(self._flying)[2]))

    def next_deadline(self) -> float | None:
        """When the next frame ends."""
        return self._flying[0][0] if self._flying else None

    def outcomes(self) -> list[Outcome]:
        """What became of the frames that ended, drained, in the order of their ends."""
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def _judge(self, frame: AirFrame) -> Outcome:
        receptions: tuple[Reception, ...] = ()
        cause = self._unheard_of(frame)
        if cause is None:
            receptions = tuple(self._receptions(frame))
            cause = None if receptions else Cause.WEAK
        return Outcome(frame=frame, receptions=receptions, cause=cause)

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

    def _receptions(self, frame: AirFrame) -> Iterator[Reception]:
        for place in self._places:
            heard = self._link(frame, place)
            if gateway_hears(heard, frame.spreading_factor):
                yield Reception(
                    gateway_id=place.gateway_id,
                    rssi_dbm=heard.rssi_dbm,
                    snr_db=heard.snr_db,
                    channel=self._channels[frame.frequency_hz],
                )

    def _link(self, frame: AirFrame, place: DeclaredGateway) -> Link:
        """The link budget, less the constant of this one link."""
        clear = link(frame, place.latitude, place.longitude)
        shadow_db = self._shadow_db(frame.sender, place.gateway_id)
        return replace(
            clear,
            rssi_dbm=clear.rssi_dbm - shadow_db,
            snr_db=clear.snr_db - shadow_db,
        )

    def _shadow_db(self, sender: EUI64, gateway_id: EUI64) -> float:
        """A constant per link: the same seed gives the same city."""
        key = (sender, gateway_id)
        if key not in self._shadowing:
            if len(self._shadowing) >= CACHED_LINKS:
                self._shadowing.clear()
            draw = Random(f"{self._seed}/{sender}/{gateway_id}")
            self._shadowing[key] = draw.gauss(0.0, self._sigma_db)
        return self._shadowing[key]
