"""What the handlers of MAC commands work with and answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chirpstack_embedded.core.context import Context
from chirpstack_embedded.core.mac.block import Block
from chirpstack_embedded.core.reception import HeardFrame
from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.model import Device, Session
from wire.lorawan.mac import MacCommand


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One accepted uplink with MAC commands."""

    context: Context
    heard: HeardFrame
    plan: RegionPlan
    device: Device
    session: Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Unexpected:
    """A command that was not asked for or does not fit what was."""

    why: str


Answer = Block | Unexpected | None
Handler = Callable[
    [Exchange, Sequence[MacCommand], Sequence[MacCommand]], "Block | Unexpected | None"
]
"""Takes the device's commands and the pending requests (empty if none)."""


def count_refusal(session: Session, cid: int) -> None:
    """Remember that the device refused a request; twice is enough."""
    refused = session.mac_command_error_count.get(cid, 0)
    session.mac_command_error_count[cid] = refused + 1


def forget_refusals(session: Session, cid: int) -> None:
    """Remember that the device accepted a request."""
    session.mac_command_error_count.pop(cid, None)
