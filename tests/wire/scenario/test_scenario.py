"""A scenario file is read whole, or every fault of it is said."""

import json
import tomllib
from contextlib import suppress
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wire.errors import Malformed
from wire.scenario import Expectation, Scenario
from wire.scenario.kinds import Kind, Wrong
from wire.scenario.layout import holds, lay_out
from wire.scenario.schema import reference, schema
from wire.scenario.tables import TABLES

HOME = Path(__file__).parents[3]
FILES = sorted((HOME / "scenarios").glob("*.toml"))
SMALL = """
expect = ["joined = 1"]
[scenario]
name = "Small"
seed = 1
duration_s = 60
[places.square]
box = [43.6, 1.44, 43.61, 1.45]
[[gateways]]
name = "north"
latitude = 43.6
longitude = 1.44
[[fleets]]
name = "lamps"
device_type = "street-light"
count = 3
place = "square"
"""


def faults(text: str) -> list[str]:
    with pytest.raises(Malformed) as caught:
        Scenario.parse(text)
    return str(caught.value).splitlines()


def test_defaults_are_filled_in() -> None:
    scenario = Scenario.parse(SMALL)
    assert (20.0, 30.0, 1.0) == (
        scenario.spread_s,
        scenario.settle_s,
        scenario.world_speed,
    )
    assert 20.0 == scenario.fleets[0].spread_s


def test_every_fault_is_said_at_once() -> None:
    broken = SMALL.replace("count = 3", "count = 0\nspeed = 4").replace(
        '"Small"', '" "'
    )
    assert [
        "scenario: name is a text, not ' '",
        "fleets 1: count is a whole number from 1 to 100000, not 0",
        f"fleets 1: speed is none of its keys ({', '.join(TABLES['fleets'].keys)})",
    ] == faults(broken)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('[[faults]]\nkind = "gremlins"', "faults 1: kind is one of"),
        ('[[faults]]\nkind = "replay"\njump = 3', "faults 1: replay has no jump"),
        (
            '[[faults]]\nkind = "replay"\nfrom_s = 9\nuntil_s = 8',
            "faults 1: until_s is later than from_s",
        ),
        ('[[faults]]\nkind = "replay"\nfleet = "cars"', "there is no fleet 'cars'"),
        ('[[faults]]\nkind = "replay"\ngateway = "north"', "no fault of a gateway"),
        (
            '[[faults]]\nkind = "gateway_outage"\nfleet = "lamps"',
            "no fault of a fleet",
        ),
        ('[[faults]]\nkind = "gateway_outage"\ngateway = "x"', "no gateway 'x'"),
        ("[places.line]\nbox = [1, 2, 3]", "box is [south, west, north, east]"),
        ("[places.none]", "places.none has either a box or a polygon"),
        ('[radio]\nprofile = "vacuum"', "radio: profile is one of"),
        ("[weather]", "weather is no table of a scenario"),
        ('[[commands]]\nfleet = "lamps"\nobject = {}', "commands 1: at_s is missing"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(more: str, said: str) -> None:
    assert any(said in fault for fault in faults(f"{SMALL}\n{more}\n"))


def test_what_is_not_toml_is_said() -> None:
    assert ["is not TOML"] == [fault[:11] for fault in faults("[[")]


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(Malformed):
        Scenario.parse(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
KINDS = [
    (f"{table}.{name}", key.kind)
    for table, found in TABLES.items()
    for name, key in found.keys.items()
]


@pytest.mark.parametrize("kind", [k for _, k in KINDS], ids=[n for n, _ in KINDS])
@settings(max_examples=25)
@example(value=1.0)
@given(value=JSON)
def test_parser_and_schema_agree_about_any_value(kind: Kind, value: Any) -> None:
    read = True
    try:
        kind.read(value)
    except Wrong:
        read = False
    # The schema cannot say that south is below north, nor read an instant.
    if read:
        jsonschema.validate(value, kind.schema())
    elif not isinstance(value, str | list):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(value, kind.schema())


def as_json(value: Any) -> Any:
    """A TOML document as the JSON that the schema is about."""
    text = json.dumps(value, default=datetime.isoformat)
    return json.loads(text)


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_every_scenario_of_the_project_is_good(path: Path) -> None:
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    assert Scenario.of(document).expect
    jsonschema.validate(as_json(document), schema())


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("scenario", "seed"), "one"),
        (("scenario", "duration"), 3),
        (("fleets", 0, "count"), 0),
        (("gateways", 0, "latitude"), 91),
        (("expect", 0), "joined"),
        (("cities",), {}),
    ],
)
def test_schema_and_parser_refuse_the_same(where: tuple[Any, ...], value: Any) -> None:
    document = deepcopy(tomllib.loads(SMALL))
    at: Any = document
    for step in where[:-1]:
        at = at[step]
    at[where[-1]] = value
    with pytest.raises(Malformed):
        Scenario.of(document)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(as_json(document), schema())


def test_schema_file_and_reference_page_are_up_to_date() -> None:
    file = HOME / "scenarios" / "scenario.schema.json"
    assert schema() == json.loads(file.read_text(encoding="utf-8"))
    page = HOME / "docs" / "reference" / "scenario.md"
    assert page.read_text(encoding="utf-8").endswith(reference())


def test_the_same_seed_places_the_same_city_inside_the_place() -> None:
    scenario = Scenario.parse(SMALL)
    layout = lay_out(scenario)
    assert layout == lay_out(scenario)
    assert ["lamps-1", "lamps-2", "lamps-3"] == [d.name for d in layout.city.devices]
    outline = scenario.fleets[0].place
    assert all(holds(outline, d.latitude, d.longitude) for d in layout.city.devices)
    other = lay_out(Scenario.parse(SMALL.replace("seed = 1", "seed = 2")))
    assert layout.city.devices != other.city.devices


def test_a_fault_strikes_as_many_devices_as_it_says() -> None:
    fault = '[[faults]]\nkind = "replay"\ndevices = 2\n'
    scenario = Scenario.parse(SMALL + fault)
    layout = lay_out(scenario)
    struck = layout.device_faults(scenario)
    assert 2 == len(struck)
    assert set(struck) < set(layout.fleets["lamps"])


REPORT = {"lost": 0, "fleets": {"a": {"delivery": 1.0}, "b": {"delivery": 0.5}}}


@pytest.mark.parametrize(
    ("sentence", "found", "does_hold"),
    [
        ("lost = 0", "0", True),
        ("lost != 0", "0", False),
        ("fleets.a.delivery >= 0.98", "1", True),
        ("fleets.*.delivery >= 0.98", "fleets.b.delivery 0.5", False),
        ("fleets.*.delivery > 0.4", "fleets.a.delivery 1", True),
        ("fleets.c.delivery > 0", "the report has no such entry", False),
        ("fleets = 0", "the report has no such entry", False),
        ("lost < few", "0", False),
    ],
)
def test_an_expectation_is_judged_with_what_was_found(
    sentence: str, found: str, does_hold: bool
) -> None:
    finding = Expectation.parse(sentence).judge(REPORT)
    assert (sentence, found, does_hold) == (
        finding.expectation,
        finding.found,
        finding.holds,
    )


@given(st.text())
def test_any_sentence_is_an_expectation_or_refused(text: str) -> None:
    with suppress(Malformed):
        Expectation.parse(text).judge(REPORT)
