"""TxParamSetupReq: how long and how loud a device may send (AS923, AU915)."""

from collections.abc import Sequence

from chirpstack_embedded.core.mac.block import Block
from chirpstack_embedded.core.mac.exchange import Answer, Exchange, Unexpected
from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.model import Device, Session
from wire.lorawan.mac import MAX_EIRP_DBM, MacCommand, TXParamSetupReq


def request(plan: RegionPlan, device: Device, session: Session) -> Block | None:
    """Ask when the session differs from the configuration."""
    if not plan.sets_up_transmission(device.profile):
        return None
    network = plan.region.network
    wanted = (
        network.uplink_dwell_time_400ms,
        network.downlink_dwell_time_400ms,
        eirp_index(network.uplink_max_eirp_dbm),
    )
    has = (
        session.uplink_dwell_400ms,
        session.downlink_dwell_400ms,
        session.uplink_max_eirp_index,
    )
    if has == wanted:
        return None
    uplink_dwell, downlink_dwell, index = wanted
    command = TXParamSetupReq(
        uplink_dwell=uplink_dwell,
        downlink_dwell=downlink_dwell,
        max_eirp_dbm=MAX_EIRP_DBM[index],
    )
    return Block(commands=(command,))


def handle(
    exchange: Exchange, _asked: Sequence[MacCommand], pending: Sequence[MacCommand]
) -> Answer:
    """Take the parameters the device confirmed."""
    wanted = pending[0] if pending else None
    if not isinstance(wanted, TXParamSetupReq):
        return Unexpected(why="TxParamSetupAns without pending TxParamSetupReq")
    session = exchange.session
    session.uplink_dwell_400ms = wanted.uplink_dwell
    session.downlink_dwell_400ms = wanted.downlink_dwell
    session.uplink_max_eirp_index = MAX_EIRP_DBM.index(wanted.max_eirp_dbm)
    return None


def eirp_index(eirp_dbm: float) -> int:
    """Return the index of the greatest coded EIRP that is not above this one."""
    return max(sum(coded <= eirp_dbm for coded in MAX_EIRP_DBM) - 1, 0)
