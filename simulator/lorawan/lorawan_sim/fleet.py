"""Many devices behind one face: one queue of deadlines, one index of ears."""

from bisect import insort
from collections import defaultdict
from heapq import heappop, heappush
from operator import itemgetter

from lorawan_sim.card import Card
from lorawan_sim.device import Device
from lorawan_sim.ears import Ears
from lorawan_sim.events import DeviceEvent
from lorawan_sim.state import Record
from wire.air import AirFrame
from wire.radio.plan import RadioPlan
from wire.radio.propagation import Link, Propagation, Site

_REMEMBERED_S = 5.0  # longer than any frame
_NOTHING = float("inf")
_END = itemgetter(0)


class Fleet:
    """
    A city of devices as one pure core.

    The face is that of one device: `receive`, `tick`, `next_deadline`,
    `transmissions`, `events`. `unsaved()` drains what has to reach flash:
    before a join-request leaves the antenna, its DevNonce must be there.
    A downlink that a device locked on is judged at its end: only then is it
    known what else was in the air.
    """

    def __init__(
        self, *, radio: RadioPlan | None = None, propagation: Propagation | None = None
    ) -> None:
        radio = RadioPlan() if radio is None else radio
        self._propagation = propagation or radio.propagation(seed=0)
        self._interference = radio.interference_model()
        self._sky: defaultdict[int, list[AirFrame]] = defaultdict(list)
        self._caught: list[tuple[float, int, AirFrame, Link]] = []
        self._devices: list[Device] = []
        self._deadlines: list[float] = []
        self._queue: list[tuple[float, int]] = []
        self._ears = Ears()
        self._numbers: dict[str, int] = {}
        self._unsaved: set[int] = set()
        self._transmissions: list[AirFrame] = []
        self._events: list[tuple[Device, DeviceEvent]] = []
        self._joined: set[int] = set()

    def __len__(self) -> int:
        return len(self._devices)

    @property
    def joined(self) -> int:
        """How many devices have a session."""
        return len(self._joined)

    def device(self, dev_eui: str) -> Device:
        """The device of that DevEUI; KeyError if there is none."""
        return self._devices[self._numbers[dev_eui]]

    def add(self, device: Device, *, starts_at: float) -> None:
        """Take in a device that is switched on at `starts_at`."""
        number = len(self._devices)
        self._devices.append(device)
        self._deadlines.append(_NOTHING)
        self._numbers[str(device.card.dev_eui)] = number
        device.join(starts_at)
        self._settle(number)

    def receive(self, frame: AirFrame, now: float) -> None:
        """Offer a downlink to the devices whose ears are open for it."""
        channel = self._sky[frame.frequency_hz]
        channel[:] = [one for one in channel if one.end_s > now - _REMEMBERED_S]
        channel.append(frame)
        for number in self._ears.candidates(frame):
            device = self._devices[number]
            link = self._propagation.link(frame, _site(device.card))
            if device.catch(frame, link):
                insort(self._caught, (frame.end_s, number, frame, link), key=_END)
            self._settle(number)

    def lose(self, frame: AirFrame, cause: str, now: float) -> None:
        """Tell the sender that its frame never reached the air."""
        number = self._numbers[str(frame.sender)]
        self._devices[number].lose(cause, now)
        self._settle(number)

    def tick(self, now: float) -> None:
        """Let time pass for every device that waited for it."""
        while self._caught and self._caught[0][0] <= now:
            _, number, frame, link = self._caught.pop(0)
            self._hear(number, frame, link, now)
        for number in self._due(now):
            self._devices[number].tick(now)
            self._settle(number)

    def next_deadline(self) -> float | None:
        """When to call `tick`; None while nobody waits for anything."""
        queue = self._queue
        while queue and queue[0][0] != self._deadlines[queue[0][1]]:
            heappop(queue)
        if self._caught and (not queue or self._caught[0][0] < queue[0][0]):
            return self._caught[0][0]
        return queue[0][0] if queue else None

    def transmissions(self) -> list[AirFrame]:
        """The frames to send, drained."""
        drained, self._transmissions = self._transmissions, []
        return drained

    def events(self) -> list[tuple[Device, DeviceEvent]]:
        """What happened to whom, drained."""
        drained, self._events = self._events, []
        return drained

    def unsaved(self) -> list[Record]:
        """What changed in flash since the last call."""
        numbers, self._unsaved = sorted(self._unsaved), set()
        return [self._devices[number].record() for number in numbers]

    def _hear(self, number: int, frame: AirFrame, link: Link, now: float) -> None:
        device = self._devices[number]
        here = _site(device.card)
        others = [
            (other, self._propagation.link(other, here).rssi_dbm)
            for other in self._sky[frame.frequency_hz]
            if other is not frame
            and _meet(frame, other)
            and not _same_beacon(frame, other)
        ]
        if self._interference.drowns(frame, link.rssi_dbm, others):
            device.drown(frame)
        else:
            device.receive(frame, link, now)
        self._settle(number)

    def _due(self, now: float) -> list[int]:
        queue, due = self._queue, []
        while queue and queue[0][0] <= now:
            deadline, number = heappop(queue)
            if deadline == self._deadlines[number]:
                self._deadlines[number] = _NOTHING
                due.append(number)
        return due

    def _settle(self, number: int) -> None:
        device = self._devices[number]
        self._transmissions += device.transmissions()
        for event in device.events():
            self._events.append((device, event))
        self._ears.listen(number, device.windows(), device.always())
        if device.take_unsaved():
            self._unsaved.add(number)
        if device.joined:
            self._joined.add(number)
        else:
            self._joined.discard(number)
        self._wait(number, device.next_deadline())

    def _wait(self, number: int, deadline: float | None) -> None:
        wanted = _NOTHING if deadline is None else deadline
        if wanted != self._deadlines[number]:
            self._deadlines[number] = wanted
            if deadline is not None:
                heappush(self._queue, (deadline, number))


def _meet(one: AirFrame, other: AirFrame) -> bool:
    """Whether two frames are in the air at once."""
    return one.start_s < other.end_s and other.start_s < one.end_s


def _same_beacon(one: AirFrame, other: AirFrame) -> bool:
    """Whether two gateways beacon at once: the first half, the time, is the same."""
    beacons = not (one.iq_inverted or other.iq_inverted)
    return beacons and one.start_s == other.start_s


def _site(card: Card) -> Site:
    return Site(card.dev_eui, card.latitude, card.longitude)
