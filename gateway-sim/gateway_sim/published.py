"""
Published experiments, run on our own medium in virtual time.

Each function gives the share of frames that a gateway heard. What the others found
is in ``docs/reference/radio.md``; tests and ``scripts/bench radio`` compare.
"""

from collections.abc import Iterable, Iterator
from math import cos, pi, sin, sqrt
from random import Random

from gateway_sim.medium import Medium, Outcome
from wire.air import AirFrame
from wire.declared import DeclaredGateway
from wire.eui64 import EUI64
from wire.lorawan.airtime import lora_airtime_s
from wire.lorawan.region import Region
from wire.lorawan.region.eu868 import EU868
from wire.radio.plan import RadioPlan
from wire.radio.profiles import BANDWIDTH_HZ, FACTORS, PROFILES

CHANNELS_HZ = (868_100_000, 868_300_000, 868_500_000)
METRES_PER_DEGREE = 111_195.0
POWER_DBM = 14.0
GATEWAY = DeclaredGateway(
    gateway_id=EUI64.parse("0016c001f1500001"),
    name="centre",
    latitude=0.0,
    longitude=0.0,
    altitude_m=0.0,
)

NS3_PERIOD_S = 600.0
NS3_OCTETS = 32


def ns3_aloha(load_erlang: float, *, seed: int, devices: int = 1000) -> float:
    """aloha-throughput: everybody sends once, somewhere in one window, at SF7."""
    airtime_s = lora_airtime_s(59, spreading_factor=7, bandwidth_hz=125_000)
    window_s = devices * airtime_s / load_erlang
    random = Random(f"aloha/{seed}")
    starts = sorted(random.uniform(0.0, window_s) for _ in range(devices))
    frames = (
        device_frame(number, at_s, airtime_s, 7, CHANNELS_HZ[0], (0.0, 0.001))
        for number, at_s in enumerate(starts)
    )
    plan = RadioPlan(profile="ns3", interference="aloha", demodulators=devices)
    return share_heard(frames, plan, seed)


def ns3_complete(devices: int, radius_m: float, *, seed: int) -> float:
    """complete-network-example: once in 600 s each, SF by distance, 3 channels."""
    random = Random(f"complete/{seed}")
    frames = []
    for number in range(devices):
        place = in_disc(random, radius_m)
        factor = _ring(sqrt(place[0] ** 2 + place[1] ** 2) * METRES_PER_DEGREE)
        at_s = random.uniform(0.0, NS3_PERIOD_S)
        airtime_s = lora_airtime_s(
            NS3_OCTETS, spreading_factor=factor, bandwidth_hz=125_000
        )
        channel = random.choice(CHANNELS_HZ)
        frames.append(device_frame(number, at_s, airtime_s, factor, channel, place))
    frames.sort(key=lambda frame: frame.start_s)
    return share_heard(frames, RadioPlan(profile="ns3"), seed)


def demodulators(
    load_erlang: float, limit: int, *, seed: int, frames: int = 20_000
) -> float:
    """Frames that harm one another in no way, before so many demodulators."""
    random = Random(f"demodulators/{seed}")

    def arrivals() -> Iterator[AirFrame]:
        at_s = 0.0
        for number in range(frames):
            at_s += random.expovariate(load_erlang)
            # The preamble is over after 8 of the symbols: a demodulator's second.
            airtime_s = 1.0 + 8 * 2**7 / 125_000
            yield device_frame(number, at_s, airtime_s, 7, CHANNELS_HZ[0], (0.0, 0.001))

    plan = RadioPlan(profile="ns3", interference="none", demodulators=limit)
    return share_heard(arrivals(), plan, seed)


def share_heard(
    frames: Iterable[AirFrame],
    plan: RadioPlan,
    seed: int,
    region: Region = EU868,
) -> float:
    """Send frames (in the order of their starts) to one gateway: the share it heard."""
    air = Medium([GATEWAY], region=region, seed=seed, plan=plan)
    causes = [outcome.cause for outcome in outcomes(frames, air)]
    return causes.count(None) / len(causes)


def outcomes(frames: Iterable[AirFrame], air: Medium) -> Iterator[Outcome]:
    """Send frames (in the order of their starts): what became of each."""
    for frame in frames:
        air.tick(frame.start_s)
        air.transmit(frame)
        yield from air.outcomes()
    while (end_s := air.next_deadline()) is not None:
        air.tick(end_s)
        yield from air.outcomes()


def in_disc(random: Random, radius_m: float) -> tuple[float, float]:
    """A place in the disc, every square metre alike; degrees from the centre."""
    away = radius_m * sqrt(random.random()) / METRES_PER_DEGREE
    angle = random.uniform(0.0, 2 * pi)
    return away * sin(angle), away * cos(angle)


def _ring(distance_m: float) -> int:
    """The fastest spreading factor whose downlink would still reach a device."""
    ns3 = PROFILES["ns3"]
    level_dbm = POWER_DBM - ns3.path_loss(distance_m)
    reaching = [one for one in FACTORS if ns3.device_least_dbm(one) <= level_dbm]
    return min(reaching, default=max(FACTORS))


def device_frame(
    number: int,
    start_s: float,
    airtime_s: float,
    factor: int,
    channel_hz: int,
    place: tuple[float, float],
    *,
    bandwidth_hz: int = BANDWIDTH_HZ,
    power_dbm: float = POWER_DBM,
) -> AirFrame:
    """What device ``number`` sends from a place in degrees."""
    return AirFrame(
        phy_payload=b"",
        frequency_hz=channel_hz,
        spreading_factor=factor,
        bandwidth_hz=bandwidth_hz,
        power_dbm=power_dbm,
        iq_inverted=False,
        start_s=start_s,
        airtime_s=airtime_s,
        sender=EUI64(number.to_bytes(8)),
        latitude=place[0],
        longitude=place[1],
    )
