"""One LoRaWAN end device: its MAC, class A, B and C, around a behaviour."""

from lorawan_sim import mac
from lorawan_sim.behaviour import Behaviour
from lorawan_sim.card import Card, Profile
from lorawan_sim.conversation import NEVER
from lorawan_sim.device.hearer import Hearer
from lorawan_sim.events import What
from lorawan_sim.groups import Groups
from lorawan_sim.joining import Joining
from lorawan_sim.session import Session
from lorawan_sim.state import Record
from lorawan_sim.windows import Slot
from wire.air import AirFrame
from wire.radio.propagation import Link


class Device(Hearer):
    """
    A pure state machine: time and frames come in, frames and events go out.

    `now` is in Unix seconds. Receive windows are computed from the uplink's
    end in the air, never from when `receive` happened to be called; a window
    counts as missed only `profile.late_s` after it closed.
    `dev_nonce` and `session` are what its flash held, if it is not new.
    """

    __slots__ = ()

    def __init__(
        self,
        card: Card,
        behaviour: Behaviour,
        profile: Profile,
        *,
        seed: int = 0,
        dev_nonce: int = 0,
        session: Session | None = None,
        groups: Groups | None = None,
    ) -> None:
        super().__init__(
            card, behaviour, profile, seed=seed, dev_nonce=dev_nonce, groups=groups
        )
        if session is not None:
            self._talk = self._begin(session)

    # What the device says of itself

    def record(self) -> Record:
        """What its flash holds now."""
        session = self.session
        return Record(
            dev_eui=str(self.card.dev_eui),
            dev_nonce=self._dev_nonce,
            session=None if session is None else session.to_json(),
            groups=self._groups.to_json() if self._groups else None,
        )

    def take_unsaved(self) -> bool:
        """Whether `record` has changed since the last call."""
        unsaved, self._unsaved = self._unsaved, False
        return unsaved

    def next_deadline(self) -> float | None:
        """When to call `tick` at the latest; None while it waits for nothing."""
        at = self._radio.closes_at if self._radio.windows else self._speaks_at()
        if self._talk is not None:
            senses_at = self._behaviour.next_deadline()
            at = at if senses_at is None or at < senses_at else senses_at
        if self._groups:
            at = min(at, self._groups.next_deadline())
        if self._packages is not None:
            at = min(at, self._packages.clock.next_at)
        if self._class_b is not None:
            at = min(at, self._class_b.next_deadline(self.profile.late_s))
        return None if at == NEVER else at

    # What happens to it

    def join(self, now: float) -> None:
        """Switch it on: join, or go on with the session in its flash."""
        self._radio.not_before = now
        if self._talk is None:
            self._joining = Joining(now, self.profile.region, self._dice)
            return
        self._diary.tell(What.RESUMED, now, f_cnt_up=self._talk.session.f_cnt_up)
        self._behaviour.joined(now)
        self._collect(now)

    def catch(self, frame: AirFrame, link: Link) -> bool:
        """Lock on a downlink that starts in a window; it is heard at its end."""
        if self._slot(frame) is None or not link.is_audible:
            self._miss(frame, link)
            return False
        caught = self._radio.lock(frame)
        if caught and self._class_b is not None:
            self._class_b.lock(frame)
        return caught

    def drown(self, frame: AirFrame) -> None:
        """Lose a downlink that was caught to another one in the air."""
        self._note(f"a downlink in {self._slot(frame)} was drowned by another one")

    def receive(self, frame: AirFrame, link: Link, now: float) -> None:
        """Hear a downlink, if it falls into a window and is strong enough."""
        slot = self._slot(frame)
        if slot is None or not link.is_audible:
            self._miss(frame, link)
        elif slot is Slot.BEACON:
            self._hear_beacon(frame)
        elif self._joining is not None:
            self._hear_join_accept(self._joining, frame, slot, now)
        elif self._talk is not None and not self._hear_rejoin_accept(frame, slot, now):
            self._hear_data(self._talk, frame, link, slot, now)

    def tick(self, now: float) -> None:
        """Let time pass: close windows, sense, send."""
        if self._radio.windows and self._radio.closes_at <= now:
            self._nothing_heard(now)
        if self._groups:
            self._groups.tick(now)
        if self._packages is not None:
            self._say(self._packages.due(now))
        if self._class_b is not None:
            self._turn(self._class_b.tick(now, self.profile.late_s), now)
        if self._talk is not None:
            self._behaviour.tick(now)
            self._collect(now)
        if not self._radio.windows and self._speaks_at() <= now:
            self._speak(now)

    def lose(self, cause: str, now: float) -> None:
        """Learn from the adapter that the last frame never reached the air."""
        self._note(f"the request never left: {cause}")
        self._diary.tell(What.UPLINK_LOST, now, cause=cause)

    def ask_link_check(self) -> None:
        """Put a LinkCheckReq into the next uplink; no effect before the join."""
        if self._talk is not None:
            self._talk.ask(mac.LINK_CHECK_REQ)

    def ask_time(self) -> None:
        """Put a DeviceTimeReq into the next uplink (1.0.3 and later)."""
        if self._talk is not None:
            self._talk.ask(mac.DEVICE_TIME_REQ)
