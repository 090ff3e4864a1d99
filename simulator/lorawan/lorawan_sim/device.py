"""One LoRaWAN end device: its MAC, class A and class C, around a behaviour."""

from collections.abc import Iterable
from functools import lru_cache
from random import Random
from typing import Protocol, runtime_checkable

from lorawan_sim import frames, mac
from lorawan_sim.activation import asked_for, crypto_of, read_accept_1_1
from lorawan_sim.antenna import Wait
from lorawan_sim.behaviour import Behaviour, Grouped, Message
from lorawan_sim.card import Card, Profile
from lorawan_sim.class_b import ClassB, Turn
from lorawan_sim.conversation import NEVER, Conversation, Plan, Uplink
from lorawan_sim.events import DeviceEvent, Diary, What
from lorawan_sim.frames import Down
from lorawan_sim.groups import Groups
from lorawan_sim.joining import LAST_DEV_NONCE, Joining
from lorawan_sim.outgoing import Mailbox
from lorawan_sim.packages import Packages
from lorawan_sim.plan import longest_message, new_session
from lorawan_sim.rejoining import Rejoining
from lorawan_sim.session import Channel, Session
from lorawan_sim.state import Record
from lorawan_sim.transceiver import Order, Transceiver, tuned
from lorawan_sim.windows import Slot, Tuning, Window
from wire.air import AirFrame
from wire.lorawan.data import MIC_SIZE
from wire.lorawan.ids import DevAddr
from wire.lorawan.join import JoinAccept
from wire.lorawan.keys import Key
from wire.lorawan.mac import DeviceTimeAns, PingSlotInfoReq, parse_block
from wire.lorawan.mhdr import Direction
from wire.lorawan.multicast import mc_ke_key, mc_root_key, mc_root_key_1_1
from wire.lorawan.session import Session as Crypto
from wire.lorawan.session_1_1 import Session11
from wire.radio.propagation import Link


@runtime_checkable
class Measuring(Protocol):
    """A behaviour whose payloads tell how the last downlink arrived."""

    def heard(self, rssi_dbm: float, snr_db: float) -> None:
        """Take what the radio measured."""
        ...


class Device:
    """
    A pure state machine: time and frames come in, frames and events go out.

    `now` is in Unix seconds. Receive windows are computed from the uplink's
    end in the air, never from when `receive` happened to be called; a window
    counts as missed only `profile.late_s` after it closed.
    `dev_nonce` and `session` are what its flash held, if it is not new.
    """

    __slots__ = (
        "_behaviour",
        "_class_b",
        "_dev_nonce",
        "_diary",
        "_dice",
        "_groups",
        "_join_nonce",
        "_joining",
        "_mailbox",
        "_packages",
        "_radio",
        "_rejoining",
        "_talk",
        "_unsaved",
        "_waits_for",
        "card",
        "profile",
    )

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
        self.card = card
        self.profile = profile
        self._behaviour = behaviour
        self._dice = Random(f"{seed}/{card.dev_eui}/mac")
        self._diary = Diary()
        self._radio = Transceiver(card, profile, self._dice)
        self._mailbox = Mailbox(longest_message(profile.region))
        self._dev_nonce = dev_nonce
        self._join_nonce = -1
        self._joining: Joining | None = None
        self._talk: Conversation | None = None
        self._rejoining: Rejoining | None = None
        self._waits_for: object = None
        self._unsaved = False
        self._groups = Groups() if groups is None else groups
        self._packages = self._new_packages() if profile.packages else None
        plan = profile.region.class_b if profile.class_b else None
        self._class_b: ClassB | None = None
        if plan is not None:
            self._class_b = ClassB(profile.region, plan, self._groups)
        if session is not None:
            self._talk = self._begin(session)

    # What the device says of itself

    @property
    def session(self) -> Session | None:
        """Its session, None before the first join-accept."""
        return None if self._talk is None else self._talk.session

    @property
    def joined(self) -> bool:
        """Whether it has a session."""
        return self._talk is not None

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

    def windows(self) -> tuple[Window, ...]:
        """The receive windows that a frame may still fall into."""
        if self._class_b is None:
            return self._radio.windows
        return (*self._radio.windows, *self._class_b.windows())

    def always(self) -> tuple[tuple[Tuning, str], ...]:
        """What it listens to all the time (class C), and for which addresses."""
        if self._talk is None or not (self.profile.class_c or self._groups):
            return ()
        session = self._talk.session
        usual = self._rx2(session) if self.profile.class_c else None
        own = () if usual is None else _ears(usual, session.dev_addr)
        return (*own, *self._groups.class_c(usual)) if self._groups else own

    def transmissions(self) -> list[AirFrame]:
        """The frames to send, drained."""
        return self._radio.frames()

    def events(self) -> list[DeviceEvent]:
        """What happened, drained."""
        return self._diary.drain()

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

    def _slot(self, frame: AirFrame) -> Slot | None:
        found = self._radio.slot(frame, [tuning for tuning, _ in self.always()])
        if found is not None or self._class_b is None or self._radio.is_deaf(frame):
            return found
        windows = self._class_b.windows()
        return next((one.slot for one in windows if one.catches(frame)), None)

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

    # Joining

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

    # Rejoining (LoRaWAN 1.1)

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

    def _begin(self, session: Session) -> Conversation:
        self._unsaved = True
        self._join_nonce = max(self._join_nonce, session.join_nonce)
        self._radio.antenna.limit(session.max_duty_cycle)
        talk = Conversation(session, self.profile, self._dice, self._diary)
        self._begin_class_b(talk)
        return talk

    def _note(self, reason: str | None) -> None:
        if self._joining is not None and reason is not None:
            self._joining.note(reason)

    # Speaking

    def _speaks_at(self) -> float:
        if self._joining is not None:
            wanted = self._joining.starts_at
        elif self._talk is not None:
            wanted = self._talk.speaks_at(self._mailbox)
            if self._rejoining is not None and self._talk.uplink is None:
                wanted = min(wanted, self._rejoining.starts_at)
        else:
            wanted = NEVER
        return max(wanted, self._radio.not_before)

    def _speak(self, now: float) -> None:
        if self._joining is not None:
            self._request_join(self._joining, now)
        elif self._talk is not None:
            self._speak_in(self._talk, now)

    def _speak_in(self, talk: Conversation, now: float) -> None:
        it = self._rejoining
        if talk.uplink is not None:
            self._send(talk, talk.uplink, now)
        elif it is not None and it.starts_at <= now:
            self._request_rejoin(talk, it, now)
        else:
            self._send(talk, talk.plan(self._mailbox), now)

    def _send(self, talk: Conversation, it: Uplink | Plan, now: float) -> None:
        session, radio = talk.session, self._radio
        airtime_s = radio.airtime_s(it.size, it.data_rate)
        choice = radio.antenna.choose(session.usable(it.data_rate), airtime_s, now)
        if isinstance(choice, Wait):
            self._wait(choice, now)
            return
        uplink = talk.say(it, self._mailbox, now) if isinstance(it, Plan) else it
        self._sign(session, uplink, choice)
        sent = radio.send(self._data_order(session, uplink), choice, now)
        uplink.times_sent += 1
        if self._rejoining is None:
            self._rejoining = Rejoining.regular(session, now)
        self._unsaved = True
        self._diary.tell(
            What.UPLINK_SENT,
            now,
            f_cnt=uplink.f_cnt,
            size=uplink.size,
            mhz=sent.frequency_hz / 1e6,
            sf=sent.spreading_factor,
            times=uplink.times_sent,
        )

    @staticmethod
    def _sign(session: Session, uplink: Uplink, on: Channel) -> None:
        """In 1.1 the MIC says how a frame is sent, so each time it is another."""
        crypto = session.crypto
        if isinstance(crypto, Session11):
            uplink.phy_payload = crypto.signed(
                uplink.phy_payload[:-MIC_SIZE],
                uplink.f_cnt,
                conf_f_cnt=uplink.conf_f_cnt,
                tx_dr=uplink.data_rate,
                tx_ch=session.channels.index(on),
            )

    def _data_order(self, session: Session, uplink: Uplink) -> Order:
        return Order(
            phy_payload=uplink.phy_payload,
            data_rate=uplink.data_rate,
            power_dbm=self.profile.region.eirp_dbm(
                uplink.tx_power_index, session.max_eirp_dbm
            ),
            rx1_delay_s=session.rx1_delay_s,
            rx1_dr_offset=session.rx1_dr_offset,
            rx2=self._rx2(session),
            downlink_dwell=session.downlink_dwell,
        )

    def _wait(self, wait: Wait, now: float) -> None:
        self._radio.not_before = wait.until
        self._diary.tell(What.UPLINK_WAITS, now, reason=wait.reason)

    def _nothing_heard(self, now: float) -> None:
        it = self._rejoining
        if it is not None and it.asked is not None:
            self._rejoin_unanswered(it)
            return
        landed_at, windows = self._radio.landed_at, self._radio.windows
        self._radio.land()
        if self._joining is not None:
            where = " or ".join(f"{it.slot} ({it.tuning})" for it in windows)
            reason = self._joining.fail(f"no downlink heard in {where}", now)
            self._diary.tell(
                What.JOIN_FAILED, now, attempt=self._joining.attempt, reason=reason
            )
        elif self._talk is not None:
            self._talk.unanswered(landed_at)

    # Listening

    def _hear_data(
        self, talk: Conversation, frame: AirFrame, link: Link, slot: Slot, now: float
    ) -> None:
        at = max(now, frame.end_s)
        gap = self.profile.max_f_cnt_gap
        down = frames.read_down(frame.phy_payload, talk.session, max_gap=gap)
        if down is None:
            self._hear_group(frame, link, slot, at)
            return
        if isinstance(down, str):
            self._diary.tell(What.DOWNLINK_DROPPED, at, slot=slot, reason=down)
            return
        self._unsaved = True
        self._diary.tell(
            What.DOWNLINK_HEARD, at, slot=slot, f_cnt=down.f_cnt, f_port=down.f_port
        )
        class_a = slot in {Slot.RX1, Slot.RX2}
        talk.hear(
            down,
            snr_db=link.snr_db,
            battery=self._behaviour.battery,
            class_a=class_a,
            at=at,
        )
        self._obey_forced(talk, at)
        if class_a or (talk.uplink is None and not self._awaits_accept):
            self._radio.land()
            self._forget_rejoin()
        self._radio.antenna.limit(talk.session.max_duty_cycle)
        self._radio.not_before = at
        self._tell_class_b_the_time(down)
        if isinstance(self._behaviour, Measuring):
            self._behaviour.heard(link.rssi_dbm, link.snr_db)
        if down.f_port:
            self._take(down, at)

    def _take(self, down: Down, at: float) -> None:
        f_port, packages = down.f_port or 0, self._packages
        answers = (
            None if packages is None else packages.receive(f_port, down.payload, at)
        )
        if answers is not None:
            self._say(answers)
            return
        self._behaviour.received(f_port, down.payload, at)
        if isinstance(self._behaviour, Grouped):
            for membership in self._behaviour.memberships():
                self._groups.join(membership)
                self._diary.tell(
                    What.GROUP_JOINED,
                    at,
                    slot=membership.slot,
                    mc_addr=membership.mc_addr,
                )
        self._collect(at)

    def _hear_group(self, frame: AirFrame, link: Link, slot: Slot, at: float) -> None:
        """Hear a frame to one of its groups: it ends no window and no repetition."""
        down = self._groups.read(frame.phy_payload)
        if down is None:
            return
        if isinstance(down, str):
            self._diary.tell(What.DOWNLINK_DROPPED, at, slot=slot, reason=down)
            return
        self._unsaved = True
        self._diary.tell(What.GROUP_HEARD, at, slot=slot, f_cnt=down.f_cnt)
        self._radio.not_before = max(self._radio.not_before, at)
        if isinstance(self._behaviour, Measuring):
            self._behaviour.heard(link.rssi_dbm, link.snr_db)
        if isinstance(self._behaviour, Grouped):
            self._behaviour.received_in_group(down.f_port or 0, down.payload, at)
        else:
            self._behaviour.received(down.f_port or 0, down.payload, at)
        self._collect(at)

    def _say(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self._mailbox.put(message)

    # Class B

    def _begin_class_b(self, talk: Conversation) -> None:
        class_b, plan = self._class_b, self.profile.region.class_b
        if class_b is None or plan is None:
            return
        session, periodicity = talk.session, self.profile.ping_periodicity
        session.ping_periodicity = periodicity
        session.ping_slot_data_rate = plan.ping_slot_data_rate
        class_b.begin(session)
        talk.ask(mac.DEVICE_TIME_REQ)
        talk.ask(bytes(PingSlotInfoReq(periodicity=periodicity)))

    def _tell_class_b_the_time(self, down: Down) -> None:
        if self._class_b is None or not down.commands:
            return
        for command in parse_block(down.commands, Direction.DOWN).commands:
            if isinstance(command, DeviceTimeAns):
                # The time of the end of the uplink that asked (1.0.3 §5.10).
                gps_s = command.gps_seconds + command.fraction_256 / 256
                self._class_b.time_told(gps_s, self._radio.ended_at)

    def _hear_beacon(self, frame: AirFrame) -> None:
        if self._class_b is not None:
            self._turn(self._class_b.hear(frame), frame.end_s)

    def _turn(self, turn: Turn | None, now: float) -> None:
        """What the beacon, or its absence, means for what the device says."""
        talk = self._talk
        if turn is None or talk is None or self._class_b is None:
            return
        talk.class_b = self._class_b.locked
        if turn == "locked":
            self._diary.tell(What.BEACON_LOCKED, now)
            return
        if turn == "lost":
            self._diary.tell(What.BEACON_LOST, now)
        talk.ask(mac.DEVICE_TIME_REQ)

    def _new_packages(self) -> Packages:
        root = self._mc_root_key()
        ke_key = None if root is None else mc_ke_key(root)
        return Packages(self._groups, self.profile.region, ke_key)

    def _mc_root_key(self) -> Key | None:
        if self.profile.is_1_1:
            return mc_root_key_1_1(self.card.app_key)
        gen_app_key = self.card.gen_app_key
        return None if gen_app_key is None else mc_root_key(gen_app_key)

    def _obey_forced(self, talk: Conversation, at: float) -> None:
        for command in talk.forced:
            self._rejoining = Rejoining.forced(command, at) or self._rejoining
        talk.forced.clear()

    def _rx2(self, session: Session) -> Tuning:
        rate = self.profile.data_rate(session.rx2_data_rate)
        return tuned(rate, session.rx2_frequency_hz)

    # Behaving

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


@lru_cache(maxsize=65_536)  # asked whenever a class C device did anything
def _ears(rx2: Tuning, dev_addr: DevAddr) -> tuple[tuple[Tuning, str], ...]:
    return ((rx2, str(dev_addr)),)
