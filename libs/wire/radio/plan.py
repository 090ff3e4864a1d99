"""Which radio a city has: four words of its city.toml."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Self

from wire.eui64 import EUI64
from wire.radio.interference import MATRICES, Interference
from wire.radio.profiles import PROFILES
from wire.radio.propagation import Propagation

SX1301_DEMODULATORS = 8
MOST_DEMODULATORS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RadioPlan:
    """
    The table ``[radio]`` of a city.

    ``extra_loss`` is the share of receptions that are lost for no physical reason.
    """

    profile: str = "urban"
    interference: str = "goursaud"
    demodulators: int = SX1301_DEMODULATORS
    extra_loss: float = 0.0

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> tuple[Self, list[str]]:
        """Read the table; the second is all that is wrong with it."""
        rules: dict[str, tuple[Callable[[object], bool], str]] = {
            "profile": ([*PROFILES].__contains__, _names(PROFILES)),
            "interference": ([*MATRICES].__contains__, _names(MATRICES)),
            "demodulators": (_is_count, f"a number from 1 to {MOST_DEMODULATORS}"),
            "extra_loss": (_is_share, "a share from 0 to 1"),
        }
        good: dict[str, Any] = {}
        faults: list[str] = []
        for key, value in table.items():
            is_right, wanted = rules.get(key, (_never, "not a setting of the radio"))
            if is_right(value):
                good[key] = value
            else:
                faults.append(f"[radio] {key} = {value!r}, but it is {wanted}")
        return cls(**good), faults

    def propagation(
        self, seed: int, indoors: AbstractSet[EUI64] = frozenset()
    ) -> Propagation:
        """The ways through this city's air."""
        return Propagation(PROFILES[self.profile], seed=seed, indoors=indoors)

    def interference_model(self) -> Interference:
        """What drowns what."""
        return Interference.of(self.interference, PROFILES[self.profile])


def _names(table: Mapping[str, object]) -> str:
    return f"one of {', '.join(table)}"


def _is_count(value: object) -> bool:
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return 1 <= value <= MOST_DEMODULATORS


def _is_share(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return 0.0 <= value <= 1.0


def _never(_: object) -> bool:
    return False
