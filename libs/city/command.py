"""
One command to one device: what was asked, and how far it has come.

The states, in order: requested, planned, queued, transmitted, acknowledged, confirmed;
or the end is failed (with a reason), expired or superseded.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal
from uuid import UUID, uuid5

import orjson

from city.errors import BadCommand

State = Literal[
    "requested",
    "planned",
    "queued",
    "transmitted",
    "acknowledged",
    "confirmed",
    "failed",
    "expired",
    "superseded",
]

ENDS: Final[frozenset[State]] = frozenset(
    {
        "confirmed",
        "failed",
        "expired",
        "superseded",
    }
)
"""States nothing follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """
    A wish: this device shall be so.

    ``id`` is a UUID, ``dev_eui`` lower case; instants are Unix seconds. Empty
    ``application_id`` and ``device_type`` and an ``expires_at`` of 0 are found by the
    sender, in the device's twin and its type.
    """

    id: str
    dev_eui: str
    object: Mapping[str, Any]
    requested_at: float
    expires_at: float = 0.0
    device_type: str = ""
    application_id: str = ""
    why: str = ""
    requested_by: str = ""
    supersedes: bool = True
    manual: bool = False
    """A person asked, and waits for the answer."""
    group: str = ""
    """The order to a group whose multicast frame carries it; empty: it goes alone."""

    def replaces(self, older: "Command") -> bool:
        """Tell whether an unfinished older command is given up for this one."""
        return self.supersedes and (self.manual or not older.manual)

    def __bytes__(self) -> bytes:
        """Return the JSON of the outbox."""
        return orjson.dumps(asdict(self))

    @classmethod
    def parse(cls, data: bytes) -> "Command":
        """Read the JSON of the outbox; BadCommand says what is wrong."""
        try:
            found = orjson.loads(data)
            return cls(
                id=str(UUID(found["id"])),
                dev_eui=_eui(found["dev_eui"]),
                object=dict(found["object"]),
                requested_at=float(found["requested_at"]),
                expires_at=float(found.get("expires_at") or 0),
                device_type=str(found.get("device_type") or ""),
                application_id=str(found.get("application_id") or ""),
                why=str(found.get("why") or ""),
                requested_by=str(found.get("requested_by") or ""),
                supersedes=bool(found.get("supersedes", True)),
                manual=bool(found.get("manual", False)),
                group=str(found.get("group") or ""),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadCommand(f"not a command: {error!r}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """What goes over the air: FPort and FRMPayload in clear."""

    f_port: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """
    What a device type says about its commands.

    A report of kind ``confirm_message`` confirms when those of ``confirm_fields``
    that the command states are equal and ``reason`` is ``confirm_reason``.
    ``status_request`` makes the device report, ``echo_message`` is its mere echo.
    """

    confirm_message: str
    confirm_fields: tuple[str, ...]
    confirm_within_s: float
    expires_s: float
    confirm_reason: str = ""
    echo_message: str = ""
    status_request: Payload | None = None

    def confirms(self, wanted: Mapping[str, Any], report: Mapping[str, Any]) -> bool:
        """Tell whether a state report shows what was wanted."""
        stated = [name for name in self.confirm_fields if name in wanted]
        same = all(report.get(name) == wanted[name] for name in stated)
        told = not stated or report.get("reason", "") == self.confirm_reason
        return same and (told or not self.confirm_reason)

    def shows(self, report: Mapping[str, Any]) -> str:
        """Say what a report shows of what commands are about."""
        found = [f"{name} {report.get(name)}" for name in self.confirm_fields]
        reason = report.get("reason")
        return " and ".join(found) + (f" (reason {reason})" if reason else "")


@dataclass(slots=True, kw_only=True)
class Entry:
    """A command on its way."""

    command: Command
    payload: Payload
    state: State = "requested"
    reason: str = ""
    why_not_yet: str = ""
    at: dict[str, float] = field(default_factory=dict)
    # Server's clock at the tx ack from which on a report counts; None: not sent yet.
    sent_time: float | None = None
    # Our clock: until when a report is awaited.
    report_by: float | None = None
    # Our clock: until when a group's frame is awaited, and from when a report counts.
    group_by: float | None = None
    counts_from: float | None = None
    asked: int = 0
    again: int = 0
    acked: bool = False
    found: str = ""
    cancelled: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing follows."""
        return self.state in ENDS

    def fields(self) -> dict[str, str]:
        """Return the public hash of this command."""
        command = self.command
        return {
            "id": command.id,
            "dev_eui": command.dev_eui,
            "device_type": command.device_type,
            "object": orjson.dumps(command.object).decode(),
            "why": command.why,
            "requested_by": command.requested_by,
            "requested_at": str(command.requested_at),
            "expires_at": str(command.expires_at),
            "state": self.state,
            "reason": self.reason,
            "why_not_yet": self.why_not_yet,
            "updated_at": str(max(self.at.values(), default=command.requested_at)),
        } | {f"at_{state}": str(at) for state, at in self.at.items()}


Phase = Literal["preparing", "sending", "queued"]
"""preparing: nothing left us. sending: it may have. queued: the broker has it."""


@dataclass(slots=True, kw_only=True)
class Item:
    """
    The one thing of a device that is, or may be, in ChirpStack's queue.

    ``asks`` marks the status request that follows a command; nobody waits for an
    ``orphan`` any more. ``f_cnt_down`` is the device's down counter before the first
    send (-1: no session). ``tries`` counts the sends the broker confirmed.
    """

    id: str
    command_id: str
    payload: Payload
    expires_at: float
    asks: bool
    phase: Phase
    since: float
    look_at: float
    f_cnt_down: int = -1
    looks: int = 0
    tries: int = 0
    missed: bool = False
    rejoined: bool = False
    orphan: bool = False
    trouble: str = ""


def derived_id(command_id: str, name: str) -> str:
    """Return the id of a further item of a command, the same at each repeat."""
    return str(uuid5(UUID(command_id), name))


def entry_document(entry: Entry) -> dict[str, Any]:
    """Return an entry as JSON can hold it."""
    return _with_hex(asdict(entry))


def item_document(item: Item) -> dict[str, Any]:
    """Return an item as JSON can hold it."""
    return _with_hex(asdict(item))


def read_entry(found: Mapping[str, Any]) -> Entry:
    """Read an entry back."""
    command = Command(**found["command"])
    rest = {"command": command, "payload": _payload(found["payload"])}
    return Entry(**{**found, **rest})


def read_item(found: Mapping[str, Any]) -> Item:
    """Read an item back."""
    return Item(**{**found, "payload": _payload(found["payload"])})


def _with_hex(document: dict[str, Any]) -> dict[str, Any]:
    payload = document["payload"]
    document["payload"] = {**payload, "data": payload["data"].hex()}
    return document


def _payload(found: Mapping[str, Any]) -> Payload:
    return Payload(f_port=found["f_port"], data=bytes.fromhex(found["data"]))


def _eui(text: str) -> str:
    size = 8
    if len(bytes.fromhex(text)) != size:
        raise ValueError(f"dev_eui {text!r} has not 16 hex digits")
    return text.lower()
