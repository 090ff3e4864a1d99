"""How each device type's commands are encoded, made when first asked for."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from city.command import Rules
from city.errors import BadCommand, CityError
from city.types import DeviceType, Planner

_log = logging.getLogger(__name__)

__all__ = ["Planners"]


@dataclass(frozen=True, slots=True)
class Planners:
    """The planners of a catalogue's device types."""

    catalogue: Mapping[str, DeviceType]
    _made: dict[str, Planner] = field(default_factory=dict)

    def find(self, device_type: str) -> Planner | None:
        """Return a type's planner; None when there is none that works."""
        if device_type not in self._made and device_type in self.catalogue:
            try:
                self._made[device_type] = Planner(self.catalogue[device_type])
            except CityError as error:
                _log.error("sender.type.unusable type=%s error=%s", device_type, error)
        return self._made.get(device_type)

    def require(self, device_type: str) -> Planner:
        """Return a type's planner; `BadCommand` when it takes no commands."""
        planner = self.find(device_type)
        if planner is None:
            raise BadCommand(f"a {device_type} takes no commands")
        return planner

    def rules_of_line(self, line: bytes) -> Rules | None:
        """Return the rules under which a stored line was made."""
        found = orjson.loads(line)
        entries = [found["sent"], found["open"], *found["waiting"]]
        types = [e["command"]["device_type"] for e in entries if e]
        planner = self.find(types[0]) if types else None
        return planner.rules if planner is not None else None
