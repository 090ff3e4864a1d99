"""
What is left of a frame at another place: distance, shadow, walls.

The way between a gateway and a device is the same in both directions. Everything
that looks like chance is drawn from the seed and the two ends, so two programs with
one seed see one city, and the order of frames changes nothing.
"""

from collections.abc import Set as AbstractSet
from hashlib import blake2b
from itertools import product
from math import asin, cos, floor, log10, radians, sin, sqrt
from random import Random
from typing import Final, NamedTuple

from wire.air import AirFrame
from wire.eui64 import EUI64
from wire.radio.profiles import Fading, RadioProfile, Rayleigh, ShadowMap, noise_dbm

EARTH_RADIUS_M: Final = 6_371_008.8
CACHED_WAYS: Final = 262_144

# ns-3's building losses: outer walls (dB from, to, share), inner walls passed (share).
OUTER_WALLS: Final = ((4, 11, 0.25), (11, 19, 0.65), (19, 23, 0.10))
INNER_WALLS: Final = (0.2833, 0.2827, 0.284, 0.15)
INNER_WALL_DB: Final = (4.0, 10.0)
LEAST_SHARE: Final = 1e-12  # of its mean: how deep a fade may be, for the logarithm
DEPTH_M: Final = 15.0
DEPTH_DB_PER_M: Final = 0.6


class Site(NamedTuple):
    """Where one end of a way is; degrees."""

    eui: EUI64
    latitude: float
    longitude: float


class Way(NamedTuple):
    """The way between two sites, whatever is sent on it."""

    distance_m: float
    loss_db: float


class Link(NamedTuple):
    """
    How a frame arrives at one place; audible: strong enough, if it is alone.

    A named tuple, one being made for every frame and gateway: use it by name.
    """

    distance_m: float
    rssi_dbm: float
    snr_db: float
    is_audible: bool = True


class Propagation:
    """The way between every gateway and every device of one city."""

    def __init__(
        self,
        profile: RadioProfile,
        *,
        seed: int,
        indoors: AbstractSet[EUI64] = frozenset(),
    ) -> None:
        self.profile = profile
        self._seed = seed
        self._fades = isinstance(profile.shadow, Fading | Rayleigh)
        self._indoors = indoors if profile.has_buildings else frozenset()
        self._ways: dict[tuple[EUI64, float, float, Site, bool], Way] = {}
        self._least: dict[tuple[bool, int, int], float] = {}

    def link(self, frame: AirFrame, at: Site) -> Link:
        """How a frame arrives at a site; whoever inverts the IQ is the gateway."""
        key = (frame.sender, frame.latitude, frame.longitude, at, frame.iq_inverted)
        way = self._ways.get(key) or self._way(key)
        rssi_dbm = frame.power_dbm - way.loss_db
        if self._fades:
            rssi_dbm += self._fade_db(frame, at)
        return Link(
            way.distance_m,
            rssi_dbm,
            rssi_dbm - noise_dbm(frame.bandwidth_hz),
            rssi_dbm >= self._least_dbm(frame),
        )

    def _least_dbm(self, frame: AirFrame) -> float:
        key = (frame.iq_inverted, frame.spreading_factor, frame.bandwidth_hz)
        if key not in self._least:
            profile = self.profile
            least = profile.device_least_dbm if key[0] else profile.gateway_least_dbm
            self._least[key] = least(*key[1:])
        return self._least[key]

    def _way(self, key: tuple[EUI64, float, float, Site, bool]) -> Way:
        sender, at, sender_is_gateway = Site(*key[:3]), key[3], key[4]
        if len(self._ways) >= CACHED_WAYS:  # a fleet that moves
            self._ways.clear()
        ends = (sender, at) if sender_is_gateway else (at, sender)
        way = self._ways[key] = self._measure(*ends)
        return way

    def _measure(self, gateway: Site, device: Site) -> Way:
        away_m = distance_m(*gateway[1:], *device[1:])
        loss_db = self.profile.path_loss(away_m)
        loss_db -= self._shadow_db(gateway, device)
        if device.eui in self._indoors:
            loss_db += building_loss_db(Random(f"{self._seed}/{device.eui}/walls"))
        return Way(away_m, loss_db)

    def _shadow_db(self, gateway: Site, device: Site) -> float:
        """The shadow at a device's place for one gateway: between four grid nodes."""
        shadow = self.profile.shadow
        if not isinstance(shadow, ShadowMap):
            return 0.0
        scale = radians(1) * EARTH_RADIUS_M / shadow.grid_m
        north = (device.latitude - gateway.latitude) * scale
        east = (device.longitude - gateway.longitude) * scale
        east *= cos(radians(gateway.latitude))
        return shadow.sigma_db * self._interpolated(gateway.eui, east, north)

    def _interpolated(self, gateway_id: EUI64, east: float, north: float) -> float:
        """A deviate of variance 1 that changes smoothly from node to node."""
        column, row = floor(east), floor(north)
        x, y = east - column, north - row
        total = squares = 0.0
        for right, up in product((0, 1), (0, 1)):
            weight = (x if right else 1 - x) * (y if up else 1 - y)
            node = f"{self._seed}/{gateway_id}/{column + right}/{row + up}"
            total += weight * Random(node).gauss(0.0, 1.0)
            squares += weight * weight
        return total / sqrt(squares)

    def _fade_db(self, frame: AirFrame, at: Site) -> float:
        shadow = self.profile.shadow
        dice = Random(f"{self._seed}/{frame.sender}/{at.eui}/{frame.start_s!r}")
        if isinstance(shadow, Fading):
            return dice.gauss(0.0, shadow.sigma_db)
        return 10 * log10(max(dice.expovariate(1.0), LEAST_SHARE))


def distance_m(
    latitude: float, longitude: float, to_latitude: float, to_longitude: float
) -> float:
    """Great-circle distance between two places in degrees."""
    north = radians(to_latitude - latitude) / 2
    east = radians(to_longitude - longitude) / 2
    chord = sin(north) ** 2 + (
        cos(radians(latitude)) * cos(radians(to_latitude)) * sin(east) ** 2
    )
    return 2 * EARTH_RADIUS_M * asin(sqrt(min(chord, 1.0)))


def building_loss_db(random: Random) -> float:
    """What the walls around a device take: an outer one, and those inside."""
    least, most, _ = random.choices(OUTER_WALLS, [share for *_, share in OUTER_WALLS])[
        0
    ]
    outer_db = random.uniform(least, most)
    walls = random.choices(range(len(INNER_WALLS)), INNER_WALLS)[0]
    inner_db = walls * random.uniform(*INNER_WALL_DB)
    depth_db = DEPTH_DB_PER_M * random.uniform(0.0, DEPTH_M)
    return outer_db + max(inner_db, depth_db)


def chance(*key: object) -> float:
    """A number in [0, 1) that the key decides: the same for the same key."""
    text = "/".join(map(str, key)).encode()
    return int.from_bytes(blake2b(text, digest_size=7).digest()) / 2**56
