"""
Payload codecs as ChirpStack v4 runs them: TS013 scripts, ES module semantics, 100 ms.

Facts: ChirpStack d77207cd, `chirpstack/src/codec/js/mod.rs` and `codec/convert.rs`.
A codec's fault is a value, `CodecError`, whose text is the real server's.
"""

import builtins
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

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
INFINITE = "1e999"  # as the prelude writes it; JSON has no word for it
SURROGATE = re.compile("[\ud800-\udfff]")
_CALLS = {call.function: call for call in (DECODE, ENCODE)}
SPENT = ("XError: interrupted", "XError: out of memory")


class DecodedObject:
    """
    What a script made of an uplink; every number is a float, as in the server.

    Either the object, or its JSON as events hold it.
    """

    __slots__ = ("_object", "json")

    def __init__(
        self, decoded: dict[str, Any] | None = None, *, json: bytes | None = None
    ) -> None:
        self._object = decoded
        self.json = json

    @property
    def object(self) -> dict[str, Any]:
        """The object."""
        if self._object is None:
            self._object = orjson.loads(self.json or b"{}")
        return self._object

    def __eq__(self, other: builtins.object) -> bool:
        return isinstance(other, DecodedObject) and bool(self.object == other.object)

    def __hash__(self) -> int:
        return hash(orjson.dumps(self.object))

    def __repr__(self) -> str:
        return f"DecodedObject({self.object!r})"


class Job(NamedTuple):
    """One call: a script, the name of its function, and its input as JSON."""

    script: str
    function: str
    given: str


class Uplink(NamedTuple):
    """What ``decodeUplink`` is given, and by which script."""

    script: str
    f_port: int
    data: bytes
    recv_time: float
    """Unix seconds."""
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EncodedPayload:
    """What a script made of a command, and the port it asks for, if it does."""

    data: bytes
    f_port: int | None


@dataclass(frozen=True, slots=True)
class CodecError:
    """Why a script gave nothing, in the server's words."""

    message: str


class Runner(Protocol):
    """Runs a call of a script; ``Realms`` here, ``CodecProcess`` in another process."""

    def begin(self, jobs: Sequence[Job]) -> None:
        """Learn what ``run`` will be asked for; may do nothing."""

    def run(self, job: Job) -> str:
        """Return the verdict: a letter and JSON (see ``codec_prelude.js``)."""


class Codec:
    """
    Runs codec scripts; safe to use from several threads.

    No state survives a call. A call that loops, recurses without end or eats memory
    ends as a `CodecError` and harms nobody else.
    """

    def __init__(
        self, limits: Limits | None = None, *, runner: Runner | None = None
    ) -> None:
        self._runner = runner or Realms(limits)
        self._expected: dict[tuple[object, ...], Job] = {}

    def expect(self, uplinks: Sequence[Uplink]) -> None:
        """Begin with what ``decode`` will be asked for soon."""
        jobs = [_decode_job(uplink) for uplink in uplinks]
        self._expected = {
            _key(uplink): job for uplink, job in zip(uplinks, jobs, strict=True)
        }
        self._runner.begin(jobs)

    def decode(
        self,
        script: str,
        f_port: int,
        data: bytes,
        recv_time: float,
        variables: Mapping[str, str],
    ) -> DecodedObject | CodecError:
        """Call `decodeUplink`; `recv_time` is the event's time in Unix seconds."""
        uplink = Uplink(script, f_port, data, recv_time, variables)
        job = self._expected.get(_key(uplink)) or _decode_job(uplink)
        return _read_decoded(self._runner.run(job))

    def encode(
        self, script: str, obj: Mapping[str, Any], variables: Mapping[str, str]
    ) -> EncodedPayload | CodecError:
        """Call `encodeDownlink` with `obj` as `input.data`."""
        given = {"variables": dict(variables), "data": dict(obj)}
        job = Job(script, ENCODE.function, orjson.dumps(given).decode())
        return _read_encoded(self._runner.run(job))


def _key(uplink: Uplink) -> tuple[object, ...]:
    script, f_port, data, recv_time, variables = uplink
    return (script, f_port, data, recv_time, *variables.items())


def _decode_job(uplink: Uplink) -> Job:
    given = {
        "bytes": list(uplink.data),
        "fPort": uplink.f_port,
        "recvTime": int(uplink.recv_time * 1000),
        "variables": dict(uplink.variables),
    }
    return Job(uplink.script, DECODE.function, orjson.dumps(given).decode())


class Realms:
    """The engine in this process; each thread has its own realms."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._local = threading.local()

    def begin(self, jobs: Sequence[Job]) -> None:
        """Do nothing: a call is made when its answer is wanted."""

    def run(self, job: Job) -> str:
        """Return the verdict."""
        script, call, given = job.script, _CALLS[job.function], job.given
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


def rendered(job: Job, answer: str) -> str:
    """Turn a decoded object into the JSON that events hold: an answer ``J``."""
    if job.function != DECODE.function or answer[0] != "O" or INFINITE in answer:
        return answer
    decoded = _read_object(answer[1:])
    return f"J{orjson.dumps(decoded.object).decode()}"


def _read_decoded(answer: str) -> DecodedObject | CodecError:
    kind, text = answer[0], answer[1:]
    if kind == "J":
        return DecodedObject(json=text.encode())
    if kind == "O":
        return _read_object(text)
    if kind == "N":
        return CodecError("decodeUplink did not return 'data'")
    return _read_failure(kind, text, DECODE)


def _read_object(text: str) -> DecodedObject:
    # The prelude writes every number as a float, and an infinity as 1e999.
    if "\\ud" not in text and INFINITE not in text:
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
