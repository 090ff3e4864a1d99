"""How a joined device gets other keys: the rejoin-requests of LoRaWAN 1.1."""

from lorawan_sim.activation import crypto_of, read_accept_1_1
from lorawan_sim.antenna import Wait
from lorawan_sim.behaviour import Behaviour
from lorawan_sim.card import Card, Profile
from lorawan_sim.conversation import Conversation
from lorawan_sim.device.joiner import Joiner
from lorawan_sim.events import What
from lorawan_sim.groups import Groups
from lorawan_sim.rejoining import Rejoining
from lorawan_sim.windows import Slot
from wire.air import AirFrame


class Rejoiner(Joiner):
    """Rejoins; `_rejoining` is the intention to, until it is answered or given up."""

    __slots__ = ("_rejoining",)

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
        super().__init__(
            card, behaviour, profile, seed=seed, dev_nonce=dev_nonce, groups=groups
        )
        self._rejoining: Rejoining | None = None

    def _request_rejoin(self, talk: Conversation, it: Rejoining, now: float) -> None:
        session, radio = talk.session, self._radio
        order = it.order(self.card, session, self.profile.region)
        if order is None:
            self._rejoining = None
            return
        airtime_s = radio.airtime_s(order.size, order.data_rate)
        choice = radio.antenna.choose(session.usable(order.data_rate), airtime_s, now)
        if isinstance(choice, Wait):
            it.starts_at = choice.until
            return
        sent = radio.send(order, choice, now)
        self._diary.tell(
            What.REJOIN_SENT,
            now,
            rejoin_type=int(it.rejoin_type),
            rj_count=session.rj_count,
            mhz=sent.frequency_hz / 1e6,
            sf=sent.spreading_factor,
        )
        it.sent(self.card, session)
        self._unsaved = True

    def _hear_rejoin_accept(self, frame: AirFrame, slot: Slot, now: float) -> bool:
        """Whether the frame was the accept of our rejoin-request."""
        it, talk = self._rejoining, self._talk
        if it is None or it.asked is None or talk is None:
            return False
        accept = read_accept_1_1(frame.phy_payload, self.card, it.asked)
        if isinstance(accept, str) or accept.join_nonce <= self._join_nonce:
            return False
        at = max(now, frame.end_s)
        crypto = crypto_of(accept, self.card, it.asked.nonce)
        before, self._rejoining = talk.session, None
        after = self._enter(accept, crypto, before.data_rate, at).session
        after.rj_count, after.rejoin_every = before.rj_count, before.rejoin_every
        self._diary.tell(What.JOINED, at, attempt=0, dev_addr=after.dev_addr, slot=slot)
        return True

    @property
    def _awaits_accept(self) -> bool:
        return self._rejoining is not None and self._rejoining.asked is not None

    def _forget_rejoin(self) -> None:
        """Its windows brought something else: the network wants none."""
        if self._awaits_accept:
            self._rejoining = None

    def _rejoin_unanswered(self, it: Rejoining) -> None:
        landed_at = self._radio.landed_at
        self._radio.land()
        if not it.unanswered(landed_at, self._dice.random()):
            self._rejoining = None

    def _obey_forced(self, talk: Conversation, at: float) -> None:
        for command in talk.forced:
            self._rejoining = Rejoining.forced(command, at) or self._rejoining
        talk.forced.clear()
