"""
Everything that can be made to go wrong in a scenario, by name.

``device`` faults change what a device says, hears or remembers; ``gateway`` faults
its power or backhaul; ``engine`` faults stop a part of the stack and so exist in a
live run only. Parameters have a default and limits. Times are seconds of the run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from wire.scenario.kinds import Number


class Side(StrEnum):
    """Where a fault is."""

    DEVICE = "device"
    GATEWAY = "gateway"
    ENGINE = "engine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A number a fault can be tuned with."""

    default: float
    limits: Number
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultKind:
    """One fault: where it is, what it does, what a healthy network answers."""

    side: Side
    about: str
    answer: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


def _s(default: float, about: str, *, low: float = 0.0) -> Parameter:
    return Parameter(default=default, limits=Number(low=low, high=86_400), about=about)


def _n(default: float, low: float, high: float, about: str) -> Parameter:
    return Parameter(default=default, limits=Number(low=low, high=high), about=about)


def _device(about: str, answer: str, **parameters: Parameter) -> FaultKind:
    return FaultKind(
        side=Side.DEVICE, about=about, answer=answer, parameters=parameters
    )


def _gateway(about: str, answer: str, **parameters: Parameter) -> FaultKind:
    return FaultKind(
        side=Side.GATEWAY, about=about, answer=answer, parameters=parameters
    )


def _engine(about: str, answer: str) -> FaultKind:
    return FaultKind(side=Side.ENGINE, about=about, answer=answer)


FAULTS: Final[Mapping[str, FaultKind]] = {
    # Counters, keys and addresses
    "fcnt_duplicate": _device(
        "says something new under the counter of its last frame",
        "refused, log UPLINK_F_CNT_RETRANSMISSION",
    ),
    "fcnt_jump": _device(
        "skips counters",
        "accepted",
        jump=_n(1000, 1, 16_000, "how many counters are skipped"),
    ),
    "fcnt_reset": _device(
        "counts from 0 again without a new join",
        "refused until the counter has caught up, log UPLINK_F_CNT_RESET",
    ),
    "replay": _device(
        "somebody records its frames and sends them again",
        "refused, log UPLINK_F_CNT_RETRANSMISSION or UPLINK_F_CNT_RESET",
        delay_s=_s(30, "how much later", low=1.0),
    ),
    "mic_corrupt": _device("two bits of the MIC are flipped", "refused (mic)"),
    "mic_wrong_key": _device("signs with a key of its own", "refused (mic)"),
    "payload_corrupt": _device(
        "the payload was damaged before it was signed",
        "accepted; the codec says what it cannot read, log UPLINK_CODEC",
    ),
    "mac_corrupt": _device(
        "answers MAC commands with octets that mean nothing", "accepted"
    ),
    "wrong_devaddr": _device("says another DevAddr", "refused (unknown_dev_addr)"),
    "key_mismatch": _device(
        "holds another AppKey than the server", "join refused, log UPLINK_MIC"
    ),
    # Joining
    "devnonce_repeat": _device(
        "restarts and has forgotten which DevNonces it used",
        "join refused, log OTAA, until the device reaches a new DevNonce",
    ),
    "rapid_join": _device(
        "drops its session and joins again, and again",
        "accepted",
        every_s=_s(60, "how often", low=10.0),
    ),
    "join_storm": _device(
        "all restart in the same instant, as after a power cut", "accepted"
    ),
    # Radio
    "invalid_datarate": _device(
        "sends with 500 kHz, which nobody here demodulates", "not heard (modulation)"
    ),
    "invalid_frequency": _device("sends beside every channel", "not heard (channel)"),
    "signal_weak": _device(
        "its antenna is broken",
        "heard badly or not (weak)",
        loss_db=_n(40, 1, 200, "what the antenna loses"),
    ),
    "signal_spike": _device(
        "its power jumps about",
        "heard well, badly or not (weak)",
        loss_db=_n(60, 1, 200, "the most that is lost at a time"),
    ),
    "single_channel": _device("uses one channel only", "accepted"),
    "random_drop": _device("sends, but nothing leaves the antenna", "not heard (weak)"),
    "silence": _device("neither sends nor hears", "not heard (weak)"),
    # Traffic
    "duty_cycle_violation": _device(
        "ignores the duty cycle and repeats itself",
        "accepted",
        every_s=_s(5, "how often it speaks", low=2.0),
    ),
    "burst_traffic": _device(
        "says everything several times over",
        "accepted",
        copies=_n(5, 1, 15, "how many more messages"),
    ),
    "adr_reject": _device(
        "refuses every LinkADRReq", "accepted; ADR stays where it is"
    ),
    "confirmed_noack": _device(
        "wants every uplink acknowledged and hears no acknowledgement",
        "the first is accepted, its repetitions are refused, "
        "log UPLINK_F_CNT_RETRANSMISSION",
    ),
    # Downlinks and clocks
    "downlink_corrupt": _device(
        "two bits of each downlink are flipped on the way", "the device drops them"
    ),
    "clock_drift": _device(
        "its clock is wrong, so its receive windows are",
        "downlinks are missed",
        ppm=_n(20_000, -200_000, 200_000, "parts in a million"),
    ),
    # Gateways
    "gateway_outage": _gateway("has no power", "hears and sends nothing"),
    "backhaul_delay": _gateway(
        "its messages take longer, both ways",
        "late downlinks are refused: TOO_LATE",
        delay_s=_s(1, "how long"),
        jitter_s=_s(0, "and up to so much more"),
    ),
    "backhaul_loss": _gateway("its messages vanish, both ways", "not published"),
    # Engines
    "broker_outage": _engine("the broker is stopped", "events wait, then all arrive"),
    "redis_outage": _engine("Redis is stopped", "events wait, then all arrive"),
    "s3_outage": _engine("the object store is stopped", "the archive catches up"),
}


def names(side: Side) -> tuple[str, ...]:
    """The faults of one side."""
    return tuple(name for name, kind in FAULTS.items() if kind.side is side)
