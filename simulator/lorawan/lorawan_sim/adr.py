"""
What a device does when the network falls silent (LoRaWAN 1.0.3 §4.3.1.1).

Uplinks without any downlink are counted. From ADR_ACK_LIMIT on they ask for one;
after ADR_ACK_DELAY more the power goes to its maximum, and then, after every further
ADR_ACK_DELAY, the data rate one down; at the lowest the default channels come back.
"""

from lorawan_sim.card import Profile
from lorawan_sim.plan import default_mask
from lorawan_sim.session import Session


def asks(session: Session, profile: Profile) -> bool:
    """Whether the next uplink carries ADRACKReq."""
    due = session.adr_ack_cnt >= _limit(session, profile)
    return profile.adr and due and not _exhausted(session, profile)


def count(session: Session, profile: Profile) -> str | None:
    """Count a new uplink; take a step back if it is time, and say which."""
    session.adr_ack_cnt += 1
    limit = _limit(session, profile)
    if session.adr_ack_cnt < limit:
        return None
    delay = session.adr_delay or profile.region.adr_ack_delay
    steps, rest = divmod(session.adr_ack_cnt - limit, delay)
    if not profile.adr or steps < 1 or rest:
        return None
    return _full_power(session) if steps == 1 else _reach(session, profile)


def _limit(session: Session, profile: Profile) -> int:
    return session.adr_limit or profile.region.adr_ack_limit


def _full_power(session: Session) -> str:
    session.tx_power_index = 0
    return "full power"


def _reach(session: Session, profile: Profile) -> str | None:
    if session.data_rate > profile.slowest(dwell=session.uplink_dwell):
        session.data_rate -= 1
        _open_channels_for(session, profile)
        return f"DR{session.data_rate}"
    if _exhausted(session, profile):
        return None
    session.mask |= default_mask(profile.region)
    return "default channels"


def _open_channels_for(session: Session, profile: Profile) -> None:
    if not session.usable(session.data_rate):
        session.mask |= default_mask(profile.region)


def _exhausted(session: Session, profile: Profile) -> bool:
    slowest = profile.slowest(dwell=session.uplink_dwell)
    if session.data_rate > slowest or session.tx_power_index:
        return False
    mask = default_mask(profile.region)
    return session.mask & mask == mask
