"""
Payload codecs as ChirpStack v4 runs them: TS013 scripts, ES module semantics, 100 ms.

Facts: ChirpStack d77207cd, `chirpstack/src/codec/js/mod.rs` and `codec/convert.rs`.
A codec's fault is a value, `CodecError`, whose text is the real server's.
"""

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from chirpstack_embedded.codec_engine import (
    DECODE,
    ENCODE,
    Call,
    Limits,
    SealedRealm,
    run_alone,
    sealed,
)

MOST_REALMS = 64
SURROGATE = re.compile("[\ud800-\udfff]")
SPENT = ("XError: interrupted", "XError: out of memory")


@dataclass(frozen=True, slots=True)
class DecodedObject:
    """What a script made of an uplink; every number is a float, as in the server."""

    object: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EncodedPayload:
    """What a script made of a command, and the port it asks for, if it does."""

    data: bytes
    f_port: int | None


@dataclass(frozen=True, slots=True)
class CodecError:
    """Why a script gave nothing, in the server's words."""

    message: str


class Codec:
    """
    Runs codec scripts; safe to use from several threads, each has its own realms.

    No state survives a call. A call that loops, recurses without end or eats memory
    ends as a `CodecError` and harms nobody else.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._local = threading.local()

    def decode(
        self,
        script: str,
        f_port: int,
        data: bytes,
        recv_time: float,
        variables: Mapping[str, str],
    ) -> DecodedObject | CodecError:
        """Call `decodeUplink`; `recv_time` is the event's time in Unix seconds."""
        given = {
            "bytes": list(data),
            "fPort": f_port,
            "recvTime": int(recv_time * 1000),
            "variables": dict(variables),
        }
        answer = self._run(script, DECODE, orjson.dumps(given).decode())
        return _read_decoded(answer)

    def encode(
        self, script: str, obj: Mapping[str, Any], variables: Mapping[str, str]
    ) -> EncodedPayload | CodecError:
        """Call `encodeDownlink` with `obj` as `input.data`."""
        given = {"variables": dict(variables), "data": dict(obj)}
        answer = self._run(script, ENCODE, orjson.dumps(given).decode())
        return _read_encoded(answer)

    def _run(self, script: str, call: Call, given: str) -> str:
        realms = self._realms()
        realm = realms.pop((script, call), None)
        if realm is not None and (answer := realm.run(given)) is not None:
            realms[script, call] = realm
            return answer
        answer = run_alone(script, call, given, self._limits)
        self._admit(script, call, answer, realm)
        return answer

    def _admit(
        self, script: str, call: Call, answer: str, realm: SealedRealm | None
    ) -> None:
        """Keep or make a sealed realm for a script that has not hurt itself."""
        realms = self._realms()
        if realm is None and answer[0] == "O":
            realm = sealed(script, call, self._limits)
        if realm is not None and not answer.startswith(SPENT):
            realms[script, call] = realm
        while len(realms) > MOST_REALMS:
            realms.popitem(last=False)

    def _realms(self) -> OrderedDict[tuple[str, Call], SealedRealm]:
        found = getattr(self._local, "realms", None)
        if found is None:
            found = self._local.realms = OrderedDict()
        return found


def _read_decoded(answer: str) -> DecodedObject | CodecError:
    kind, text = answer[0], answer[1:]
    if kind == "O":
        return _read_object(text)
    if kind == "N":
        return CodecError("decodeUplink did not return 'data'")
    return _read_failure(kind, text, DECODE)


def _read_object(text: str) -> DecodedObject | CodecError:
    # The prelude writes every number as a float, and an infinity as 1e999.
    if "\\ud" not in text and "1e999" not in text:
        return DecodedObject(orjson.loads(text))
    lenient = json.dumps(json.loads(text), ensure_ascii=False)
    return DecodedObject(json.loads(SURROGATE.sub("\ufffd", lenient)))


def _read_encoded(answer: str) -> EncodedPayload | CodecError:
    kind, text = answer[0], answer[1:]
    if kind != "O":
        return _read_failure(kind, text, ENCODE)
    numbers, f_port = json.loads(text)
    return EncodedPayload(
        bytes(_octet(number) for number in numbers),
        None if f_port is None else _octet(f_port),
    )


def _octet(number: float | None) -> int:
    """Convert as Rust's `as u8`: drop the fraction, then stay within 0 to 255."""
    return 0 if number is None else int(max(0.0, min(255.0, number)))


def _read_failure(kind: str, text: str, call: Call) -> CodecError:
    if kind == "E":
        return CodecError(
            f"{call.function} returned errors: {', '.join(json.loads(text))}"
        )
    if kind == "X":
        return CodecError(f"JS error: {_as_in_module_main(text, call)}")
    found, wanted = json.loads(text)
    prefix = "JS error: " if kind == "T" else ""
    return CodecError(
        f"{prefix}Error converting from js '{found}' into type '{wanted}'"
    )


def _as_in_module_main(text: str, call: Call) -> str:
    if text.startswith(f"Error: {call.function} is not defined\n"):
        # The real engine has no position for this one.
        return f"Error: {call.function} is not defined\n    at <anonymous> (main:1:1)\n"
    return text.replace("<input>", "main")
