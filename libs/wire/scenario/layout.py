"""From a scenario to a declared city: who stands where, and who is struck by what."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import pairwise
from random import Random
from typing import Final

from wire.declared import DeclaredCity, DeclaredDevice
from wire.errors import Malformed
from wire.eui64 import EUI64
from wire.radio.plan import RadioPlan
from wire.scenario import Fault, FleetPlan, Outline, Scenario, Side

JOIN_EUI: Final = EUI64.parse("02676a0000000001")
TRIES: Final = 10_000
DEFAULT_REGION: Final = "eu868"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """
    A scenario's city, and by fleet the DevEUIs of its devices.

    ``report_every_s`` and ``starts`` (second of the run) are by DevEUI.
    """

    city: DeclaredCity
    fleets: Mapping[str, tuple[EUI64, ...]]
    report_every_s: Mapping[EUI64, float]
    starts_s: Mapping[EUI64, float]

    def struck(self, fault: Fault, seed: int) -> tuple[EUI64, ...]:
        """The devices that a fault concerns, chosen by the seed."""
        names = [fault.fleet] if fault.fleet else list(self.fleets)
        devices = [eui for name in names for eui in self.fleets.get(name, ())]
        if fault.devices is None or fault.devices >= len(devices):
            return tuple(devices)
        dice = _dice(seed, fault.kind, fault.fleet, fault.from_s)
        return tuple(sorted(dice.sample(devices, fault.devices)))

    def device_faults(self, scenario: Scenario) -> dict[EUI64, tuple[Fault, ...]]:
        """Every device's faults, in the order of the file."""
        found: dict[EUI64, tuple[Fault, ...]] = {}
        for fault in scenario.faults_of(Side.DEVICE):
            for eui in self.struck(fault, scenario.seed):
                found[eui] = (*found.get(eui, ()), fault)
        return found


def lay_out(scenario: Scenario, declared: DeclaredCity | None = None) -> Layout:
    """
    Place every device; the same scenario gives the same city.

    ``declared`` is the city that the scenario names. Malformed says what cannot be.
    """
    if scenario.declared and declared is None:
        raise Malformed(f"the declared city {scenario.declared!r} was not given")
    fleets: dict[str, tuple[EUI64, ...]] = {}
    devices = list(declared.provisioned) if declared else []
    for device in devices:
        before = fleets.get(device.device_type, ())
        fleets[device.device_type] = (*before, device.dev_eui)
    faults = [
        f"fleets: {one.name} stands twice"
        for one in scenario.fleets
        if one.name in fleets
    ]
    for plan in scenario.fleets:
        made = list(_fleet(plan, scenario.seed))
        fleets[plan.name] = tuple(device.dev_eui for device in made)
        devices += made
    faults += _unknown(scenario, fleets, declared)
    if faults:
        raise Malformed("\n".join(faults))
    return Layout(
        city=_city(scenario, declared, devices),
        fleets=fleets,
        report_every_s={
            eui: plan.report_every_s
            for plan in scenario.fleets
            if plan.report_every_s is not None
            for eui in fleets[plan.name]
        },
        starts_s=_starts(scenario, fleets),
    )


def _unknown(
    scenario: Scenario,
    fleets: Mapping[str, Sequence[EUI64]],
    declared: DeclaredCity | None,
) -> list[str]:
    gateways = {one.name for one in scenario.gateways}
    gateways |= {one.name for one in declared.gateways} if declared else set()
    asked = [fault.fleet for fault in scenario.faults if fault.fleet]
    asked += [order.fleet for order in scenario.orders]
    wrong = [f"there is no fleet {name!r}" for name in asked if name not in fleets]
    asked = [fault.gateway for fault in scenario.faults if fault.gateway]
    return wrong + [f"there is no gateway {n!r}" for n in asked if n not in gateways]


def _city(
    scenario: Scenario, declared: DeclaredCity | None, devices: list[DeclaredDevice]
) -> DeclaredCity:
    gateways = scenario.gateways or (declared.gateways if declared else ())
    radio = scenario.radio or (declared.radio if declared else RadioPlan())
    if declared is not None:
        return replace(
            declared,
            seed=scenario.seed,
            region=scenario.region or declared.region,
            gateways=gateways,
            devices=tuple(devices),
            radio=radio,
        )
    return DeclaredCity(
        name=scenario.name,
        seed=scenario.seed,
        region=scenario.region or DEFAULT_REGION,
        tenant="Scenarios",
        application="scenario",
        gateways=gateways,
        devices=tuple(devices),
        radio=radio,
    )


def _fleet(plan: FleetPlan, seed: int) -> Iterator[DeclaredDevice]:
    head = b"\x02\x66" + blake2b(plan.name.encode(), digest_size=3).digest()
    digits = len(str(plan.count))
    for number in range(1, plan.count + 1):
        dice = _dice(seed, plan.name, number, "place")
        latitude, longitude = point_within(plan.place, dice)
        yield DeclaredDevice(
            name=f"{plan.name}-{number:0{digits}}",
            device_type=plan.device_type,
            dev_eui=EUI64(head + number.to_bytes(3)),
            join_eui=JOIN_EUI,
            latitude=latitude,
            longitude=longitude,
            street="",
            district=plan.name,
            box=False,
        )


def point_within(outline: Outline, dice: Random) -> tuple[float, float]:
    """A point of an area; its first corner when the area is too thin to hit."""
    latitudes, longitudes = zip(*outline, strict=True)
    for _ in range(TRIES):
        latitude = round(dice.uniform(min(latitudes), max(latitudes)), 6)
        longitude = round(dice.uniform(min(longitudes), max(longitudes)), 6)
        if holds(outline, latitude, longitude):
            return latitude, longitude
    return outline[0]


def holds(outline: Outline, latitude: float, longitude: float) -> bool:
    """Whether a point is inside, by the even-odd rule."""
    inside = False
    for (from_lat, from_lon), (to_lat, to_lon) in pairwise((*outline, outline[0])):
        if (from_lat > latitude) != (to_lat > latitude):
            share = (latitude - from_lat) / (to_lat - from_lat)
            inside ^= longitude < from_lon + share * (to_lon - from_lon)
    return inside


def _dice(*what: object) -> Random:
    return Random("/".join(map(str, what)))  # noqa: S311 -- seeded, not secret


def _starts(
    scenario: Scenario, fleets: Mapping[str, Sequence[EUI64]]
) -> dict[EUI64, float]:
    plans = {plan.name: plan for plan in scenario.fleets}
    starts: dict[EUI64, float] = {}
    for name, devices in fleets.items():
        plan = plans.get(name)
        from_s = plan.starts_s if plan else 0.0
        spread_s = plan.spread_s if plan else scenario.spread_s
        for eui in devices:
            dice = _dice(scenario.seed, eui, "start")
            starts[eui] = from_s + dice.uniform(0, spread_s)
    return starts
