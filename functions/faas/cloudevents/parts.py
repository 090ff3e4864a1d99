"""JSON that comes from outside, read with a sentence for what is wrong."""

from typing import Any

import orjson

from faas.errors import NotAnEvent


def json_of(body: bytes | str) -> Any:
    """Read JSON."""
    try:
        return orjson.loads(body)
    except (orjson.JSONDecodeError, TypeError) as error:
        raise NotAnEvent(f"asked for JSON; found {error}") from error


def array_of(value: Any) -> list[Any]:
    """Take an array of events."""
    if not isinstance(value, list):
        raise NotAnEvent(
            f"asked for an array of CloudEvents; found {name_of_kind(value)}"
        )
    return value


def name_of_kind(value: Any) -> str:
    """Name what was found."""
    return "nothing" if value is None else type(value).__name__
