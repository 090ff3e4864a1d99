"""What happens to a device, as values: the adapter logs and counts them."""

from enum import StrEnum
from typing import NamedTuple


class What(StrEnum):
    """The kinds of event; each is the tail of its log name `device.<kind>`."""

    JOIN_SENT = "join.send"
    JOINED = "join.accept"
    JOIN_FAILED = "join.fail"
    JOIN_WAITS = "join.wait"
    REJOIN_SENT = "rejoin.send"
    RESUMED = "session.resume"
    UPLINK_SENT = "uplink.send"
    UPLINK_WAITS = "uplink.wait"
    UPLINK_REFUSED = "uplink.refuse"
    UPLINK_ACKED = "uplink.ack"
    UPLINK_UNACKED = "uplink.fail"
    UPLINK_LOST = "uplink.lose"
    DOWNLINK_HEARD = "downlink.receive"
    DOWNLINK_DROPPED = "downlink.drop"
    BEACON_LOCKED = "beacon.lock"
    BEACON_LOST = "beacon.lose"
    GROUP_JOINED = "group.join"
    GROUP_HEARD = "group.receive"
    COMMANDED = "mac.command"
    LINK_CHECKED = "mac.link_check"
    TIME_TOLD = "mac.device_time"
    ADR_BACKED_OFF = "adr.back_off"
    FAULT_INJECTED = "fault.inject"


class DeviceEvent(NamedTuple):
    """
    One thing that happened to one device; a named tuple, to be used by name.

    `facts` are the key=value pairs of the log line, in order; never a key or
    a payload's plain text. A `reason` among them is a full sentence part.
    """

    what: What
    at: float
    facts: tuple[tuple[str, object], ...] = ()

    def fact(self, name: str) -> object:
        """The value of one fact, None if the event does not carry it."""
        return dict(self.facts).get(name)

    def __str__(self) -> str:
        return " ".join(f"{name}={_quoted(value)}" for name, value in self.facts)


def _quoted(value: object) -> str:
    text = str(value)
    return f'"{text}"' if " " in text else text


class Diary:
    """Where the parts of one device write down what happens to it."""

    __slots__ = ("_events",)

    def __init__(self) -> None:
        self._events: list[DeviceEvent] = []

    def tell(self, what: What, at: float, **facts: object) -> None:
        """Write one event."""
        self._events.append(DeviceEvent(what, at, tuple(facts.items())))

    def drain(self) -> list[DeviceEvent]:
        """Everything written since the last call."""
        drained, self._events = self._events, []
        return drained
