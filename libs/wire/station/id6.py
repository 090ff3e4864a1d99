"""
The three forms in which Basics Station writes an EUI-64.

Octets with dashes (``00-16-c0-01-f1-50-0a-2b``), an integer, and ID6: four groups of
16 bits in the manner of IPv6 (``16:c001:f150:a2b``), where ``::`` stands for as many
zero groups as are missing.
"""

import re
from typing import Final

from wire.errors import Malformed
from wire.eui64 import EUI64

_GROUPS: Final = 4
_GROUP = re.compile(r"[0-9a-fA-F]{1,4}")
_DASHED = re.compile(r"[0-9a-fA-F]{2}(?:-[0-9a-fA-F]{2}){7}")


def read_eui(value: object) -> EUI64:
    """Read an EUI-64 from a JSON value; raises Malformed."""
    if isinstance(value, int) and not isinstance(value, bool):
        if -(2**63) <= value < 2**64:
            return EUI64((value % 2**64).to_bytes(8, "big"))
        raise Malformed(f"an EUI has 64 bits, not {value.bit_length()}")
    if not isinstance(value, str):
        raise Malformed(f"an EUI is a text or an integer, not {value!r:.40}")
    if _DASHED.fullmatch(value):
        return EUI64.parse(value)
    return _read_id6(value)


def write_id6(eui: EUI64) -> str:
    """Return the ID6 form; the first longest run of zero groups becomes ``::``."""
    groups = [int.from_bytes(eui[at : at + 2]) for at in range(0, 8, 2)]
    for length in range(_GROUPS, 1, -1):
        for start in range(_GROUPS - length + 1):
            if not any(groups[start : start + length]):
                head, tail = groups[:start], groups[start + length :]
                return f"{_joined(head)}::{_joined(tail) or '0' * (length == _GROUPS)}"
    return _joined(groups)


def write_eui(eui: EUI64) -> str:
    """Return the form with dashes."""
    return eui.hex("-")


def _read_id6(text: str) -> EUI64:
    head, gap, tail = text.partition("::")
    front, back = _split(head), _split(tail)
    missing = _GROUPS - len(front) - len(back)
    fits = missing >= 1 if gap else missing == 0
    if not fits or not all(_GROUP.fullmatch(one) for one in front + back):
        raise Malformed(f"an EUI is eight octets with dashes or ID6, not {text!r:.40}")
    groups = [*front, *["0"] * missing, *back]
    return EUI64(b"".join(int(one, 16).to_bytes(2) for one in groups))


def _split(text: str) -> list[str]:
    return text.split(":") if text else []


def _joined(groups: list[int]) -> str:
    return ":".join(f"{one:x}" for one in groups)
