"""What happened to a device, as the handlers see it; `wire` reads the documents."""

from typing import Any

from faas.errors import NotAnEvent
from wire.chirpstack.events import (
    UNKNOWN,
    Acked,
    Event,
    Heard,
    Joined,
    Logged,
    Status,
    TxAcked,
    Uplink,
    event_of,
)
from wire.chirpstack.instants import (
    RESET_AFTER_NS,
    instant_of,
    is_newer,
    mark_of,
    ns_of,
)
from wire.errors import Malformed

__all__ = [
    "RESET_AFTER_NS",
    "UNKNOWN",
    "Acked",
    "Event",
    "Heard",
    "Joined",
    "Logged",
    "Status",
    "Tick",
    "TxAcked",
    "Uplink",
    "event_of",
    "is_newer",
    "mark_of",
    "ns_of",
    "parse_event",
    "tick",
]


class Tick(Event):
    """It is time for `function`; `time` is the planned instant, not the clock's."""

    function: str

    def __init__(self, function: str, instant_ms: int) -> None:
        arrived_ns = instant_ms * 10**6
        super().__init__(
            "tick", {}, id=f"{function}-{instant_ms}", arrived_ns=arrived_ns
        )
        self.__dict__.update(
            function=function,
            time=instant_of(arrived_ns),
            dev_eui="",
            device_name="",
            device_type=UNKNOWN,
            application_id="",
            tags={},
        )


def tick(function: str, instant_ms: int) -> Tick:
    """Return the tick of a scheduled function at that instant (Unix ms)."""
    return Tick(function, instant_ms)


def parse_event(kind: str, document: Any, *, event_id: str, arrived_ns: int) -> Event:
    """
    Read every field of ChirpStack's JSON event of that kind.

    `arrived_ns` (Unix ns) stands in where the server wrote no time of its own.
    `NotAnEvent` says what was missing or of the wrong type.
    """
    event = event_of(kind, document, id=event_id, arrived_ns=arrived_ns)
    try:
        return event.check()
    except Malformed as error:
        raise NotAnEvent(str(error)) from error
