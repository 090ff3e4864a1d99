"""
What a UL20xx controller is told: parsed commands, or why one is refused.

The controller answers a good command with the same bytes on the same port, and a bad
one on port 99 with the code of its reason.
"""

from collections.abc import Callable
from dataclasses import dataclass

from lorawan_sim.payloads.ul20xx import COMMAND_PORT, REJECTIONS, SETTING_PORT
from wire.lorawan.ids import DevAddr
from wire.lorawan.keys import Key
from wire.lorawan.multicast import McSessionKeys

RESUME = 0xFF
FULL_PERCENT = 100
STATUS_INTERVAL_S = range(60, 86_401)
DELAY_STEP_S, LIMIT_STEP_S = 5, 60
OFF = 0xFF
GROUP_SLOTS = 4


class Refused(ValueError):
    """A downlink the controller refuses, for one of its reasons."""

    @property
    def code(self) -> int:
        """The reason's code on the air."""
        return REJECTIONS[str(self)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dim:
    """Set one address to `level` percent, for `minutes` if given; no level: resume."""

    address: int
    level: int | None
    minutes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Send a status, a usage report, or both."""

    status: bool
    usage: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchOpenDrain:
    """Switch the open-drain output."""

    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportEvery:
    """Change an interval; `usage_s` 0 means never."""

    status_s: int | None = None
    usage_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportChanges:
    """Report a change after at most `delay_s`, movement at most every `limit_s`."""

    delay_s: int | None
    limit_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinGroup:
    """Be in a multicast group: its slot, address and keys."""

    slot: int
    mc_addr: DevAddr
    keys: McSessionKeys


Command = Dim | Report | SwitchOpenDrain | ReportEvery | ReportChanges | JoinGroup


def parse(f_port: int, payload: bytes) -> list[Command]:
    """Return what a downlink asks for; raises `Refused` with the device's reason."""
    if f_port not in PARSERS:
        raise Refused("unknown-port")
    if not payload:
        raise Refused("too-short")
    kinds = PARSERS[f_port]
    if payload[0] not in kinds:
        raise Refused("unsupported-header")
    return kinds[payload[0]](payload[1:])


def _level(byte: int) -> int | None:
    if byte > FULL_PERCENT and byte != RESUME:
        raise Refused("value")
    return None if byte == RESUME else byte


def _chunks(body: bytes, size: int) -> list[bytes]:
    if not body or len(body) % size:
        raise Refused("size")
    return [body[at : at + size] for at in range(0, len(body), size)]


def _exactly(body: bytes, size: int) -> bytes:
    if len(body) != size:
        raise Refused("too-short" if len(body) < size else "too-long")
    return body


def _dim(body: bytes) -> list[Command]:
    return [Dim(address=to, level=_level(level)) for to, level in _chunks(body, 2)]


def _timed(body: bytes) -> list[Command]:
    return [
        Dim(address=to, level=_level(level), minutes=minutes)
        for to, level, minutes in _chunks(body, 3)
    ]


def _report(body: bytes) -> list[Command]:
    (wanted,) = _exactly(body, 1)
    if wanted & ~0x03:
        raise Refused("feature-unavailable")
    return [Report(usage=bool(wanted & 1), status=bool(wanted & 2))]


def _open_drain(body: bytes) -> list[Command]:
    (output,) = _exactly(body, 1)
    return [SwitchOpenDrain(on=bool(output & 1))]


def _status_interval(body: bytes) -> list[Command]:
    seconds = int.from_bytes(_exactly(body, 4), "little")
    if seconds not in STATUS_INTERVAL_S:
        raise Refused("value")
    return [ReportEvery(status_s=seconds)]


def _usage_interval(body: bytes) -> list[Command]:
    return [ReportEvery(usage_s=int.from_bytes(_exactly(body, 5)[:4], "little"))]


def _changes(body: bytes) -> list[Command]:
    delay, limit = _exactly(body, 2)
    delay_s = None if delay == OFF else delay * DELAY_STEP_S
    return [ReportChanges(delay_s=delay_s, limit_s=limit * LIMIT_STEP_S)]


def _group(body: bytes) -> list[Command]:
    slot, *_ = _exactly(body, 1 + DevAddr.size + 2 * Key.size)
    if slot >= GROUP_SLOTS:
        raise Refused("value")
    nwk, app = body[5:21], body[21:]
    keys = McSessionKeys(mc_nwk_s_key=Key(nwk), mc_app_s_key=Key(app))
    return [JoinGroup(slot=slot, mc_addr=DevAddr.from_le(body[1:5]), keys=keys)]


PARSERS: dict[int, dict[int, Callable[[bytes], list[Command]]]] = {
    COMMAND_PORT: {0x01: _dim, 0x05: _report, 0x09: _timed, 0x0C: _open_drain},
    SETTING_PORT: {
        0x07: _status_interval,
        0x0B: _usage_interval,
        0x2A: _changes,
        0x52: _group,
    },
}
