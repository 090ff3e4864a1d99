"""Reading a document by the tables of the format; every fault, with its place."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from wire.scenario.kinds import Wrong
from wire.scenario.tables import EXPECTATION, TABLES, Table

Row = dict[str, Any]

EXPECT: Final = "expect"
# Missing, they are not filled with defaults: the declared city's own holds then.
OPTIONAL: Final = ("city", "radio")


def read_document(document: Mapping[str, Any], faults: list[str]) -> dict[str, Any]:
    """
    Return every table, complete with its defaults.

    An array of tables is a list of rows, a table of tables a mapping of rows.
    """
    unknown = [name for name in document if name not in {*TABLES, EXPECT}]
    faults += [f"{name} is no table of a scenario" for name in unknown]
    found = {
        name: _table(name, table, document, faults) for name, table in TABLES.items()
    }
    found[EXPECT] = _sentences(document.get(EXPECT), faults)
    return found


def _table(
    name: str, table: Table, document: Mapping[str, Any], faults: list[str]
) -> Any:
    value = document.get(name)
    if table.many:
        return list(_rows(name, table, value, faults))
    if table.named:
        return dict(_named(name, table, value, faults))
    if value is None and name in OPTIONAL:
        return None
    return _row(name, table, {} if value is None else value, faults)


def _rows(name: str, table: Table, value: Any, faults: list[str]) -> Iterator[Row]:
    if value is None:
        return
    if not isinstance(value, list):
        faults.append(f"{name} is an array of tables: [[{name}]]")
        return
    for number, one in enumerate(value, start=1):
        yield _row(f"{name} {number}", table, one, faults)


def _named(
    name: str, table: Table, value: Any, faults: list[str]
) -> Iterator[tuple[str, Row]]:
    if value is None:
        return
    if not isinstance(value, dict):
        faults.append(f"{name} is a table of tables: [{name}.NAME]")
        return
    for inner, one in value.items():
        yield inner, _row(f"{name}.{inner}", table, one, faults)


def _row(where: str, table: Table, value: Any, faults: list[str]) -> Row:
    row: Row = {name: key.default for name, key in table.keys.items()}
    if not isinstance(value, dict):
        faults.append(f"{where} is a table, not {value!r}")
        return row
    for name, given in value.items():
        key = table.keys.get(name)
        if key is None:
            known = ", ".join(table.keys)
            faults.append(f"{where}: {name} is none of its keys ({known})")
            continue
        try:
            row[name] = key.kind.read(given)
        except Wrong as wrong:
            faults.append(f"{where}: {name} {wrong}, not {given!r}")
    missing = [n for n, k in table.keys.items() if k.required and n not in value]
    faults += [f"{where}: {name} is missing" for name in missing]
    return row


def _sentences(value: Any, faults: list[str]) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list):
        faults.append(f'{EXPECT} is a list of texts: ["uplinks.lost = 0"]')
        return []
    good = []
    for number, one in enumerate(value, start=1):
        try:
            good.append(EXPECTATION.read(one))
        except Wrong as wrong:
            faults.append(f"{EXPECT} {number} {wrong}, not {one!r}")
    return good
