"""How a device gets its session: join-requests, and the accepts that answer them."""

from lorawan_sim import frames
from lorawan_sim.activation import asked_for, crypto_of, read_accept_1_1
from lorawan_sim.antenna import Wait
from lorawan_sim.behaviour import Behaviour
from lorawan_sim.card import Card, Profile
from lorawan_sim.conversation import NEVER, Conversation
from lorawan_sim.device.listener import Listener
from lorawan_sim.events import What
from lorawan_sim.groups import Groups
from lorawan_sim.joining import LAST_DEV_NONCE, Joining
from lorawan_sim.plan import new_session
from lorawan_sim.session import Session
from lorawan_sim.windows import Slot
from wire.air import AirFrame
from wire.lorawan.join import JoinAccept
from wire.lorawan.session import Session as Crypto
from wire.radio.propagation import Link


class Joiner(Listener):
    """Joins; `_joining` are the attempts while it does."""

    __slots__ = ("_dev_nonce", "_join_nonce", "_joining")

    def __init__(
        self,
        card: Card,
        behaviour: Behaviour,
        profile: Profile,
        *,
        seed: int,
        dev_nonce: int,
        groups: Groups | None,
    ) -> None:
        super().__init__(card, behaviour, profile, seed=seed, groups=groups)
        self._dev_nonce = dev_nonce
        self._join_nonce = -1
        self._joining: Joining | None = None

    def _request_join(self, joining: Joining, now: float) -> None:
        if self._dev_nonce > LAST_DEV_NONCE:
            self._give_up(joining, now)
            return
        order = joining.order(self.card, self._dev_nonce)
        airtime_s = self._radio.airtime_s(order.size, order.data_rate)
        choice = joining.choose(self._radio.antenna, airtime_s, now)
        if isinstance(choice, Wait):
            joining.starts_at = choice.until
            self._diary.tell(What.JOIN_WAITS, now, reason=choice.reason)
            return
        joining.begin(order.data_rate, airtime_s, now)
        sent = self._radio.send(order, choice, now)
        self._diary.tell(
            What.JOIN_SENT,
            now,
            attempt=joining.attempt,
            dev_nonce=self._dev_nonce,
            mhz=sent.frequency_hz / 1e6,
            sf=sent.spreading_factor,
        )
        self._dev_nonce += 1
        self._unsaved = True

    def _give_up(self, joining: Joining, now: float) -> None:
        joining.starts_at = NEVER
        reason = "all 65536 DevNonces are used: the device needs new keys"
        self._diary.tell(What.JOIN_FAILED, now, attempt=joining.attempt, reason=reason)

    def _hear_join_accept(
        self, joining: Joining, frame: AirFrame, slot: Slot, now: float
    ) -> None:
        accept = self._read_accept(frame.phy_payload)
        if isinstance(accept, str):
            joining.note(f"{accept}, in {slot}")
            return
        if self.profile.is_1_1 and accept.join_nonce <= self._join_nonce:
            joining.note(f"join-accept with an old JoinNonce, in {slot}")
            return
        at = max(now, frame.end_s)
        crypto = crypto_of(accept, self.card, self._dev_nonce - 1)
        talk = self._enter(accept, crypto, joining.used_data_rate, at)
        self._joining = None
        self._diary.tell(
            What.JOINED,
            at,
            attempt=joining.attempt,
            dev_addr=talk.session.dev_addr,
            slot=slot,
        )
        self._behaviour.joined(at)
        self._collect(at)

    def _read_accept(self, phy_payload: bytes) -> JoinAccept | str:
        """The accept of our last join-request, or what it is instead."""
        card = self.card
        if not self.profile.is_1_1:
            return frames.read_join_accept(phy_payload, card.app_key)
        return read_accept_1_1(phy_payload, card, asked_for(card, self._dev_nonce - 1))

    def _enter(
        self, accept: JoinAccept, crypto: Crypto, data_rate: int, at: float
    ) -> Conversation:
        """Begin with the session that an accept opens."""
        region = self.profile.region
        session = new_session(accept, crypto, data_rate=data_rate, region=region)
        self._talk = self._begin(session)
        self._radio.land()
        self._radio.not_before = at
        return self._talk

    def _begin(self, session: Session) -> Conversation:
        self._unsaved = True
        self._join_nonce = max(self._join_nonce, session.join_nonce)
        self._radio.antenna.limit(session.max_duty_cycle)
        talk = Conversation(session, self.profile, self._dice, self._diary)
        self._begin_class_b(talk)
        return talk

    def _miss(self, frame: AirFrame, link: Link) -> None:
        """Remember why our own join-accept was not heard; others' are no reason."""
        accept = self._read_accept(frame.phy_payload)
        if self._joining is None or isinstance(accept, str):
            return
        slot = self._slot(frame)
        if slot is None:
            self._note(self._radio.near_miss(frame))
        else:
            self._note(f"a downlink in {slot} was too weak ({link.rssi_dbm:.0f} dBm)")

    def _note(self, reason: str | None) -> None:
        if self._joining is not None and reason is not None:
            self._joining.note(reason)
