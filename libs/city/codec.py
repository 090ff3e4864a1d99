"""
A device type's TS013 codec, run with limits: what ChirpStack would make of it.

A codec must be used by the thread that made it.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson
import quickjs

from city.command import Payload
from city.errors import CodecFailed

TIME_LIMIT_S: Final = 0.5
MEMORY_LIMIT_BYTES: Final = 16 << 20

# Strict, as ChirpStack's module semantics are; JSON in and out crosses the border.
_AROUND: Final = """"use strict";
const console = {log() {}, warn() {}, error() {}};
%s
function garonne_encode(text) {
  return JSON.stringify(encodeDownlink(JSON.parse(text)));
}
function garonne_decode(text) {
  const input = JSON.parse(text);
  input.recvTime = new Date(input.recvTime * 1000);
  return JSON.stringify(decodeUplink(input));
}
"""


class Codec:
    """One codec in a context of its own."""

    def __init__(self, script: str) -> None:
        self._context = quickjs.Context()
        self._context.set_memory_limit(MEMORY_LIMIT_BYTES)
        self._context.set_time_limit(TIME_LIMIT_S)
        try:
            self._context.eval(_AROUND % script)
        except quickjs.JSException as error:
            raise CodecFailed(f"the codec does not load: {_first(error)}") from error

    def encode(self, wanted: Mapping[str, Any]) -> Payload:
        """Return what ``encodeDownlink`` makes of an object; CodecFailed if nothing."""
        result = self._call("garonne_encode", {"data": dict(wanted), "variables": {}})
        data, f_port = _octets(result.get("bytes")), result.get("fPort")
        if not isinstance(f_port, int) or not 1 <= f_port <= 223:  # noqa: PLR2004 -- LoRaWAN 1.0.4 §4.3.2: application FPorts
            raise CodecFailed(
                f"encodeDownlink gave no application FPort, but {f_port!r}"
            )
        return Payload(f_port=f_port, data=data)

    def decode(
        self, data: bytes, f_port: int, *, received_at: float = 0.0
    ) -> dict[str, Any]:
        """Return what ``decodeUplink`` makes of a payload; CodecFailed if nothing."""
        result = self._call(
            "garonne_decode",
            {
                "bytes": list(data),
                "fPort": f_port,
                "recvTime": received_at,
                "variables": {},
            },
        )
        found = result.get("data")
        if not isinstance(found, dict):
            raise CodecFailed("decodeUplink did not return 'data'")
        return found

    def _call(self, name: str, argument: Mapping[str, Any]) -> dict[str, Any]:
        try:
            text = self._context.get(name)(orjson.dumps(argument).decode())
        except quickjs.JSException as error:
            raise CodecFailed(_first(error)) from error
        result = orjson.loads(text) if isinstance(text, str) else None
        if not isinstance(result, dict):
            raise CodecFailed("the codec returned no object")
        errors = result.get("errors")
        if isinstance(errors, list) and errors:
            raise CodecFailed(", ".join(map(str, errors)))
        return result


def _octets(value: Any) -> bytes:
    # ChirpStack would drop fractions and saturate; here a wrong number is a fault.
    try:
        if isinstance(value, list):
            return bytes(value)
    except (TypeError, ValueError):
        pass
    raise CodecFailed(f"encodeDownlink gave no bytes, but {value!r}")


def _first(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
