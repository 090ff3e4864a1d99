from typing import Any

import pytest

from faas.testing import DEV_EUI, Sent, uplink
from handlers.street_light_motion import street_light_motion

SEEN = {"message": "status", "motion": True, "lux": 3.0, "level": 30}


def test_movement_after_dark_brightens_that_lamp_for_some_minutes() -> None:
    street_light_motion(uplink(SEEN), commands=(sent := Sent()))

    assert [(DEV_EUI, {"level": 100, "minutes": 5})] == sent
    assert ["motion"] == sent.whys


@pytest.mark.parametrize(
    "data",
    [
        {"motion": False},
        {"motion": None},
        {"lux": 400.0},
        {"lux": None},
        {"level": 100},
    ],
)
def test_otherwise_it_stays_quiet(data: dict[str, Any]) -> None:
    street_light_motion(uplink({**SEEN, **data}), commands=(sent := Sent()))

    assert [] == sent
