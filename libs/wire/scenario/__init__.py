"""
A scenario: a city, its faults and what must come of it, in one TOML file.

Read purely and judged whole; `wire.scenario.tables` is the format as data.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Self

from wire.declared import DeclaredGateway
from wire.errors import Malformed
from wire.eui64 import EUI64
from wire.radio.plan import RadioPlan
from wire.scenario.expectation import Expectation, Finding
from wire.scenario.fault_kinds import FAULTS, Side
from wire.scenario.kinds import Outline, Wrong
from wire.scenario.reading import read_document

__all__ = [
    "Expectation",
    "Fault",
    "Finding",
    "FleetPlan",
    "Order",
    "Outline",
    "Scenario",
    "Side",
]

SHARED_KEYS = frozenset(
    ("kind", "fleet", "devices", "gateway", "from_s", "until_s", "rate")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPlan:
    """Devices of one type over one place; ``report_every_s`` None is the type's own."""

    name: str
    device_type: str
    count: int
    place: Outline
    report_every_s: float | None
    starts_s: float
    spread_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """
    One fault; times are seconds of the run, ``rate`` is a share of frames.

    ``fleet`` and ``gateway`` are empty for all, ``devices`` is None for all.
    """

    kind: str
    fleet: str
    devices: int | None
    gateway: str
    from_s: float
    until_s: float
    rate: float
    parameters: Mapping[str, float]

    @property
    def side(self) -> Side:
        """Where it is."""
        return FAULTS[self.kind].side

    def holds(self, at_s: float) -> bool:
        """Whether it is on at a second of the run."""
        return self.from_s <= at_s < self.until_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an operator asks of some devices of a fleet, once or every so often."""

    fleet: str
    object: Mapping[str, Any]
    at_s: float
    every_s: float | None
    devices: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """
    The whole file.

    ``declared`` names a folder of cities/, empty for none. ``world_begins`` is in
    Unix seconds. ``radio`` None and ``region`` empty are the declared city's.
    """

    name: str
    seed: int
    duration_s: float
    settle_s: float
    spread_s: float
    world_begins: float
    world_speed: float
    declared: str
    region: str
    radio: RadioPlan | None
    gateways: tuple[DeclaredGateway, ...]
    fleets: tuple[FleetPlan, ...]
    faults: tuple[Fault, ...]
    orders: tuple[Order, ...]
    expect: tuple[Expectation, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a scenario file; one Malformed names every fault, a line each."""
        try:
            document = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise Malformed(f"is not TOML: {error}") from error
        return cls.of(document)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Judge a document that was read; Malformed names every fault."""
        faults: list[str] = []
        tables = read_document(document, faults)
        if not faults:
            scenario = cls._built(tables, faults)
        if faults:
            raise Malformed("\n".join(faults))
        return scenario

    @classmethod
    def _built(cls, tables: Mapping[str, Any], faults: list[str]) -> Self:
        about, world, city = tables["scenario"], tables["world"], tables["city"]
        radio = tables["radio"]
        places = _places(tables["places"], faults)
        fleets = [_fleet(row, about, places, faults) for row in tables["fleets"]]
        scenario = cls(
            name=about["name"],
            seed=about["seed"],
            duration_s=about["duration_s"],
            settle_s=about["settle_s"],
            region=about["region"] or "",
            spread_s=about["spread_s"],
            world_begins=world["begins"],
            world_speed=world["speed"],
            declared="" if city is None else city["declared"],
            radio=None if radio is None else RadioPlan(**radio),
            gateways=tuple(_gateway(row) for row in tables["gateways"]),
            fleets=tuple(fleets),
            faults=tuple(
                _fault(f"faults {number}", row, about["duration_s"], faults)
                for number, row in enumerate(tables["faults"], start=1)
            ),
            orders=tuple(Order(**row) for row in tables["commands"]),
            expect=tuple(Expectation.parse(one) for one in tables["expect"]),
        )
        faults += _contradictions(scenario)
        return scenario

    def faults_of(self, side: Side) -> tuple[Fault, ...]:
        """The faults of one side, in the order of the file."""
        return tuple(fault for fault in self.faults if fault.side is side)


def _places(rows: Mapping[str, Any], faults: list[str]) -> dict[str, Outline]:
    places: dict[str, Outline] = {}
    for name, row in rows.items():
        given = [row[key] for key in ("box", "polygon") if row[key] is not None]
        if len(given) != 1:
            faults.append(f"places.{name} has either a box or a polygon")
        else:
            places[name] = given[0]
    return places


def _gateway(row: Mapping[str, Any]) -> DeclaredGateway:
    eui = row["gateway_id"]
    made = blake2b(row["name"].encode(), digest_size=6).digest()
    return DeclaredGateway(
        gateway_id=EUI64(b"\x02\x67" + made) if eui is None else EUI64.parse(eui),
        name=row["name"],
        latitude=row["latitude"],
        longitude=row["longitude"],
        altitude_m=row["altitude_m"],
    )


def _fleet(
    row: Mapping[str, Any],
    about: Mapping[str, Any],
    places: Mapping[str, Outline],
    faults: list[str],
) -> FleetPlan:
    if row["place"] not in places:
        known = ", ".join(places) or "none"
        faults.append(
            f"fleet {row['name']}: there is no place {row['place']!r} ({known})"
        )
    spread_s = row["spread_s"]
    return FleetPlan(
        name=row["name"],
        device_type=row["device_type"],
        count=row["count"],
        place=places.get(row["place"], ()),
        report_every_s=row["report_every_s"],
        starts_s=row["starts_s"],
        spread_s=about["spread_s"] if spread_s is None else spread_s,
    )


def _fault(
    where: str, row: Mapping[str, Any], duration_s: float, faults: list[str]
) -> Fault:
    kind = FAULTS[row["kind"]]
    given = {key: row[key] for key in row if row[key] is not None}
    strange = given.keys() - SHARED_KEYS - kind.parameters.keys()
    faults += [f"{where}: {row['kind']} has no {name}" for name in sorted(strange)]
    if kind.side is not Side.DEVICE and ("fleet" in given or "devices" in given):
        faults.append(f"{where}: {row['kind']} is no fault of a fleet")
    if kind.side is not Side.GATEWAY and "gateway" in given:
        faults.append(f"{where}: {row['kind']} is no fault of a gateway")
    until_s = given.get("until_s", duration_s)
    if not row["from_s"] < until_s:
        faults.append(f"{where}: until_s is later than from_s")
    parameters = {}
    for name, parameter in kind.parameters.items():
        parameters[name] = given.get(name, parameter.default)
        try:
            parameter.limits.read(parameters[name])
        except Wrong as wrong:
            faults.append(f"{where}: {name} of {row['kind']} {wrong}")
    return Fault(
        kind=row["kind"],
        fleet=given.get("fleet", ""),
        devices=given.get("devices"),
        gateway=given.get("gateway", ""),
        from_s=row["from_s"],
        until_s=until_s,
        rate=row["rate"],
        parameters=parameters,
    )


def _contradictions(scenario: Scenario) -> list[str]:
    """What no single table can know."""
    faults: list[str] = []
    if not scenario.fleets and not scenario.declared:
        faults.append("a scenario has [[fleets]], or a declared [city]")
    if not scenario.gateways and not scenario.declared:
        faults.append("a scenario has [[gateways]], or a declared [city]")
    faults += _twice("fleets", [fleet.name for fleet in scenario.fleets])
    faults += _twice("gateways", [gateway.name for gateway in scenario.gateways])
    faults += _twice("gateways", [str(one.gateway_id) for one in scenario.gateways])
    if not scenario.declared:  # whose types and gateways are not known here
        fleets = {fleet.name for fleet in scenario.fleets}
        gateways = {gateway.name for gateway in scenario.gateways}
        asked = [fault.fleet for fault in scenario.faults if fault.fleet]
        asked += [order.fleet for order in scenario.orders]
        faults += [f"there is no fleet {n!r}" for n in asked if n not in fleets]
        asked = [one.gateway for one in scenario.faults if one.gateway]
        faults += [f"there is no gateway {n!r}" for n in asked if n not in gateways]
    return faults


def _twice(what: str, names: list[str]) -> list[str]:
    again = sorted({name for name in names if names.count(name) > 1})
    return [f"{what}: {name} stands twice" for name in again]
