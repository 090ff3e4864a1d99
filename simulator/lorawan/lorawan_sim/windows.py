"""When and where a device listens."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from wire.air import AirFrame
from wire.lorawan.airtime import symbol_s

# A receiver locks on five of the eight preamble symbols, so a frame may start
# up to three symbols beside the instant the window opens.
_SPARE_SYMBOLS = 3


class Slot(StrEnum):
    """Which ear heard a frame."""

    RX1 = "RX1"
    RX2 = "RX2"
    RXC = "RXC"  # class C: RX2's parameters, all the time
    PING = "ping slot"  # class B
    BEACON = "beacon window"  # class B


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """
    What a receiver is set to.

    `tolerance_s` is how far beside the opening of a window a frame may start.
    """

    frequency_hz: int
    spreading_factor: int
    bandwidth_hz: int
    inverted: bool = True  # as all that comes down but beacons
    tolerance_s: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        symbol = symbol_s(self.spreading_factor, self.bandwidth_hz)
        object.__setattr__(self, "tolerance_s", _SPARE_SYMBOLS * symbol)

    def hears(self, frame: AirFrame) -> bool:
        """Whether this is a downlink with these radio parameters."""
        return (
            frame.iq_inverted == self.inverted
            and frame.frequency_hz == self.frequency_hz
            and frame.spreading_factor == self.spreading_factor
            and frame.bandwidth_hz == self.bandwidth_hz
        )

    def __str__(self) -> str:
        return f"{self.frequency_hz / 1e6:g} MHz SF{self.spreading_factor}"


class Window(NamedTuple):
    """
    One receive window: `opens_at` comes from the uplink's end in the air.

    A named tuple, two being made for every uplink: use it by name.
    """

    slot: Slot
    opens_at: float
    tuning: Tuning
    slack_s: float = 0.0  # how much longer it is open, before and after

    def late_by_s(self, frame: AirFrame) -> float:
        """Seconds from the opening to the frame's start; negative is early."""
        return frame.start_s - self.opens_at

    def catches(self, frame: AirFrame) -> bool:
        """Whether the frame's preamble falls into the window."""
        return (
            self.tuning.hears(frame)
            and abs(self.late_by_s(frame)) <= self.tuning.tolerance_s + self.slack_s
        )

    @property
    def closed_at(self) -> float:
        """After this instant no preamble can be caught any more."""
        return self.opens_at + self.tuning.tolerance_s + self.slack_s
