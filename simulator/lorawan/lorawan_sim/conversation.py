"""The joined half of the MAC: counters, MAC answers, repetitions, acknowledgements."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import NamedTuple

from lorawan_sim import adr, mac
from lorawan_sim.behaviour import Message
from lorawan_sim.card import Profile
from lorawan_sim.events import Diary, What
from lorawan_sim.frames import OVERHEAD, Down
from lorawan_sim.outgoing import Answer, Answers, Mailbox
from lorawan_sim.session import Session
from wire.lorawan.fhdr import F_OPTS_MAX, FCtrl, f_ctrl_up
from wire.lorawan.mac import (
    LORAWAN_1_1,
    DeviceMode,
    DeviceModeInd,
    ForceRejoinReq,
)

NEVER = float("inf")
_ACK_TIMEOUT_S = (1.0, 3.0)
_PROMPT_S = (0.2, 2.0)  # until an empty uplink brings an ACK that nothing else brought
_MHDR_AND_MIC = 5
_FLUSH_PAUSE_S = 30.0  # between empty uplinks that only make room for a message


@dataclass(slots=True, kw_only=True)
class Uplink:
    """One data frame, from its first transmission until nothing more is tried."""

    phy_payload: bytes
    f_cnt: int
    confirmed: bool
    data_rate: int
    tx_power_index: int
    conf_f_cnt: int = 0
    """The downlink that its ACK bit is about; LoRaWAN 1.1 has it in the MIC."""
    times_sent: int = 0
    repeat_at: float = 0.0

    @property
    def size(self) -> int:
        """Octets of the whole PHYPayload."""
        return len(self.phy_payload)


class Plan(NamedTuple):
    """What the next new data frame will carry; a named tuple, to be used by name."""

    data_rate: int
    answers: tuple[Answer, ...] = ()
    commands: bytes = b""  # the MAC commands: the octets of the answers
    mac_only: bool = False  # the answers travel as FRMPayload on FPort 0
    message: Message | None = None

    @property
    def f_port(self) -> int | None:
        """The port, None for a frame without payload."""
        if self.mac_only:
            return 0
        return None if self.message is None else self.message.f_port

    @property
    def size(self) -> int:
        """Octets of the whole PHYPayload."""
        application = 0 if self.message is None else len(self.message.payload)
        port = 0 if self.f_port is None else 1
        return OVERHEAD + len(self.commands) + port + application


class Conversation:
    """
    A session in use.

    It decides what to say next and when. The device asks `speaks_at`; then it
    repeats `uplink` if there is one, else it makes a `plan` and, once the
    radio is allowed to send, calls `say`. `sent`, `unanswered` and `hear`
    tell what became of it.
    """

    __slots__ = (
        "_ack_due",
        "_acks_f_cnt",
        "_answers",
        "_diary",
        "_dice",
        "_flush_at",
        "_profile",
        "_prompt_at",
        "class_b",
        "forced",
        "session",
        "uplink",
    )

    def __init__(
        self, session: Session, profile: Profile, dice: Random, diary: Diary
    ) -> None:
        self.session = session
        self.uplink: Uplink | None = None
        self.class_b = False
        self._profile = profile
        self._dice = dice
        self._diary = diary
        self._answers = Answers()
        self._ack_due = False
        self._acks_f_cnt = 0
        self.forced: list[ForceRejoinReq] = []
        for indication in _indications(session, profile):
            self._answers.add(indication)
        self._prompt_at = NEVER
        self._flush_at = 0.0

    # Speaking

    def ask(self, request: bytes) -> None:
        """Put a request (LinkCheckReq, DeviceTimeReq) into the next uplink."""
        self._answers.add(Answer(octets=request))

    def amend(self, answer: bytes) -> bool:
        """Give this answer instead of those of its CID; whether there was one."""
        return self._answers.replace(answer)

    def room(self) -> int:
        """Application octets of a frame without MAC commands: N of the data rate."""
        session = self.session
        return self._profile.room(session.data_rate, dwell=session.uplink_dwell)

    def speaks_at(self, mailbox: Mailbox) -> float:
        """When it has something to say; 0 is now, NEVER is nothing."""
        if self.uplink is not None:
            return self.uplink.repeat_at
        if not mailbox or mailbox.first_within(self.room()) is None:
            return self._prompt_at
        if not self._answers or self._answers.fresh:
            return 0.0
        if self._beside_answers(mailbox) is not None:
            return 0.0
        return min(self._flush_at, self._prompt_at)

    def plan(self, mailbox: Mailbox) -> Plan:
        """The next new frame: MAC answers first, then what fits beside them."""
        data_rate = self.session.data_rate
        if not self._answers:
            return Plan(data_rate, message=mailbox.first_within(self.room()))
        mac_only = len(self._answers) > F_OPTS_MAX
        answers = self._answers.peek(self.room() if mac_only else F_OPTS_MAX)
        return Plan(
            data_rate=data_rate,
            answers=tuple(answers),
            commands=b"".join(answer.octets for answer in answers),
            mac_only=mac_only,
            message=None if mac_only else self._beside_answers(mailbox),
        )

    def say(self, plan: Plan, mailbox: Mailbox, now: float) -> Uplink:
        """Make the frame of a plan; its counter and its answers are spent."""
        session, message = self.session, plan.message
        confirmed = message is not None and message.confirmed
        self.uplink = Uplink(
            phy_payload=self._build(plan, confirmed=confirmed),
            f_cnt=session.f_cnt_up,
            confirmed=confirmed,
            data_rate=plan.data_rate,
            tx_power_index=session.tx_power_index,
            conf_f_cnt=self._acks_f_cnt if self._ack_due else 0,
        )
        session.f_cnt_up += 1
        session.since_rejoin += 1
        if plan.answers:
            self._answers.sent(plan.answers)
        self._ack_due, self._prompt_at = False, NEVER
        self._flush_at = now + _FLUSH_PAUSE_S
        if message is not None:
            mailbox.remove(message)
        step = adr.count(session, self._profile)
        if step is not None:
            self._diary.tell(What.ADR_BACKED_OFF, now, step=step)
        return self.uplink

    def unanswered(self, at: float) -> None:
        """Both windows passed in silence: repeat, or give up."""
        uplink = self.uplink
        if uplink is None:
            return
        if uplink.confirmed:
            self._retry(uplink, at)
        elif uplink.times_sent < self.session.nb_trans:
            uplink.repeat_at = at
        else:
            self.uplink = None

    def _build(self, plan: Plan, *, confirmed: bool) -> bytes:
        session, message = self.session, plan.message
        application = b"" if message is None else message.payload
        return session.crypto.uplink(
            f_cnt=session.f_cnt_up,
            f_port=plan.f_port,
            payload=plan.commands if plan.mac_only else application,
            f_opts=b"" if plan.mac_only else plan.commands,
            f_ctrl=self._f_ctrl(session),
            confirmed=confirmed,
        )

    def _f_ctrl(self, session: Session) -> FCtrl:
        bits = f_ctrl_up(
            adr=self._profile.adr,
            adr_ack_req=adr.asks(session, self._profile),
            ack=self._ack_due,
        )
        return replace(bits, class_b=True) if self.class_b else bits

    def _beside_answers(self, mailbox: Mailbox) -> Message | None:
        return mailbox.first_within(self.room() - len(self._answers))

    def _retry(self, uplink: Uplink, at: float) -> None:
        # 1.1 §5.2: NbTrans is for confirmed uplinks too.
        tries = self.session.nb_trans if self.session.is_1_1 else self._profile.tries
        if uplink.times_sent >= tries:
            self._diary.tell(
                What.UPLINK_UNACKED, at, f_cnt=uplink.f_cnt, tries=uplink.times_sent
            )
            self.uplink = None
            return
        uplink.repeat_at = at + self._dice.uniform(*_ACK_TIMEOUT_S)
        # 1.0.3 §18.4 recommends one data rate lower after every second try.
        if uplink.times_sent % 2 == 0:
            uplink.data_rate = self._slower(uplink)

    def _slower(self, uplink: Uplink) -> int:
        wanted = uplink.data_rate - 1
        if wanted < 0 or not self.session.usable(wanted):
            return uplink.data_rate
        rate = self._profile.data_rate(wanted)
        most = rate.mac_payload(dwell=self.session.uplink_dwell)
        fits = uplink.size <= most + _MHDR_AND_MIC
        return wanted if fits else uplink.data_rate

    # Listening

    def hear(
        self, down: Down, *, snr_db: float, battery: int, class_a: bool, at: float
    ) -> None:
        """Take an accepted downlink; `class_a`: it came in RX1 or RX2."""
        self.session.count_down(down.f_port, down.f_cnt)
        self.session.adr_ack_cnt = 0
        if class_a:
            self._answers.heard()
        self._settle(at, acked=down.ack, class_a=class_a)
        self._obey(down.commands, snr_db, battery, at)
        if down.confirmed:
            self._ack_due, self._acks_f_cnt = True, down.f_cnt
        if down.confirmed or (down.f_pending and not self._profile.class_c):
            self._prompt_at = at + self._dice.uniform(*_PROMPT_S)

    def _settle(self, at: float, *, acked: bool, class_a: bool) -> None:
        uplink = self.uplink
        if uplink is None:
            return
        if uplink.confirmed and acked:
            self._diary.tell(What.UPLINK_ACKED, at, f_cnt=uplink.f_cnt)
            self.uplink = None
        elif uplink.confirmed and class_a:
            self._retry(uplink, at)
        elif class_a:
            self.uplink = None  # 1.0.3 §5.2: a downlink ends the repetitions

    def _obey(self, commands: bytes, snr_db: float, battery: int, at: float) -> None:
        situation = mac.Situation(
            session=self.session,
            region=self._profile.region,
            snr_db=snr_db,
            battery=battery,
            at=at,
            diary=self._diary,
        )
        for answer in mac.obey(commands, situation):
            self._answers.add(answer)
        for cid in situation.confirmed:
            self._answers.confirmed(cid)
        self.forced += situation.forced


def _indications(session: Session, profile: Profile) -> Iterator[Answer]:
    """What a 1.1 device says with every uplink until the network confirms it."""
    if session.to_confirm:
        octets = bytes((session.to_confirm, LORAWAN_1_1))
        yield Answer(octets=octets, sticky=True, until_confirmed=True)
    if session.is_1_1 and profile.class_c:
        octets = bytes(DeviceModeInd(device_class=DeviceMode.C))
        yield Answer(octets=octets, sticky=True, until_confirmed=True)
