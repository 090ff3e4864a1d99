"""When a device speaks and what it sends: a join, a rejoin or a data frame."""

from lorawan_sim.antenna import Wait
from lorawan_sim.conversation import NEVER, Conversation, Plan, Uplink
from lorawan_sim.device.rejoiner import Rejoiner
from lorawan_sim.events import What
from lorawan_sim.rejoining import Rejoining
from lorawan_sim.session import Channel, Session
from lorawan_sim.transceiver import Order
from wire.lorawan.data import MIC_SIZE
from wire.lorawan.session_1_1 import Session11


class Speaker(Rejoiner):
    """Sends what is due as soon as the radio may."""

    __slots__ = ()

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
