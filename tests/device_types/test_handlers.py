"""Every handler understands every good example of the device types it listens to."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import handlers
from faas.events import Uplink
from faas.functions import Function, OnEvent, wants
from faas.loader import collect
from faas.testing import FixedClock, Remembered, Sent, Shown, Told, uplink

TYPES = Path(__file__).parents[2] / "chirpstack" / "device-types"
PORTS: dict[str, Callable[[], Any]] = {
    "clock": FixedClock,
    "commands": Sent,
    "notices": Told,
    "state": Remembered,
    "twin": Shown,
}
FUNCTIONS = [
    (function, function.trigger)
    for function in collect(handlers).values()
    if isinstance(function.trigger, OnEvent)
]


def events(folder: Path) -> list[Uplink]:
    """Return every good uplink example of a type as a handler would get it."""
    found = json.loads((folder / "examples.json").read_text("utf-8"))
    return [
        uplink(one["output"]["data"], device_type=folder.name)
        for one in found
        if one["type"] == "uplink" and "data" in one["output"]
    ]


EVENTS = {folder.name: events(folder) for folder in sorted(TYPES.iterdir())}


@pytest.mark.parametrize("device_type", EVENTS)
def test_somebody_listens_to_it(device_type: str) -> None:
    assert any(wants(t, one) for _, t in FUNCTIONS for one in EVENTS[device_type])


@pytest.mark.parametrize("device_type", EVENTS)
@pytest.mark.parametrize(
    ("function", "trigger"), FUNCTIONS, ids=lambda one: getattr(one, "name", "")
)
def test_a_handler_understands_every_good_example(
    function: Function[Any], trigger: OnEvent, device_type: str
) -> None:
    for one in EVENTS[device_type]:
        if wants(trigger, one):
            function(one, **{name: PORTS[name]() for name in function.ports})
