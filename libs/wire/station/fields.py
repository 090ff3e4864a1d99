"""The fields of one JSON document, each judged as it is read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, NoReturn, Self

from wire.errors import Illegal, Malformed
from wire.eui64 import EUI64
from wire.station.id6 import read_eui

INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class Fields:
    """An object and the name it has in a complaint."""

    name: str
    document: Mapping[str, Any]

    @classmethod
    def parse(cls, text: str | bytes, name: str) -> Self:
        """Read a JSON object; Malformed for anything else."""
        try:
            document = json.loads(text, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise Malformed(f"{name} is JSON: {error}") from error
        return cls.of(document, name)

    @classmethod
    def of(cls, document: object, name: str) -> Self:
        """Take an object that was read already."""
        if not isinstance(document, dict):
            raise Malformed(f"{name} is an object, not {document!r:.40}")
        return cls(name, document)

    def has(self, key: str) -> bool:
        """Whether a field is there and not null."""
        return self.document.get(key) is not None

    def whole(
        self, key: str, default: int | None = None, *, within: range = INT64
    ) -> int:
        """Return an integer of a range; 1.0 is one, ``true`` is not."""
        value = self.document.get(key)
        value = default if value is None else value
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(key, "an integer")
        if value not in within:
            raise self.wrong(key, f"from {within.start} to {within.stop - 1}")
        return value

    def optional(self, key: str, *, within: range = INT64) -> int | None:
        """Return an integer, None when it is absent or null."""
        return self.whole(key, within=within) if self.has(key) else None

    def number(self, key: str, default: float | None = None) -> float:
        """Return a finite number."""
        value = self.document.get(key)
        value = default if value is None else value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(key, "a number")
        if not isfinite(value) or abs(value) >= INT64.stop:
            raise self.wrong(key, "a number of 63 bits")
        return float(value)

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text."""
        value = self.document.get(key)
        value = default if value is None else value
        if not isinstance(value, str):
            raise self.wrong(key, "a text")
        return value

    def truth(self, key: str) -> bool:
        """Return true for ``true`` only."""
        return self.document.get(key) is True

    def octets(self, key: str) -> bytes:
        """Return what hexadecimal digits say."""
        try:
            return bytes.fromhex(self.text(key, ""))
        except ValueError as error:
            raise self.wrong(key, "hexadecimal") from error

    def eui(self, key: str) -> EUI64:
        """Return an EUI-64 in any of its three forms."""
        try:
            return read_eui(self.document.get(key))
        except Malformed as error:
            raise Malformed(f"{self.name}.{key}: {error}") from error

    def array(self, key: str) -> list[Any]:
        """Return an array; empty when it is absent or null."""
        value = self.document.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(key, "an array")
        return value

    def wholes(self, key: str, row: object, count: int) -> tuple[int, ...]:
        """Return one entry of an array of arrays: so many integers of 64 bits."""
        is_row = isinstance(row, list) and len(row) == count
        if not is_row or not all(_is_whole(one) for one in row):  # type: ignore[attr-defined]
            raise Malformed(
                f"{self.name}.{key} holds {count} integers, not {row!r:.60}"
            )
        return tuple(row)  # type: ignore[arg-type]  # a list, as said above

    def wrong(self, key: str, wanted: str) -> Malformed:
        """Return a sentence on a field."""
        value = self.document.get(key)
        return Malformed(f"{self.name}.{key} is {wanted}, not {shown(value)}")


def write(document: Mapping[str, object]) -> str:
    """Return the JSON of a document, without what is None; Illegal if it has none."""
    present = {key: value for key, value in document.items() if value is not None}
    try:
        return json.dumps(present, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise Illegal(f"this is no JSON: {error}") from error


def shown(value: object) -> str:
    """Return a short form of anything, of a huge number too."""
    if isinstance(value, int) and value not in INT64:
        return f"a number of {value.bit_length()} bits"
    return f"{value!r:.40}"


def _is_whole(value: object) -> bool:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return is_whole and -(2**63) <= value < 2**64  # type: ignore[operator]  # an int


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
