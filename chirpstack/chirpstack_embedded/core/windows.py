"""The windows of a downlink: when, where and how fast (contract §2.6)."""

from collections.abc import Iterator
from dataclasses import dataclass

from chirpstack_api import gw

from chirpstack_embedded.core.gps import set_gps_epoch
from chirpstack_embedded.core.reception import HeardFrame
from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.model import Device, Reception, Session
from wire.lorawan.class_b import beacon_start_ms
from wire.lorawan.ids import DevAddr

RX1_ONLY = 1
RX2_ONLY = 2


@dataclass(slots=True, kw_only=True)
class Opportunity:
    """One item of the frame: a window and the room it leaves."""

    tx_info: gw.DownlinkTxInfo
    room: int


def ping_slot(
    plan: RegionPlan, device: Device, session: Session, gateway: Reception, slot_ms: int
) -> Opportunity:
    """The ping slot of a class B device at this GPS time."""
    dr = session.class_b_ping_slot_dr
    frequency_hz = session.class_b_ping_slot_frequency_hz or plan.ping_slot_hz(
        DevAddr.parse(session.dev_addr), beacon_start_ms(slot_ms)
    )
    tx_info = _tx_info(plan, gateway, frequency_hz, dr)
    set_gps_epoch(tx_info.timing, slot_ms)
    room = plan.max_payload_size(device.profile, dr, version=session.mac_version)
    return Opportunity(tx_info=tx_info, room=room)


def class_a_windows(
    plan: RegionPlan,
    device: Device,
    session: Session,
    heard: HeardFrame,
    gateway: Reception,
) -> Iterator[Opportunity]:
    """The windows of an uplink, the better one first."""
    network = plan.region.network
    delay_s = session.rx1_delay or 1
    rx1 = _rx1(plan, device, session, heard, gateway, delay_s)
    rx2 = rx2_window(plan, device, session, gateway, delay_s=delay_s + 1)
    if network.rx_window == RX1_ONLY:
        yield rx1
    elif network.rx_window == RX2_ONLY:
        yield rx2
    elif _prefers_rx2(plan, session, heard):
        yield from (rx2, rx1)
    else:
        yield from (rx1, rx2)


def _prefers_rx2(plan: RegionPlan, session: Session, heard: HeardFrame) -> bool:
    network = plan.region.network
    in_step = (
        session.rx2_frequency_hz == network.rx2_frequency_hz
        and session.rx2_dr == network.rx2_dr
        and session.rx1_dr_offset == network.rx1_dr_offset
        and session.rx1_delay == network.rx1_delay
    )
    rx1_dr = plan.rx1_data_rate(heard.dr, session.rx1_dr_offset)
    return in_step and rx1_dr < network.rx2_prefer_on_rx1_dr_lt


def _rx1(
    plan: RegionPlan,
    device: Device,
    session: Session,
    heard: HeardFrame,
    gateway: Reception,
    delay_s: int,
) -> Opportunity:
    dr = plan.rx1_data_rate(heard.dr, session.rx1_dr_offset)
    tx_info = _tx_info(
        plan, gateway, plan.rx1_frequency_hz(heard.tx_info.frequency), dr
    )
    tx_info.timing.delay.delay.seconds = delay_s
    room = plan.max_payload_size(device.profile, dr, version=session.mac_version)
    return Opportunity(tx_info=tx_info, room=room)


def rx2_window(
    plan: RegionPlan,
    device: Device,
    session: Session,
    gateway: Reception,
    *,
    delay_s: int | None,
) -> Opportunity:
    """RX2: so long after an uplink, or at once (class C)."""
    frequency_hz = plan.rx2_frequency_hz(session)
    tx_info = _tx_info(plan, gateway, frequency_hz, session.rx2_dr)
    if delay_s is None:
        tx_info.timing.immediately.SetInParent()
    else:
        tx_info.timing.delay.delay.seconds = delay_s
    room = plan.max_payload_size(
        device.profile, session.rx2_dr, version=session.mac_version
    )
    return Opportunity(tx_info=tx_info, room=room)


def _tx_info(
    plan: RegionPlan, gateway: Reception, frequency_hz: int, dr: int
) -> gw.DownlinkTxInfo:
    tx_info = gw.DownlinkTxInfo(
        frequency=frequency_hz,
        power=plan.power_dbm(frequency_hz),
        board=gateway.board,
        antenna=gateway.antenna,
        context=gateway.context,
    )
    plan.set_modulation(tx_info, dr)
    return tx_info
