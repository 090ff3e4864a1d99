"""What all of a device shares: radio, diary, session, and its behaviour's words."""

from collections.abc import Iterable
from random import Random

from lorawan_sim.behaviour import Behaviour, Message
from lorawan_sim.card import Card, Profile
from lorawan_sim.conversation import Conversation
from lorawan_sim.events import DeviceEvent, Diary, What
from lorawan_sim.groups import Groups
from lorawan_sim.outgoing import Mailbox
from lorawan_sim.plan import longest_message
from lorawan_sim.session import Session
from lorawan_sim.transceiver import Transceiver, tuned
from lorawan_sim.windows import Tuning
from wire.air import AirFrame


class Body:
    """
    The parts of one device, and the way of its behaviour's words to the mailbox.

    `_talk` is the session in use, None before the first join-accept.
    """

    __slots__ = (
        "_behaviour",
        "_diary",
        "_dice",
        "_groups",
        "_mailbox",
        "_radio",
        "_talk",
        "_unsaved",
        "_waits_for",
        "card",
        "profile",
    )
    _talk: Conversation | None

    def __init__(
        self,
        card: Card,
        behaviour: Behaviour,
        profile: Profile,
        *,
        seed: int,
        groups: Groups | None,
    ) -> None:
        self.card = card
        self.profile = profile
        self._behaviour = behaviour
        self._dice = Random(f"{seed}/{card.dev_eui}/mac")
        self._diary = Diary()
        self._radio = Transceiver(card, profile, self._dice)
        self._mailbox = Mailbox(longest_message(profile.region))
        self._talk = None
        self._waits_for: object = None
        self._unsaved = False
        self._groups = Groups() if groups is None else groups

    @property
    def session(self) -> Session | None:
        """Its session, None before the first join-accept."""
        return None if self._talk is None else self._talk.session

    @property
    def joined(self) -> bool:
        """Whether it has a session."""
        return self._talk is not None

    def transmissions(self) -> list[AirFrame]:
        """The frames to send, drained."""
        return self._radio.frames()

    def events(self) -> list[DeviceEvent]:
        """What happened, drained."""
        return self._diary.drain()

    def _rx2(self, session: Session) -> Tuning:
        rate = self.profile.data_rate(session.rx2_data_rate)
        return tuned(rate, session.rx2_frequency_hz)

    def _say(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self._mailbox.put(message)

    def _collect(self, now: float) -> None:
        for message in self._behaviour.uplinks():
            self._mailbox.put(message)
        for message, reason in self._mailbox.refused():
            self._diary.tell(
                What.UPLINK_REFUSED, now, f_port=message.f_port, reason=reason
            )
        if self._mailbox:
            self._tell_too_long(now)
        else:
            self._waits_for = None

    def _tell_too_long(self, now: float) -> None:
        """Say once that a message waits for a faster data rate."""
        room = self._talk.room() if self._talk is not None else 0
        message = self._mailbox.too_long(room)
        if message is not None and message is not self._waits_for:
            size = len(message.payload)
            reason = f"{size} octets wait for a data rate that takes more than {room}"
            self._diary.tell(
                What.UPLINK_WAITS, now, f_port=message.f_port, reason=reason
            )
        self._waits_for = message
