"""Multicast groups as a city declares them: one per street or district of a type."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wire.declared import DeclaredDevice

PLACES = ("street", "district")
SMALLEST = 2  # one device is no group
_CITY_FILE = "city.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRule:
    """
    One `[[groups]]` table: a group of a type's devices per street, district or both.

    ``data_rate`` and ``frequency_hz`` are where the devices listen anyway, RX2; None:
    as both servers' file of the city's region says.
    """

    device_type: str
    by: tuple[str, ...]
    data_rate: int | None = None
    frequency_hz: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredGroup:
    """One group: its name in ChirpStack, its members, and its slot in each of them."""

    name: str
    rule: GroupRule
    slot: int
    members: tuple["DeclaredDevice", ...]


def read_rules(tables: Any, faults: list[str]) -> tuple[GroupRule, ...]:
    """Read `[[groups]]`; what is wrong goes to ``faults``, a line each."""
    if not isinstance(tables, list):
        faults.append(f"{_CITY_FILE}: [[groups]] is a list of tables, not {tables!r}")
        return ()
    rules = []
    for number, table in enumerate(tables, start=1):
        where = f"{_CITY_FILE}: [[groups]] {number}"
        fault = _fault(table)
        if fault:
            faults.append(f"{where}: {fault}")
        else:
            rules.append(GroupRule(**{**table, "by": tuple(table["by"])}))
    return tuple(rules)


def groups_of(
    rules: Iterable[GroupRule], devices: Iterable["DeclaredDevice"]
) -> list[DeclaredGroup]:
    """Return the groups that the rules make of a city's devices, rule by rule."""
    known = list(devices)
    return [
        DeclaredGroup(
            name=f"{rule.device_type} {by} {place}",
            rule=rule,
            slot=slot,
            members=tuple(members),
        )
        for rule in rules
        for slot, by in enumerate(rule.by)
        for place, members in _by_place(rule, by, known).items()
        if len(members) >= SMALLEST
    ]


def _by_place(
    rule: GroupRule, by: str, devices: Iterable["DeclaredDevice"]
) -> dict[str, list["DeclaredDevice"]]:
    places: dict[str, list[DeclaredDevice]] = {}
    for device in devices:
        place = getattr(device, by)
        if device.device_type == rule.device_type and place:
            places.setdefault(place, []).append(device)
    return places


def _fault(table: Any) -> str:
    if not isinstance(table, Mapping):
        return f"is a table, not {table!r}"
    unknown = sorted(set(table) - {"device_type", "by", "data_rate", "frequency_hz"})
    if unknown:
        return f"knows no {', '.join(unknown)}"
    if not isinstance(table.get("device_type"), str):
        return "device_type is the name of a device type"
    by = table.get("by")
    if not isinstance(by, list) or not by or not set(by) <= set(PLACES):
        return f"by is a list of {' and '.join(PLACES)}, not {by!r}"
    for key in ("data_rate", "frequency_hz"):
        value = table.get(key, 0)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            return f"{key} is a whole number, not {value!r}"
    return ""
