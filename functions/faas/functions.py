"""Functions: a handler and the label that says what wakes it."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Generic, ParamSpec

from faas.events import Event, Tick, Uplink

P = ParamSpec("P")

KINDS: Final = ("up", "join", "status", "ack", "txack", "log", "location")
DEFAULT_POOL: Final = "default"

__all__ = [
    "DEFAULT_POOL",
    "KINDS",
    "Function",
    "OnBatch",
    "OnEvent",
    "OnSchedule",
    "Retry",
    "fits",
    "on_batch",
    "on_event",
    "on_schedule",
    "on_uplink",
    "wakes",
    "wants",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """
    How often, and how soon, a failed event is tried again.

    `attempts` counts the first one; the pause before attempt n + 1 is
    `first_s * factor ** (n - 1)`, at most `longest_s`.
    """

    attempts: int = 4
    first_s: float = 1.0
    factor: float = 4.0
    longest_s: float = 300.0

    def pause_s(self, attempts: int) -> float | None:
        """Seconds to wait after that many attempts; None: give up."""
        if attempts >= self.attempts:
            return None
        return float(min(self.first_s * self.factor ** (attempts - 1), self.longest_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class OnEvent:
    """Woken by each event of a kind, perhaps of one device type and message only."""

    kind: str
    device_type: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnBatch:
    """Woken by an exact range of the stream, of about this size or age."""

    max_bytes: int = 1_000_000
    max_events: int = 5_000
    max_age_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OnSchedule:
    """Woken at every whole multiple of this many seconds since 1970."""

    every_s: float


Trigger = OnEvent | OnBatch | OnSchedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Function(Generic[P]):
    """
    A handler with its label; still callable as it was written.

    `ports` are the parameters after the first: what it asks the runtime for.
    """

    name: str
    file: str
    line: int
    call: Callable[P, None]
    trigger: Trigger
    ports: tuple[str, ...]
    pool: str = DEFAULT_POOL
    retry: Retry = field(default_factory=Retry)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call the handler itself."""
        self.call(*args, **kwargs)

    @property
    def place(self) -> str:
        """Where it is written: file and line."""
        return f"{self.file}:{self.line}"


def on_uplink(
    *,
    device_type: str | None = None,
    message: str | None = None,
    pool: str = DEFAULT_POOL,
    retry: Retry | None = None,
) -> Callable[[Callable[P, None]], Function[P]]:
    """
    Label a handler that wants decoded uplinks.

    `device_type` names a folder of the device-type catalogue (None: every
    device), `message` one kind of message its codec knows (None: every message).
    """
    return _label(
        OnEvent(kind="up", device_type=device_type, message=message), pool, retry
    )


def on_event(
    *,
    kind: str,
    device_type: str | None = None,
    pool: str = DEFAULT_POOL,
    retry: Retry | None = None,
) -> Callable[[Callable[P, None]], Function[P]]:
    """Label a handler that wants events of one kind: join, status, ack, txack, log."""
    return _label(OnEvent(kind=kind, device_type=device_type), pool, retry)


def on_batch(
    *,
    max_bytes: int = 1_000_000,
    max_events: int = 5_000,
    max_age_s: float = 10.0,
) -> Callable[[Callable[P, None]], Function[P]]:
    """Label a handler that wants every event of every kind, in exact ranges."""
    trigger = OnBatch(max_bytes=max_bytes, max_events=max_events, max_age_s=max_age_s)
    return _label(trigger, DEFAULT_POOL, None)


def on_schedule(
    *, every: timedelta, pool: str = DEFAULT_POOL, retry: Retry | None = None
) -> Callable[[Callable[P, None]], Function[P]]:
    """Label a handler that wants to run again and again, at this distance."""
    return _label(OnSchedule(every_s=every.total_seconds()), pool, retry)


def wakes(event: Event, function: Function[Any]) -> bool:
    """Tell whether an event, or a tick, wakes a function."""
    if isinstance(function.trigger, OnEvent):
        return wants(function.trigger, event)
    return isinstance(event, Tick) and event.function == function.name


def wants(trigger: OnEvent, event: Event) -> bool:
    """Tell whether an event wakes a trigger."""
    message = event.message if isinstance(event, Uplink) else None
    return fits(trigger, event.kind, event.device_type, message)


def fits(trigger: OnEvent, kind: str, device_type: str, message: str | None) -> bool:
    """Tell whether events of that kind wake a trigger; message: of uplinks alone."""
    return (
        trigger.kind == kind
        and trigger.device_type in {None, device_type}
        and trigger.message in {None, message}
    )


def _label(
    trigger: Trigger, pool: str, retry: Retry | None
) -> Callable[[Callable[P, None]], Function[P]]:
    def label(call: Callable[P, None]) -> Function[P]:
        return Function(
            name=call.__name__,
            file=call.__code__.co_filename,
            line=call.__code__.co_firstlineno,
            call=call,
            trigger=trigger,
            ports=tuple(_parameters(call))[1:],
            pool=pool,
            retry=retry or Retry(),
        )

    return label


def _parameters(call: Callable[..., Any]) -> Iterable[str]:
    return inspect.signature(call).parameters
