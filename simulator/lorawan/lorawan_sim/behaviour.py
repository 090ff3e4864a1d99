"""
What a device does with its radio: the face every device type shows to the MAC core.

A behaviour is pure and seeded. It never hears of frames, counters or windows: it is
told what happened and when (`now`, Unix seconds), says when it wants to be woken, and
hands over the application payloads it wants sent.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from lorawan_sim.groups import Membership
from lorawan_sim.world import World

EXTERNAL_POWER = 0
BATTERY_FULL = 254
BATTERY_UNKNOWN = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One application payload for the uplink, on its port."""

    f_port: int
    payload: bytes
    confirmed: bool = False


class Behaviour(Protocol):
    """
    One device's application.

    `joined` is called after every accepted join, also a later one. `tick` may be
    called at any time, at the latest at `next_deadline`. `uplinks` empties what it
    returns. What does not fit a frame is the MAC core's to defer; nothing is cut.
    `battery` is the DevStatusAns value (LoRaWAN 1.0.3 §5.5): 0 external power, 1 to
    254 a level, 255 unknown.
    """

    @property
    def battery(self) -> int:
        """The battery level as DevStatusAns tells it."""
        ...

    def joined(self, now: float) -> None:
        """Start, or start again: the network has accepted the device."""
        ...

    def received(self, f_port: int, payload: bytes, now: float) -> None:
        """Take an application payload that came down."""
        ...

    def tick(self, now: float) -> None:
        """Let time pass."""
        ...

    def next_deadline(self) -> float | None:
        """Return when to call `tick`, or nothing while there is nothing to wait for."""
        ...

    def uplinks(self) -> list[Message]:
        """Return what is to be sent, oldest first, and forget it."""
        ...


@runtime_checkable
class Grouped(Protocol):
    """A behaviour whose own messages put it into multicast groups."""

    def memberships(self) -> list[Membership]:
        """Return the groups it was told to be in, oldest first, and forget them."""
        ...

    def received_in_group(self, f_port: int, payload: bytes, now: float) -> None:
        """Take a payload that came to a group: many others hear it too."""
        ...


@runtime_checkable
class Reporting(Protocol):
    """A behaviour that reports regularly and can be told how often."""

    def report_every(self, period_s: float) -> None:
        """Report with this period, from the join on."""
        ...


class Maker(Protocol):
    """How a device type's module makes a behaviour: its function `behaviour`."""

    def __call__(
        self, *, seed: int, world: World, latitude: float, longitude: float
    ) -> Behaviour:
        """Return a new device's behaviour at its place."""
        ...
