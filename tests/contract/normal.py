"""
Making answers comparable: what differs from run to run becomes a placeholder.

Ids that a scenario knows get their names (``<dev_eui>``), other UUIDs, instants,
tokens and random numbers get the name of their kind. Everything else stays as the
server wrote it: ``21.0`` is not ``21``.
"""

import re
from collections.abc import Mapping
from typing import Any

from tests.contract.capabilities import CAPABILITIES

UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
INSTANT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(?:\d{9}|\d{6}|\d{3}))?(Z|\+00:00)"
)
TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
RANDOM = {"downlinkId": "<downlink id>"}


class Names:
    """The placeholders of one scenario."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def add(self, value: str, name: str) -> None:
        """Replace a text by ``<name>``; the first name it got stays."""
        if value:
            self._known.setdefault(value, f"<{name}>")

    def normal(self, value: Any) -> Any:
        """Return a document with placeholders."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            return {
                self._text(key): RANDOM.get(key) or self.normal(inner)
                for key, inner in value.items()
            }
        if isinstance(value, list | tuple):
            return in_order([self.normal(inner) for inner in value])
        return value

    def _text(self, text: str) -> str:
        for value, name in self._known.items():
            text = text.replace(value, name)
        text = INSTANT.sub(r"<instant \1>", text)
        text = TOKEN.sub("<token>", text)
        for permitted in CAPABILITIES:
            text = permitted.pattern.sub(permitted.as_written, text)
        for unknown in UUID.findall(text):
            self.add(unknown, f"uuid {self._uuids() + 1}")
            text = text.replace(unknown, self._known[unknown])
        return text

    def _uuids(self) -> int:
        return sum(name.startswith("<uuid ") for name in self._known.values())


def in_order(items: list[Any]) -> list[Any]:
    """Sort what ChirpStack gives in arbitrary order: receptions and data sets."""
    for key in ("gatewayId", "label"):
        if items and all(isinstance(item, dict) and key in item for item in items):
            return sorted(items, key=lambda item: str(item[key]))
    return items
