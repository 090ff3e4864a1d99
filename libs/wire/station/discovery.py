"""
The discovery endpoint, ``/router-info``: which server a gateway is to talk to.

A gateway asks with its id; the answer names the address of its data connection, or
says why there is none.
"""

from dataclasses import dataclass
from typing import Final, Self

from wire.errors import Malformed
from wire.eui64 import EUI64
from wire.station.fields import Fields, write
from wire.station.id6 import write_id6

DISCOVERY_PATH: Final = "/router-info"
_SCHEMES = ("ws://", "wss://")


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterInfoRequest:
    """What a gateway asks."""

    router: EUI64

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """Read it; raises Malformed."""
        return cls(router=Fields.parse(text, "router-info").eui("router"))

    def __str__(self) -> str:
        """Return the JSON."""
        return write({"router": write_id6(self.router)})


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterInfo:
    """The answer: ``uri`` of the data connection, or ``error`` and no ``uri``."""

    router: EUI64
    muxs: EUI64
    uri: str = ""
    error: str = ""

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """Read it; raises Malformed for an answer that names neither."""
        fields = Fields.parse(text, "router-info")
        uri, error = fields.text("uri", ""), fields.text("error", "")
        if not error and not uri.startswith(_SCHEMES):
            raise Malformed(
                f"router-info.uri begins with ws:// or wss://, not {uri!r:.60}"
            )
        router = fields.eui("router") if fields.has("router") else EUI64(bytes(8))
        muxs = fields.eui("muxs") if fields.has("muxs") else EUI64(bytes(8))
        return cls(router=router, muxs=muxs, uri=uri, error=error)

    def __str__(self) -> str:
        """Return the JSON."""
        router, muxs = write_id6(self.router), write_id6(self.muxs)
        end = {"error": self.error} if self.error else {"uri": self.uri}
        return write({"router": router, "muxs": muxs, **end})
