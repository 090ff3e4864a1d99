"""Street lights: bright while somebody is there, dim otherwise."""

from collections.abc import Mapping
from typing import Any

from faas import Commands, Uplink, on_uplink

DARK_BELOW_LUX = 10
FULL_PERCENT = 100
BRIGHT_MINUTES = 5


@on_uplink(device_type="street-light", message="status")
def street_light_motion(event: Uplink, commands: Commands) -> None:
    """
    Brighten the lamp that saw somebody, once, after dark.

    The lamp dims itself when its own timer runs out, so there is no second
    command to send and nothing to remember here.
    """
    lamp = event.data
    if lamp["motion"] and is_dark(lamp) and lamp["level"] < FULL_PERCENT:
        wanted = {"level": FULL_PERCENT, "minutes": BRIGHT_MINUTES}
        commands.send(event.dev_eui, wanted, why="motion")


def is_dark(lamp: Mapping[str, Any]) -> bool:
    """Tell whether the lamp says that it is dark; one without light sensor cannot."""
    return lamp["lux"] is not None and lamp["lux"] < DARK_BELOW_LUX
