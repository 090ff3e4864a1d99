"""
The format of a scenario file, as data: its tables, their keys, what each may be.

The parser, the JSON Schema and the reference page are all made from these tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from wire.lorawan.region.catalogue import REGIONS
from wire.radio.interference import MATRICES
from wire.radio.plan import MOST_DEMODULATORS, RadioPlan
from wire.radio.profiles import PROFILES
from wire.scenario.fault_kinds import FAULTS, Parameter
from wire.scenario.kinds import (
    Anything,
    Box,
    Instant,
    Kind,
    Number,
    OneOf,
    Polygon,
    Text,
    Whole,
)

_AIR: Final = RadioPlan()
A_DAY_S: Final = 86_400
NAME: Final = Text(
    pattern=r"^[a-z][a-z0-9-]{0,39}$", wanted="a name of small letters, digits and -"
)
EUI: Final = Text(pattern=r"^[0-9a-fA-F]{16}$", wanted="16 hexadecimal digits")
EXPECTATION: Final = Text(
    pattern=r"^\s*[A-Za-z_][\w-]*(\.[\w*-]+)*\s*(=|!=|<=|>=|<|>)\s*\S.*$",
    wanted='a path, an operator and a value, as "uplinks.lost = 0"',
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of a table."""

    kind: Kind
    about: str
    required: bool = False
    default: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """
    One table of the file.

    ``many``: an array of tables. ``named``: a table of tables, by name.
    """

    about: str
    keys: Mapping[str, Key]
    many: bool = False
    named: bool = False


def _seconds(about: str, default: float | None = None, low: float = 0.0) -> Key:
    kind = Number(low=low, high=30 * A_DAY_S)
    return Key(kind=kind, about=about, default=default)


def _parameter_keys() -> dict[str, Key]:
    found: dict[str, list[tuple[str, Parameter]]] = {}
    for fault, kind in FAULTS.items():
        for name, parameter in kind.parameters.items():
            found.setdefault(name, []).append((fault, parameter))
    return {name: _merged(uses) for name, uses in found.items()}


def _merged(uses: list[tuple[str, Parameter]]) -> Key:
    low = min(parameter.limits.low for _, parameter in uses)
    high = max(parameter.limits.high for _, parameter in uses)
    about = "; ".join(f"`{fault}`: {parameter.about}" for fault, parameter in uses)
    return Key(kind=Number(low=low, high=high), about=about)


SCENARIO: Final = Table(
    about="What the run is called and how long it takes.",
    keys={
        "name": Key(kind=Text(), about="a title", required=True),
        "seed": Key(
            kind=Whole(low=0, high=2**32 - 1),
            about="same seed, same run",
            required=True,
        ),
        "duration_s": Key(
            kind=Number(low=1, high=30 * A_DAY_S),
            about="seconds from the first device's start to the end",
            required=True,
        ),
        "region": Key(
            kind=OneOf(names=tuple(REGIONS)),
            about="the region, such as `us915_1`; else the declared city's, or `eu868`",
        ),
        "spread_s": _seconds("over how long the devices are switched on", 20.0),
        "settle_s": _seconds(
            "how long what is under way at the end may take to arrive", 30.0
        ),
    },
)
WORLD: Final = Table(
    about="The world that the devices sense: sun, people, cars, weather.",
    keys={
        "begins": Key(
            kind=Instant(),
            about="what its clock shows at the start",
            default=1_790_879_400.0,  # 2026-10-01T20:30:00+02:00, after sunset
        ),
        "speed": Key(
            kind=Number(low=0.001, high=100_000),
            about="its seconds in one of ours; radio and windows never change",
            default=1.0,
        ),
    },
)
CITY: Final = Table(
    about="A declared city to take part as it stands in `cities/`; each device type "
    "of it is a fleet of that name.",
    keys={"declared": Key(kind=NAME, about="the folder's name", required=True)},
)
PLACES: Final = Table(
    named=True,
    about="Areas that fleets are spread over: a box or a polygon each.",
    keys={
        "box": Key(kind=Box(), about="`[south, west, north, east]`, degrees"),
        "polygon": Key(kind=Polygon(), about="`[[latitude, longitude], …]`"),
    },
)
GATEWAYS: Final = Table(
    many=True,
    about="Gateways; without any, those of the declared city.",
    keys={
        "name": Key(kind=NAME, about="its name", required=True),
        "gateway_id": Key(kind=EUI, about="its EUI; made from its name if missing"),
        "latitude": Key(kind=Number(low=-90, high=90), about="degrees", required=True),
        "longitude": Key(
            kind=Number(low=-180, high=180), about="degrees", required=True
        ),
        "altitude_m": Key(
            kind=Number(low=-500, high=9000), about="metres", default=150.0
        ),
    },
)
FLEETS: Final = Table(
    many=True,
    about="Devices of one type, spread over a place by the seed.",
    keys={
        "name": Key(kind=NAME, about="its name, also of its devices", required=True),
        "device_type": Key(
            kind=NAME, about="a folder of chirpstack/device-types", required=True
        ),
        "count": Key(kind=Whole(low=1, high=100_000), about="how many", required=True),
        "place": Key(kind=NAME, about="one of `places`", required=True),
        "report_every_s": _seconds(
            "period of its reports instead of the type's own; refused when it breaks "
            "the duty cycle at the data rate of its farthest device",
            low=1.0,
        ),
        "starts_s": _seconds("when it is switched on, seconds of the run", 0.0),
        "spread_s": _seconds("over how long; the scenario's if missing"),
    },
)
FAULT_TABLE: Final = Table(
    many=True,
    about="What goes wrong, where and when.",
    keys={
        "kind": Key(
            kind=OneOf(names=tuple(FAULTS)), about="which, see below", required=True
        ),
        "fleet": Key(kind=NAME, about="of which fleet; all fleets if missing"),
        "devices": Key(
            kind=Whole(low=1, high=100_000),
            about="of how many of its devices, chosen by the seed; all if missing",
        ),
        "gateway": Key(kind=NAME, about="of which gateway; all if missing"),
        "from_s": _seconds("since when, seconds of the run", 0.0),
        "until_s": _seconds("until when; the end of the run if missing"),
        "rate": Key(
            kind=Number(low=0, high=1),
            about="share of frames (of messages, on a backhaul) it happens to",
            default=1.0,
        ),
        **_parameter_keys(),
    },
)
COMMANDS: Final = Table(
    many=True,
    about="What an operator asks for during the run.",
    keys={
        "fleet": Key(kind=NAME, about="of which fleet", required=True),
        "object": Key(kind=Anything(), about="what its codec encodes", required=True),
        "at_s": Key(
            kind=Number(low=0, high=30 * A_DAY_S),
            about="when first, seconds of the run",
            required=True,
        ),
        "every_s": _seconds("and again so often; once if missing", low=1.0),
        "devices": Key(
            kind=Whole(low=1, high=100_000),
            about="how many devices at a time, chosen by the seed",
            default=1,
        ),
    },
)

RADIO: Final = Table(
    about="The air; the declared city's own if missing.",
    keys={
        "profile": Key(
            kind=OneOf(names=tuple(PROFILES)),
            about="path loss, shadow and sensitivities",
            default=_AIR.profile,
        ),
        "interference": Key(
            kind=OneOf(names=tuple(MATRICES)),
            about="which frames drown which",
            default=_AIR.interference,
        ),
        "demodulators": Key(
            kind=Whole(low=1, high=MOST_DEMODULATORS),
            about="frames a gateway reads at a time",
            default=_AIR.demodulators,
        ),
        "extra_loss": Key(
            kind=Number(low=0, high=1),
            about="share of receptions lost for no physical reason",
            default=_AIR.extra_loss,
        ),
    },
)

TABLES: Final[Mapping[str, Table]] = {
    "scenario": SCENARIO,
    "world": WORLD,
    "city": CITY,
    "radio": RADIO,
    "places": PLACES,
    "gateways": GATEWAYS,
    "fleets": FLEETS,
    "faults": FAULT_TABLE,
    "commands": COMMANDS,
}
