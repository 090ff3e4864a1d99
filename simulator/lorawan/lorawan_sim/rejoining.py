"""
Rejoin-requests of LoRaWAN 1.1: a joined device asks whether it should have new keys.

Types 0 and 2, by the network's command or every so many uplinks. The session goes on
meanwhile; only an accept replaces it. Type 1, for a device whose network is gone, is
not sent: such a device is switched off and on and joins.
"""

from dataclasses import dataclass

from lorawan_sim.card import Card
from lorawan_sim.session import Session
from lorawan_sim.transceiver import Order, tuning
from wire.lorawan.join_1_1 import Asked, JoinReqType
from wire.lorawan.mac import ForceRejoinReq
from wire.lorawan.region import Region
from wire.lorawan.rejoin import RejoinRequest
from wire.lorawan.session_1_1 import Session11

_PERIOD_S = 32.0  # of ForceRejoinReq, times two to its exponent (1.1 §5.13)
_LAST_COUNT = 0xFFFF
_TYPES = (JoinReqType.REJOIN_0, JoinReqType.REJOIN_2)


@dataclass(slots=True, kw_only=True)
class Rejoining:
    """One intention to rejoin: how often it is tried, and when next."""

    rejoin_type: JoinReqType
    starts_at: float
    data_rate: int | None = None
    tries_left: int = 1
    pause_s: float = 0.0
    asked: Asked | None = None  # while an accept is awaited

    @classmethod
    def forced(cls, command: ForceRejoinReq, at: float) -> "Rejoining | None":
        """What a ForceRejoinReq wants; None when its type is reserved."""
        wanted = [one for one in _TYPES if one == command.rejoin_type]
        if not wanted:
            return None
        return cls(
            rejoin_type=wanted[0],
            starts_at=at,
            data_rate=command.dr,
            tries_left=command.max_retries + 1,
            pause_s=_PERIOD_S * 2**command.period,
        )

    @classmethod
    def regular(cls, session: Session, at: float) -> "Rejoining | None":
        """The request that is due after so many uplinks; None before."""
        if not session.rejoin_every or session.since_rejoin < session.rejoin_every:
            return None
        return cls(rejoin_type=JoinReqType.REJOIN_0, starts_at=at)

    def order(self, card: Card, session: Session, region: Region) -> Order | None:
        """The next request; None when its counter is used up or there are no keys."""
        crypto = session.crypto
        if not isinstance(crypto, Session11) or session.rj_count > _LAST_COUNT:
            return None
        request = RejoinRequest(
            rejoin_type=self.rejoin_type,
            dev_eui=card.dev_eui,
            rj_count=session.rj_count,
            net_id=session.net_id,
        ).sealed(crypto.s_nwk_s_int_key)
        wanted = session.data_rate if self.data_rate is None else self.data_rate
        return Order(
            phy_payload=bytes(request),
            data_rate=wanted if session.usable(wanted) else session.data_rate,
            power_dbm=region.eirp_dbm(0, session.max_eirp_dbm),
            rx1_delay_s=region.join_accept_delay1_s,
            rx1_dr_offset=0,
            rx2=tuning(region, region.rx2_data_rate, region.rx2_frequency_hz),
        )

    def sent(self, card: Card, session: Session) -> None:
        """One request is in the air."""
        self.asked = Asked(
            join_eui=card.join_eui,
            nonce=session.rj_count,
            join_req_type=self.rejoin_type,
        )
        session.rj_count += 1
        session.since_rejoin = 0
        self.tries_left -= 1

    def unanswered(self, at: float, chance: float) -> bool:
        """No accept came; whether it is tried again. `chance` is 0 to 1."""
        self.asked = None
        self.starts_at = at + self.pause_s + chance * _PERIOD_S
        return self.tries_left > 0
