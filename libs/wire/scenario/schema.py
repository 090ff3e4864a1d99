"""The JSON Schema and the reference tables of the format, made from its tables."""

from typing import Any

from wire.scenario.fault_kinds import FAULTS, Side
from wire.scenario.kinds import (
    Anything,
    Box,
    Instant,
    Kind,
    Number,
    OneOf,
    Polygon,
    Whole,
)
from wire.scenario.tables import EXPECTATION, TABLES, Table

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a scenario (a TOML instant is a text in it)."""
    properties = {name: _table(table) for name, table in TABLES.items()}
    properties["expect"] = {"type": "array", "items": EXPECTATION.schema()}
    return {
        "$schema": DIALECT,
        "title": "Garonne scenario",
        "type": "object",
        "required": ["scenario"],
        "additionalProperties": False,
        "properties": properties,
    }


def _table(table: Table) -> dict[str, Any]:
    one: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: {**key.kind.schema(), "description": key.about}
            for name, key in table.keys.items()
        },
    }
    required = [name for name, key in table.keys.items() if key.required]
    if required:
        one["required"] = required
    if table.many:
        return {"type": "array", "items": one, "description": table.about}
    if table.named:
        about = table.about
        return {"type": "object", "additionalProperties": one, "description": about}
    return {**one, "description": table.about}


def reference() -> str:
    """Return the tables of the reference page, Markdown."""
    lines: list[str] = []
    for name, table in TABLES.items():
        lines += [f"## `{_heading(name, table)}`", "", table.about, ""]
        lines += ["| key | value | default | meaning |", "|---|---|---|---|"]
        for key, it in table.keys.items():
            default = _default(it.default, required=it.required, kind=it.kind)
            lines.append(f"| `{key}` | {_value(it.kind)} | {default} | {it.about} |")
        lines.append("")
    for side in Side:
        lines += [f"## Faults of a {side}" if side != "engine" else "## Outages", ""]
        lines += ["| kind | what goes wrong | what must come of it |", "|---|---|---|"]
        lines += [
            f"| `{name}` | {kind.about} | {kind.answer} |"
            for name, kind in FAULTS.items()
            if kind.side is side
        ]
        lines.append("")
    return "\n".join(lines)


def _heading(name: str, table: Table) -> str:
    if table.many:
        return f"[[{name}]]"
    return f"[{name}.NAME]" if table.named else f"[{name}]"


def _default(value: Any, *, required: bool, kind: Kind) -> str:
    if required:
        return "required"
    if isinstance(kind, Instant):
        return "an autumn evening"
    return "" if value is None else str(value).removesuffix(".0")


def _value(kind: Kind) -> str:
    match kind:
        case Number(low=low, high=high):
            return f"{_plain(low)} to {_plain(high)}"
        case Whole(low=low, high=high):
            return f"whole, {low:,} to {high:,}"
        case OneOf():
            return "a name"
        case Instant():
            return "an instant"
        case Box() | Polygon():
            return "degrees"
        case Anything():
            return "a table"
        case _:
            return "a text"


def _plain(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) else f"{number:g}"
