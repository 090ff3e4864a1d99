"""
Reading UUIDs as strictly, and refusing them in the same words, as the real server.

Observed on ChirpStack 4.20.0-test.1 (tests/contract/snapshots/test_status_codes.json).
"""

import re
import uuid

_LONGEST = 45  # urn:uuid: and 36 characters
_SIMPLE = re.compile(r"[0-9a-fA-F]{32}")
_HYPHENATED = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_URN = "urn:uuid:"
_GROUPS = (8, 4, 4, 4, 12)
_STARTS = (0, 9, 14, 19, 24)


def read_uuid(text: str) -> str | None:
    """Return the dashed lower-case form, or None."""
    core = _core(text)
    plain = core is text and _SIMPLE.fullmatch(core)
    return str(uuid.UUID(core)) if plain or _HYPHENATED.fullmatch(core) else None


def why_no_uuid(text: str) -> str:
    """Return the sentence about a text that is no UUID."""
    size = len(text.encode())
    if not 0 < size <= _LONGEST:
        return f"invalid length: found {size}"
    core = _core(text)
    before = len(_URN) if text.startswith(_URN) else int(core is not text)
    for index, character in enumerate(core):
        if character not in "0123456789abcdefABCDEF-":
            at = before + len(core[:index].encode())
            return f"invalid character: found `{character}` at {at}"
    hyphens = [index for index, character in enumerate(core) if character == "-"]
    if not hyphens and core is text:
        return f"invalid length: found {size}"
    if len(hyphens) != len(_GROUPS) - 1:
        return f"invalid group count: expected 5, found {len(hyphens) + 1}"
    return _group_sentence(core, hyphens)


def _core(text: str) -> str:
    if text.startswith("{") and text.endswith("}"):
        return text[1:-1]
    return text.removeprefix(_URN) if text.startswith(_URN) else text


def _group_sentence(core: str, hyphens: list[int]) -> str:
    for group, at in enumerate(hyphens):
        if at != _STARTS[group + 1] - 1:
            return _wrong_group(group, at - _STARTS[group])
    return _wrong_group(4, len(core) - _STARTS[4])


def _wrong_group(group: int, found: int) -> str:
    return (
        f"invalid group length in group {group}: expected {_GROUPS[group]},"
        f" found {found}"
    )
