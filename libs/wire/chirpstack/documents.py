"""Tolerant reading of JSON documents: a wrong or missing value is a default."""

import json
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from wire.errors import Malformed


def read_object(payload: bytes) -> Mapping[str, Any]:
    """Return a JSON object, or raise Malformed."""
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the payload is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise Malformed(f"the document is a {type(document).__name__}, not an object")
    return document


def text(document: Mapping[str, Any], name: str) -> str:
    """Return a string, empty when absent."""
    value = document.get(name)
    return value if isinstance(value, str) else ""


def number(document: Mapping[str, Any], name: str) -> float:
    """Return a number, 0 when absent; a numeric string counts."""
    value = document.get(name)
    if isinstance(value, bool):
        return 0
    if isinstance(value, int | float):
        return value
    try:
        return float(value) if isinstance(value, str) else 0
    except ValueError:
        return 0


def whole(document: Mapping[str, Any], name: str) -> int:
    """Return an integer, 0 when absent or not finite."""
    value = number(document, name)
    try:
        return int(value)
    except (ValueError, OverflowError):
        return 0


def flag(document: Mapping[str, Any], name: str) -> bool:
    """Whether the value is true."""
    return document.get(name) is True


def inner(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a nested object, empty when absent."""
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def items(document: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    """Return the objects of an array, empty when absent."""
    value = document.get(name)
    if not isinstance(value, list):
        return ()
    return tuple(item for item in value if isinstance(item, dict))


def octets(document: Mapping[str, Any], name: str) -> bytes:
    """Return base64 of either alphabet decoded, empty when absent or not base64."""
    value = text(document, name).replace("-", "+").replace("_", "/")
    try:
        return b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (Base64Error, ValueError):
        return b""


def instant(document: Mapping[str, Any], name: str) -> float | None:
    """Return an RFC 3339 time as Unix seconds, None when absent or unreadable."""
    try:
        when = datetime.fromisoformat(text(document, name))
        return when.replace(tzinfo=when.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        return None
