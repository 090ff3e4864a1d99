"""
One module per device type, found by the name of its folder in the catalogue.

A module offers `behaviour` (see `lorawan_sim.behaviour.Maker`) and `encode`, which
turns a decoded document of the type's examples into port and payload.
"""

from importlib import import_module
from importlib.util import find_spec

from lorawan_sim.behaviour import Maker


def module_name(device_type: str) -> str:
    """Return the module that simulates `device_type` (`street-light`)."""
    return f"{__name__}.{device_type.replace('-', '_')}"


def is_simulated(device_type: str) -> bool:
    """Tell whether there is a simulator for `device_type`."""
    return find_spec(module_name(device_type)) is not None


def maker(device_type: str) -> Maker:
    """Return what makes behaviours of `device_type`; `LookupError` if nothing does."""
    if not is_simulated(device_type):
        raise LookupError(f"no simulator for the device type {device_type!r}")
    made: Maker = import_module(module_name(device_type)).behaviour
    return made
