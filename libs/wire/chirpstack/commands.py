"""The downlink command: the one document an application sends to the server."""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from wire.chirpstack import documents as doc
from wire.errors import Illegal
from wire.eui64 import EUI64

F_PORT_MAX = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class DownlinkCommand:
    """
    A downlink to queue: clear ``data``, or an ``object`` for the device's codec.

    ``id`` comes back as ``queueItemId``. ``expires_at_s`` is in Unix seconds.
    With an object the codec may set the port, so 0 is then left out.
    """

    dev_eui: EUI64
    f_port: int = 0
    data: bytes = b""
    object: Mapping[str, Any] | None = None
    id: str = ""
    confirmed: bool = False
    expires_at_s: float | None = None

    def __bytes__(self) -> bytes:
        """Return the JSON document, or raise Illegal: the server would drop it."""
        self._check()
        document: dict[str, Any] = {
            "devEui": str(self.dev_eui),
            "confirmed": self.confirmed,
        }
        if self.id:
            document["id"] = self.id
        if self.f_port:
            document["fPort"] = self.f_port
        if self.object is None:
            document["data"] = b64encode(self.data).decode()
        else:
            document["object"] = self.object
        if self.expires_at_s is not None:
            document["expiresAt"] = _rfc3339(self.expires_at_s)
        return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()

    def _check(self) -> None:
        if not 0 <= self.f_port <= F_PORT_MAX:
            raise Illegal(f"FPort is 1 to 255, not {self.f_port}")
        if self.object is None and not self.f_port:
            raise Illegal("a downlink of octets needs an FPort")
        if self.object is not None and self.data:
            raise Illegal("a downlink has octets or an object, not both")

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read a document as the server does, camel or snake case."""
        document = {_camel(k): v for k, v in doc.read_object(payload).items()}
        decoded = document.get("object")
        return cls(
            dev_eui=EUI64.parse(doc.text(document, "devEui")),
            f_port=doc.whole(document, "fPort"),
            data=doc.octets(document, "data"),
            object=decoded if isinstance(decoded, dict) else None,
            id=doc.text(document, "id"),
            confirmed=doc.flag(document, "confirmed"),
            expires_at_s=doc.instant(document, "expiresAt"),
        )


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


def _rfc3339(instant_s: float) -> str:
    when = datetime.fromtimestamp(instant_s, UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
