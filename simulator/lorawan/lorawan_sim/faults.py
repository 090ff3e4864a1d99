"""
A device on which something goes wrong, on purpose, at chosen times, by the seed.

It is a whole `Device`; what leaves it, what reaches it and what it remembers passes
through its faults. Nothing here is random but by the seed and the device.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Final

from lorawan_sim.behaviour import Behaviour, Message
from lorawan_sim.card import Card, Profile
from lorawan_sim.conversation import Conversation
from lorawan_sim.device import Device
from lorawan_sim.events import What
from lorawan_sim.groups import Groups
from lorawan_sim.session import Session
from lorawan_sim.tampering import ON_ANY, ON_DATA, Hand, flipped, is_data
from lorawan_sim.windows import Slot
from wire.air import AirFrame
from wire.lorawan.keys import Key
from wire.lorawan.mac import LinkADRAns
from wire.lorawan.region import Region
from wire.radio.propagation import Link
from wire.scenario import Fault

_NEVER: Final = float("inf")
_UNTIL_JOINED_S: Final = 1.0  # how often a fault looks whether there is a session
_ACK_BIT: Final = 0x20
_F_CTRL: Final = 5  # its octet in a data frame
_REFUSED: Final = bytes((LinkADRAns.cid, 0))  # nothing of it was acceptable
_AT_START: Final = frozenset(("devnonce_repeat", "join_storm", "fcnt_reset"))
_EVERY: Final = frozenset(("rapid_join", "duty_cycle_violation"))


@dataclass(slots=True, kw_only=True)
class _Running:
    """A fault of this device, its dice, and when it acts by itself next."""

    fault: Fault
    dice: Random
    acts_at: float

    def strikes(self, at_s: float) -> bool:
        """Whether it happens now, to this frame."""
        return self.fault.holds(at_s) and self.dice.random() < self.fault.rate


@dataclass(order=True, slots=True)
class _Later:
    at: float
    number: int
    frame: AirFrame = field(compare=False)


def faulty_card(card: Card, faults: Sequence[Fault], seed: int) -> Card:
    """The card of a device, with a key of its own if that is its fault."""
    if not any(fault.kind == "key_mismatch" for fault in faults):
        return card
    wrong = Random(f"{seed}/{card.dev_eui}/key_mismatch").randbytes(16)
    return replace(card, app_key=Key(wrong))


def faulty_profile(profile: Profile, faults: Sequence[Fault]) -> Profile:
    """The profile of a device, without the law if that is its fault."""
    if not any(fault.kind == "duty_cycle_violation" for fault in faults):
        return profile
    return replace(profile, region=_lawless(profile.region))


def _lawless(region: Region) -> Region:
    bands = tuple(replace(band, duty_cycle=1.0) for band in region.sub_bands)
    return replace(region, sub_bands=bands)


def _how_sent(talk: Conversation, frame: AirFrame) -> dict[str, int]:
    """What a 1.1 MIC says of the way a frame is sent; nothing in 1.0.x."""
    session, uplink = talk.session, talk.uplink
    if not session.is_1_1 or uplink is None:
        return {}
    channels = [None if it is None else it.frequency_hz for it in session.channels]
    return {
        "conf_f_cnt": uplink.conf_f_cnt,
        "tx_dr": uplink.data_rate,
        "tx_ch": channels.index(frame.frequency_hz),
    }


class FaultyDevice(Device):
    """
    A device with faults; `begins` is the Unix instant of second 0 of the run.

    What it does on purpose is told as `fault.inject` with the fault's name.
    """

    __slots__ = (
        "_begins",
        "_extra",
        "_heap",
        "_last",
        "_numbers",
        "_restarts",
        "_running",
    )

    def __init__(
        self,
        card: Card,
        behaviour: Behaviour,
        profile: Profile,
        *,
        faults: Sequence[Fault],
        begins: float,
        seed: int = 0,
        dev_nonce: int = 0,
        session: Session | None = None,
        groups: Groups | None = None,
    ) -> None:
        super().__init__(
            faulty_card(card, faults, seed),
            behaviour,
            faulty_profile(profile, faults),
            seed=seed,
            dev_nonce=dev_nonce,
            session=session,
            groups=groups,
        )
        self._begins = begins
        self._running = [self._start(fault, seed) for fault in faults]
        self._heap: list[_Later] = []
        self._numbers = count()
        self._extra: list[AirFrame] = []
        self._last: Message | None = None
        self._restarts = 0

    def _start(self, fault: Fault, seed: int) -> _Running:
        acts = fault.kind in _AT_START | _EVERY
        return _Running(
            fault=fault,
            dice=Random(f"{seed}/{self.card.dev_eui}/{fault.kind}/{fault.from_s}"),
            acts_at=self._begins + fault.from_s if acts else _NEVER,
        )

    # What it says

    def transmissions(self) -> list[AirFrame]:
        """The frames to send, drained, as the faults let them leave."""
        frames = [self._tampered(frame) for frame in super().transmissions()]
        frames += self._extra
        self._extra = []
        return frames

    def next_deadline(self) -> float | None:
        """When to call `tick` at the latest."""
        deadlines = [running.acts_at for running in self._running]
        deadlines += [self._heap[0].at] if self._heap else []
        at = super().next_deadline()
        deadlines += [] if at is None else [at]
        earliest = min(deadlines, default=_NEVER)
        return None if earliest == _NEVER else earliest

    def _tampered(self, frame: AirFrame) -> AirFrame:
        signed = frame
        for running in self._running:
            kind = running.fault.kind
            concerned = kind in ON_ANY or (is_data(signed) and kind in _ON_UPLINK)
            if concerned and running.strikes(signed.start_s - self._begins):
                frame = self._tampered_by(running, frame)
                self._tell(kind, signed.start_s)
        return frame

    def _tampered_by(self, running: _Running, frame: AirFrame) -> AirFrame:
        kind = running.fault.kind
        if kind in _ON_COUNTERS:
            _ON_COUNTERS[kind](self, running, frame)
            return frame
        tampering = ON_ANY.get(kind) or ON_DATA[kind]
        return tampering(frame, self._hand(running, frame))

    def _hand(self, running: _Running, frame: AirFrame) -> Hand:
        talk, parameters = self._talk, running.fault.parameters
        if talk is None:
            return Hand(dice=running.dice, parameters=parameters)
        last = talk.session.f_cnt_up - 1
        return Hand(
            dice=running.dice,
            parameters=parameters,
            crypto=talk.session.crypto,
            f_cnt=last if talk.uplink is None else talk.uplink.f_cnt,
            how=_how_sent(talk, frame),
        )

    def _same_counter_again(self, _: _Running, _frame: AirFrame) -> None:
        if self._talk is not None and self._talk.session.f_cnt_up > 0:
            self._talk.session.f_cnt_up -= 1

    def _skip_counters(self, running: _Running, _frame: AirFrame) -> None:
        if self._talk is not None:
            self._talk.session.f_cnt_up += int(running.fault.parameters["jump"])

    def _record(self, running: _Running, frame: AirFrame) -> None:
        at = frame.start_s + running.fault.parameters["delay_s"]
        again = frame._replace(start_s=at)
        heappush(self._heap, _Later(at, next(self._numbers), again))

    # What happens to it by itself

    def tick(self, now: float) -> None:
        """Let time pass, also for what goes wrong by itself."""
        for running in self._running:
            while running.acts_at <= now:
                self._act(running, now)
        while self._heap and self._heap[0].at <= now:
            self._extra.append(heappop(self._heap).frame._replace(start_s=now))
        self._narrow(now)
        super().tick(now)

    def _act(self, running: _Running, now: float) -> None:
        kind, at_s = running.fault.kind, now - self._begins
        if not running.fault.holds(at_s):
            running.acts_at = _NEVER
        elif self._talk is None:
            running.acts_at = now + _UNTIL_JOINED_S
        else:
            running.acts_at = now + running.fault.parameters.get("every_s", _NEVER)
            if running.strikes(at_s):
                self._tell(kind, now)
                _BY_ITSELF[kind](self, now)

    def _restart(self, now: float, *, forgetful: bool = False) -> None:
        self._radio.land()
        self._talk = None
        if forgetful:
            self._dev_nonce = 0
        self.join(now)

    def _restart_forgetful(self, now: float) -> None:
        self._restart(now, forgetful=True)

    def _count_from_zero(self, _: float) -> None:
        if self._talk is not None:
            self._talk.session.f_cnt_up = 0

    def _repeat_itself(self, now: float) -> None:
        if self._last is not None:
            self._mailbox.put(self._last)
            self._collect(now)

    def _narrow(self, now: float) -> None:
        """Keep to the first channel, whatever the network asked for."""
        session = self.session
        if session is None or not self._on("single_channel", now):
            return
        first = session.mask & -session.mask
        if session.mask != first:
            session.mask = first
            self._tell("single_channel", now)

    # What it means to say

    def _collect(self, now: float) -> None:
        for message in self._behaviour.uplinks():
            self._last = message
            wanted = message
            if self._on("confirmed_noack", now):
                wanted = replace(message, confirmed=True)
            for _ in range(1 + self._copies(now)):
                self._mailbox.put(wanted)
        super()._collect(now)

    def _copies(self, now: float) -> int:
        for running in self._running:
            is_burst = running.fault.kind == "burst_traffic"
            if is_burst and running.strikes(now - self._begins):
                self._tell("burst_traffic", now)
                return int(running.fault.parameters["copies"])
        return 0

    # What it hears

    def catch(self, frame: AirFrame, link: Link) -> bool:
        """Lock on a downlink, unless a fault keeps it from that."""
        if self._on("silence", frame.start_s):
            self._tell("silence", frame.start_s)
            return False
        if self._on("clock_drift", frame.start_s):
            self._tell("clock_drift", frame.start_s)
        return super().catch(frame, link)

    def _slot(self, frame: AirFrame) -> Slot | None:
        """A fast clock opens its windows early: to it the frame is late."""
        waited_s = frame.start_s - self._radio.ended_at
        drift_s = waited_s * self._ppm(frame.start_s) / 1e6
        return super()._slot(frame._replace(start_s=frame.start_s + drift_s))

    def _ppm(self, now: float) -> float:
        return sum(
            running.fault.parameters["ppm"]
            for running in self._running
            if running.fault.kind == "clock_drift"
            and running.fault.holds(now - self._begins)
        )

    def receive(self, frame: AirFrame, link: Link, now: float) -> None:
        """Hear a downlink, unless a fault keeps it from that."""
        heard: AirFrame | None = frame
        for running in self._running:
            hearing = _ON_DOWNLINK.get(running.fault.kind)
            if hearing and heard and running.strikes(frame.start_s - self._begins):
                before, heard = heard, hearing(self, running, heard)
                if heard is not before:
                    self._tell(running.fault.kind, now)
        if heard is not None:
            self._obey(heard, link, now)

    def _obey(self, frame: AirFrame, link: Link, now: float) -> None:
        session = self.session
        if session is None or not self._on("adr_reject", now):
            super().receive(frame, link, now)
            return
        before = _adr_state(session)
        super().receive(frame, link, now)
        if self._talk is not None and self._talk.amend(_REFUSED):
            mask, data_rate, tx_power_index, nb_trans = before
            session.mask, session.data_rate = mask, data_rate
            session.tx_power_index, session.nb_trans = tx_power_index, nb_trans
            self._tell("adr_reject", now)

    def _flip(self, running: _Running, frame: AirFrame) -> AirFrame | None:
        body = flipped(frame.phy_payload[_F_CTRL:], running.dice)
        return frame._replace(phy_payload=frame.phy_payload[:_F_CTRL] + body)

    def _miss_acknowledgement(self, _: _Running, frame: AirFrame) -> AirFrame | None:
        octets = frame.phy_payload
        is_ack = len(octets) > _F_CTRL and octets[_F_CTRL] & _ACK_BIT
        return None if is_ack and self._talk is not None else frame

    # Small words

    def _on(self, kind: str, now: float) -> bool:
        at_s = now - self._begins
        return any(
            running.fault.kind == kind and running.fault.holds(at_s)
            for running in self._running
        )

    def _tell(self, kind: str, at: float) -> None:
        self._diary.tell(What.FAULT_INJECTED, at, fault=kind)


def _adr_state(session: Session) -> tuple[int, int, int, int]:
    return session.mask, session.data_rate, session.tx_power_index, session.nb_trans


_Frames = Callable[[FaultyDevice, _Running, AirFrame], None]
_Hearing = Callable[[FaultyDevice, _Running, AirFrame], AirFrame | None]
_ON_COUNTERS: Final[dict[str, _Frames]] = {
    "fcnt_duplicate": FaultyDevice._same_counter_again,  # noqa: SLF001 -- this module's own
    "fcnt_jump": FaultyDevice._skip_counters,  # noqa: SLF001 -- this module's own
    "replay": FaultyDevice._record,  # noqa: SLF001 -- this module's own
}
_ON_UPLINK: Final = frozenset((*_ON_COUNTERS, *ON_DATA))
_ON_DOWNLINK: Final[dict[str, _Hearing]] = {
    "downlink_corrupt": FaultyDevice._flip,  # noqa: SLF001 -- this module's own
    "confirmed_noack": FaultyDevice._miss_acknowledgement,  # noqa: SLF001 -- this module's own
}
_BY_ITSELF: Final[dict[str, Callable[[FaultyDevice, float], None]]] = {
    "devnonce_repeat": FaultyDevice._restart_forgetful,  # noqa: SLF001 -- this module's own
    "join_storm": FaultyDevice._restart,  # noqa: SLF001 -- this module's own
    "rapid_join": FaultyDevice._restart,  # noqa: SLF001 -- this module's own
    "fcnt_reset": FaultyDevice._count_from_zero,  # noqa: SLF001 -- this module's own
    "duty_cycle_violation": FaultyDevice._repeat_itself,  # noqa: SLF001 -- this module's own
}
