"""
What the real server's JSON reader refuses and protobuf's own lets pass.

Observed on ChirpStack 4.20.0-test.1 (tests/contract/snapshots/test_json_input.json):
a field said twice, in whichever spelling; null for a scalar; a fraction or an exponent
where a whole number belongs; an enum's name or number that nobody knows; base64 with
wrong padding or with bits left over.
"""

import json
import re
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

_BASE64 = re.compile(r"([A-Za-z0-9+/_-]*)(={0,2})")
_QUANTUM = 4
_LEFT_OVER = {2: 0b1111, 3: 0b11}
_VALUES = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_WELL_KNOWN = "google.protobuf."
_WHOLE = frozenset(
    {
        FieldDescriptor.CPPTYPE_INT32,
        FieldDescriptor.CPPTYPE_INT64,
        FieldDescriptor.CPPTYPE_UINT32,
        FieldDescriptor.CPPTYPE_UINT64,
    }
)

Pairs = list[tuple[str, Any]]


class _Object(Pairs):
    """A JSON object with its keys in order, the repeated ones too."""


def fault(text: str, descriptor: Descriptor) -> str:
    """
    Return what is wrong with a document of this message, or nothing.

    ``ValueError`` for what is no JSON at all.
    """
    document = json.loads(text, object_pairs_hook=_Object)
    if not isinstance(document, _Object):
        return f"expected an object, found {type(document).__name__}"
    return _in_object(document, descriptor)


def _in_object(document: _Object, descriptor: Descriptor) -> str:
    fields, seen = _fields(descriptor), set()
    for key, value in document:
        field = fields.get(key)
        if field is None:
            continue
        if field.number in seen:
            return f"{key} is said twice"
        seen.add(field.number)
        if found := _in_field(key, value, field):
            return found
    return ""


def _in_field(key: str, value: Any, field: FieldDescriptor) -> str:
    message = field.message_type
    if value is None:
        return "" if message and not field.is_repeated else f"null is no value of {key}"
    if message is not None and message.full_name.startswith(_WELL_KNOWN):
        return ""
    if message is not None and message.GetOptions().map_entry:
        return ""
    if field.is_repeated and isinstance(value, list) and not isinstance(value, _Object):
        return next((said for one in value if (said := _in_one(key, one, field))), "")
    return _in_one(key, value, field)


def _in_one(key: str, value: Any, field: FieldDescriptor) -> str:
    if field.message_type is not None:
        if isinstance(value, _Object):
            return _in_object(value, field.message_type)
        return ""
    if field.cpp_type in _WHOLE and isinstance(value, float):
        return f"{value} is no whole number, {key} is one"
    known = field.enum_type
    if known is not None and not (
        isinstance(value, str | int)
        and (value in known.values_by_name or value in known.values_by_number)
    ):
        return f"{value!r} is no {known.name}"
    is_octets = field.type == FieldDescriptor.TYPE_BYTES
    if is_octets and isinstance(value, str) and not is_base64(value):
        return f"{key} is not base64"
    return ""


def is_base64(text: str) -> bool:
    """Whether a text is base64 of either alphabet, its padding right or absent."""
    found = _BASE64.fullmatch(text)
    if found is None:
        return False
    digits, padding = found.groups()
    over = len(digits) % _QUANTUM
    if over == 1 or len(padding) not in {0, -len(digits) % _QUANTUM}:
        return False
    if over == 0:
        return True
    last = _VALUES.index(digits[-1].translate({45: 43, 95: 47}))
    return not last & _LEFT_OVER[over]


@cache
def _fields(descriptor: Descriptor) -> dict[str, FieldDescriptor]:
    return {
        name: field
        for field in descriptor.fields
        for name in (field.name, field.json_name)
    }
