"""
The air between the devices and the gateways.

Every frame is judged once, at its end, for every gateway: only then is it known what
else was in the air meanwhile. A gateway hears it with the power that is left after
the distance and a constant of its own link (walls, trees), drawn from the seed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from heapq import heappop, heappush
from itertools import count
from random import Random

from wire.air import FSK, NS3, AirFrame, Link, distance_m, gateway_hears, path_loss_db
from wire.declared import DeclaredGateway
from wire.eui64 import EUI64
from wire.lorawan.region import Region

SHADOWING_SIGMA_DB = 3.0
CACHED_DEVICES = 65_536


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """The way from a device's place to one gateway."""

    gateway_id: EUI64
    distance_m: float
    loss_db: float


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
        self._paths: dict[tuple[EUI64, float, float], tuple[Path, ...]] = {}

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
        noise_dbm = NS3.noise_dbm(frame.bandwidth_hz)
        for path in self._paths_of(frame):
            rssi_dbm = frame.power_dbm - path.loss_db
            snr_db = rssi_dbm - noise_dbm
            heard = Link(distance_m=path.distance_m, rssi_dbm=rssi_dbm, snr_db=snr_db)
            if gateway_hears(heard, frame.spreading_factor):
                yield Reception(
                    gateway_id=path.gateway_id,
                    rssi_dbm=rssi_dbm,
                    snr_db=snr_db,
                    channel=self._channels[frame.frequency_hz],
                )

    def _paths_of(self, frame: AirFrame) -> tuple[Path, ...]:
        """The ways from where a device stands to every gateway, computed once."""
        key = (frame.sender, frame.latitude, frame.longitude)
        if (paths := self._paths.get(key)) is None:
            if len(self._paths) >= CACHED_DEVICES:
                self._paths.clear()
            paths = tuple(self._path(frame, place) for place in self._places)
            self._paths[key] = paths
        return paths

    def _path(self, frame: AirFrame, place: DeclaredGateway) -> Path:
        here = (frame.latitude, frame.longitude)
        there = (place.latitude, place.longitude)
        away_m = distance_m(*here, *there)
        shadow_db = self._shadow_db(frame.sender, place.gateway_id)
        return Path(
            gateway_id=place.gateway_id,
            distance_m=away_m,
            loss_db=path_loss_db(away_m) + shadow_db,
        )

    def _shadow_db(self, sender: EUI64, gateway_id: EUI64) -> float:
        """A constant per link: the same seed gives the same city."""
        draw = Random(f"{self._seed}/{sender}/{gateway_id}")
        return draw.gauss(0.0, self._sigma_db)
