"""
Who listens: a downlink is offered to the few devices that could hear it.

Class A windows are found by radio parameters and time, class C ears by radio
parameters and DevAddr, so the cost of a downlink does not grow with the fleet.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from math import floor

from lorawan_sim.windows import Tuning, Window
from wire.air import AirFrame

# Near misses are worth telling, so one bucket of time is wider than a window.
_BUCKET_S = 0.5

Key = tuple[int, int, int, int | str]
_Held = tuple[tuple[Window, ...], tuple[tuple[Tuning, str], ...], tuple[Key, ...]]
_DEAF: _Held = ((), (), ())


class Ears:
    """Numbers of devices, by what they listen to."""

    __slots__ = ("_held", "_index")

    def __init__(self) -> None:
        self._index: dict[Key, set[int]] = defaultdict(set)
        self._held: dict[int, _Held] = {}

    def listen(
        self,
        number: int,
        windows: tuple[Window, ...],
        always: tuple[tuple[Tuning, str], ...],
    ) -> None:
        """Replace what device `number` listens to."""
        held = self._held.get(number, _DEAF)
        if held[0] is windows and held[1] == always:
            return
        self._forget(number, held)
        if windows or always:
            keys = tuple(_keys(windows, always))
            self._held[number] = (windows, always, keys)
            for key in keys:
                self._index[key].add(number)

    def candidates(self, frame: AirFrame) -> list[int]:
        """The devices that may hear the frame, in order of their numbers."""
        radio = (frame.frequency_hz, frame.spreading_factor, frame.bandwidth_hz)
        bucket = floor(frame.start_s / _BUCKET_S)
        found: set[int] = set()
        for where in (bucket - 1, bucket, bucket + 1, _dev_addr(frame)):
            found |= self._index.get((*radio, where), set())
        return sorted(found)

    def _forget(self, number: int, held: _Held) -> None:
        self._held.pop(number, None)
        for key in held[2]:
            numbers = self._index[key]
            numbers.discard(number)
            if not numbers:
                del self._index[key]


def _keys(
    windows: Iterable[Window], always: Iterable[tuple[Tuning, str]]
) -> Iterator[Key]:
    for window in windows:
        yield (*_radio(window.tuning), floor(window.opens_at / _BUCKET_S))
    for tuning, dev_addr in always:
        yield (*_radio(tuning), dev_addr)


def _radio(tuning: Tuning) -> tuple[int, int, int]:
    return tuning.frequency_hz, tuning.spreading_factor, tuning.bandwidth_hz


def _dev_addr(frame: AirFrame) -> str:
    """The four octets after the MHDR: a DevAddr if it is a data frame."""
    return frame.phy_payload[4:0:-1].hex()
