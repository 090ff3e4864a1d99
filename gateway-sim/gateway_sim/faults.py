"""
What goes wrong with gateways on purpose: power that fails, a backhaul that is bad.

Times count in seconds from ``begins_s``. Every draw is decided by the seed and by
what it is drawn for, so a run repeats itself.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf, isfinite
from typing import Any, Self

from wire.errors import Malformed
from wire.eui64 import EUI64
from wire.radio.propagation import chance


class FaultKind(StrEnum):
    """What is wrong."""

    OUTAGE = "outage"  # hears nothing, sends nothing, is not connected
    BACKHAUL_DELAY = "backhaul_delay"  # messages take longer, both ways
    BACKHAUL_LOSS = "backhaul_loss"  # messages vanish, both ways


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayFault:
    """
    One fault of one gateway (of all: ``gateway_id`` None) for a while.

    ``delay_s`` and up to ``jitter_s`` more belong to a delay, ``share`` (of the
    messages) to a loss.
    """

    kind: FaultKind
    gateway_id: EUI64 | None = None
    from_s: float = 0.0
    until_s: float = inf
    delay_s: float = 0.0
    jitter_s: float = 0.0
    share: float = 1.0

    def concerns(self, gateway_id: EUI64) -> bool:
        """Whether it is this gateway's fault."""
        return self.gateway_id in {None, gateway_id}

    @classmethod
    def read(cls, table: Mapping[str, Any], faults: list[str]) -> Self | None:
        """Read one table; None when it is wrong: the reasons are in ``faults``."""
        before = len(faults)
        read: dict[str, Any] = {}
        for key, value in table.items():
            parse = _FIELDS.get(key, _unknown)
            try:
                read[key] = parse(value)
            except (ValueError, TypeError, Malformed) as error:
                faults.append(f"{key} = {value!r}: {error}")
        if "kind" not in table:
            faults.append(f"kind is one of {', '.join(FaultKind)}")
        if not read.get("from_s", 0.0) < read.get("until_s", inf):
            faults.append("until_s is later than from_s")
        return cls(**read) if len(faults) == before else None


class Faults:
    """All faults of a run, asked by gateway and instant."""

    def __init__(
        self,
        faults: Iterable[GatewayFault] = (),
        *,
        begins_s: float = 0.0,
        seed: int = 0,
    ) -> None:
        self._faults = tuple(faults)
        self._begins_s = begins_s
        self._seed = seed

    @classmethod
    def parse(cls, text: str, *, begins_s: float = 0.0, seed: int = 0) -> Self:
        """Read a JSON list of faults; one Malformed names everything wrong."""
        try:
            tables = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Malformed(f"the faults are not JSON: {error}") from error
        if not isinstance(tables, list):
            raise Malformed("the faults are a list of tables")
        wrong: list[str] = []
        faults = [_numbered(number, one, wrong) for number, one in enumerate(tables)]
        if wrong:
            raise Malformed("\n".join(wrong))
        good = [fault for fault in faults if fault is not None]
        return cls(good, begins_s=begins_s, seed=seed)

    def is_off(self, gateway_id: EUI64, from_s: float, until_s: float) -> bool:
        """Whether a gateway has no power at some moment between two instants."""
        return any(
            fault.from_s <= until_s - self._begins_s
            and from_s - self._begins_s < fault.until_s
            for fault in self._of(FaultKind.OUTAGE, gateway_id)
        )

    def changes(self, gateway_id: EUI64) -> list[float]:
        """The instants at which a gateway's power goes or comes, in order."""
        outages = self._of(FaultKind.OUTAGE, gateway_id)
        times = [at for fault in outages for at in (fault.from_s, fault.until_s)]
        return sorted({self._begins_s + at for at in times if isfinite(at)})

    def carry_s(self, gateway_id: EUI64, message: bytes, now: float) -> float | None:
        """How long a message is on the backhaul from now; None when it never comes."""
        delay_s = 0.0
        for number, fault in enumerate(self._faults):
            if fault.concerns(gateway_id) and self._holds(fault, now):
                drawn = chance(self._seed, number, gateway_id, now, message.hex())
                if fault.kind is FaultKind.BACKHAUL_LOSS and drawn < fault.share:
                    return None
                if fault.kind is FaultKind.BACKHAUL_DELAY:
                    delay_s += fault.delay_s + drawn * fault.jitter_s
        return delay_s

    def _holds(self, fault: GatewayFault, now: float) -> bool:
        return fault.from_s <= now - self._begins_s < fault.until_s

    def _of(self, kind: FaultKind, gateway_id: EUI64) -> list[GatewayFault]:
        return [
            fault
            for fault in self._faults
            if fault.kind is kind and fault.concerns(gateway_id)
        ]


def _numbered(number: int, table: Any, faults: list[str]) -> GatewayFault | None:
    mine: list[str] = []
    fault = None
    if isinstance(table, dict):
        fault = GatewayFault.read(table, mine)
    else:
        mine.append(f"is a table, not {table!r}")
    faults += [f"fault {number + 1}: {one}" for one in mine]
    return fault


def _unknown(_: object) -> object:
    raise ValueError(f"a fault has {', '.join(_FIELDS)}")


def _kind(value: object) -> FaultKind:
    if value not in list(FaultKind):
        raise ValueError(f"a kind is one of {', '.join(FaultKind)}")
    return FaultKind(str(value))


def _gateway_id(value: object) -> EUI64:
    return EUI64.parse(str(value))


def _number(limit: float) -> Callable[[object], float]:
    def parse(value: object) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and 0.0 <= float(str(value)) <= limit:
            return float(str(value))
        raise ValueError(f"a number from 0 to {limit:g}")

    return parse


_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "kind": _kind,
    "gateway_id": _gateway_id,
    "from_s": _number(inf),
    "until_s": _number(inf),
    "delay_s": _number(3600.0),
    "jitter_s": _number(3600.0),
    "share": _number(1.0),
}
