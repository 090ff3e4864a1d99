"""
Building downlinks: the class A answer and the class C frame (contract §2.6, §2.10).

A frame is built from a copy of the state and changes none of it but what the
next frame must know: counters and queue move on the gateway's tx ack.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from chirpstack_api import gw

from chirpstack_embedded.core import mac
from chirpstack_embedded.core.ciphers import ciphers, sealed
from chirpstack_embedded.core.context import FRAME_LIFETIME_S, Context, SentFrame
from chirpstack_embedded.core.downlink_queue import Chosen
from chirpstack_embedded.core.gateway_choice import choose_gateway
from chirpstack_embedded.core.gps import gps_ms, set_gps_epoch, unix_s
from chirpstack_embedded.core.mac.block import Block
from chirpstack_embedded.core.queue_service import take_from_queue
from chirpstack_embedded.core.reception import HeardFrame
from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.model import Device, QueueItem, Reception, Session
from wire.lorawan.class_b import beacon_start_ms, next_ping_slot_ms
from wire.lorawan.data import DataFrame
from wire.lorawan.fhdr import F_OPTS_MAX, FCtrl
from wire.lorawan.ids import DevAddr
from wire.lorawan.mhdr import MType

MAC_F_PORT = 0
PING_SLOT_LEAD_S = 1.0  # a frame must reach its gateway before the slot
RX1_ONLY = 1
RX2_ONLY = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What an accepted uplink leaves for its receive windows."""

    heard: HeardFrame
    dev_eui: str
    must_send: bool
    must_ack: bool
    mac_answers: tuple[Block, ...] = ()


@dataclass(slots=True, kw_only=True)
class Opportunity:
    """One item of the frame: a window and the room it leaves."""

    tx_info: gw.DownlinkTxInfo
    room: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What goes into every item of one frame."""

    blocks: Sequence[Block]
    chosen: Chosen | None
    ack: bool
    conf_f_cnt: int = 0
    """The uplink that an ACK acknowledges; LoRaWAN 1.1 has it in the MIC."""


def respond(context: Context, response: Response, now: float) -> None:
    """Answer in the receive windows of an uplink, if there is something to say."""
    device = context.devices.get(response.dev_eui)
    if device is None or device.session is None:
        return  # deleted or deactivated while the windows were being prepared
    session = device.session
    plan = context.plans[session.region_config_id]
    wanted = mac.requests(context, plan, device, session, response.heard.dr, now)
    blocks = mac.sendable(context, session, [*response.mac_answers, *wanted])
    waits = bool(device.queue) and not _only_ping_slots(device)
    if not (blocks or waits or response.must_ack or response.must_send):
        return  # the common case: nothing to say
    gateway = _choose_gateway(context, device, session, plan, class_a=True)
    if gateway is None:
        context.warn(f"ns.down.data.fail cause=no_gateway dev_eui={device.dev_eui}")
        return
    opportunities = list(_class_a(plan, device, session, response.heard, gateway))
    chosen = None
    if waits:
        chosen = take_from_queue(
            context,
            device,
            # The first opportunity's size decides, though another might be larger.
            room=opportunities[0].room,
            now=now,
            deduplication_id=response.heard.deduplication_id,
        )
    if not (chosen or blocks or response.must_ack or response.must_send):
        return
    content = Content(
        blocks=blocks,
        chosen=chosen,
        ack=response.must_ack,
        conf_f_cnt=max(device.f_cnt_up - 1, 0),
    )
    _transmit(context, device, session, plan, gateway, opportunities, content, now)


def _only_ping_slots(device: Device) -> bool:
    """Whether the profile keeps the queue of a locked class B device for its slots."""
    return device.enabled_class == "B" and device.profile.class_b_downlink_only


def transmit_class_c(context: Context, device: Device, now: float) -> None:
    """Send the head of the queue at once on RX2; no MAC commands, no ACK bit."""
    session = device.session
    if session is None or session.region_config_id not in context.plans:
        return
    plan = context.plans[session.region_config_id]
    gateway = _choose_gateway(context, device, session, plan, class_a=False)
    if gateway is None:
        context.warn(f"ns.down.data.fail cause=no_gateway dev_eui={device.dev_eui}")
        return
    lock_s = context.configuration.network.scheduler.class_c_lock_duration_s
    device.scheduler_run_after = now + lock_s
    context.devices.save(device)
    if device.f_cnt_up == 0:
        return  # contract §2.10: one uplink after join or activation comes first
    opportunities = [_rx2(plan, device, session, gateway, delay_s=None)]
    chosen = take_from_queue(context, device, room=opportunities[0].room, now=now)
    if chosen is None:
        return
    content = Content(blocks=[], chosen=chosen, ack=False)
    _transmit(context, device, session, plan, gateway, opportunities, content, now)


def transmit_class_b(context: Context, device: Device, now: float) -> None:
    """Send the head of the queue in the next ping slot, at its GPS time."""
    session = device.session
    if session is None or session.region_config_id not in context.plans:
        return
    plan = context.plans[session.region_config_id]
    gateway = _choose_gateway(context, device, session, plan, class_a=False)
    if gateway is None or not session.class_b_ping_slot_nb:
        cause = "no_ping_slots" if gateway else "no_gateway"
        context.warn(f"ns.down.data.fail cause={cause} dev_eui={device.dev_eui}")
        return
    dev_addr = DevAddr.parse(session.dev_addr)
    slot_ms = next_ping_slot_ms(
        gps_ms(now + PING_SLOT_LEAD_S), dev_addr, session.class_b_ping_slot_nb
    )
    slot_s = unix_s(slot_ms)
    advance_s = context.configuration.network.scheduler.class_b_schedule_advance_s
    far = slot_s - now > advance_s
    device.scheduler_run_after = slot_s - advance_s if far else slot_s
    context.devices.save(device)
    if far:
        return
    opportunities = [_ping_slot(plan, device, session, gateway, slot_ms)]
    chosen = take_from_queue(context, device, room=opportunities[0].room, now=now)
    if chosen is None:
        return
    content = Content(blocks=[], chosen=chosen, ack=False)
    _transmit(context, device, session, plan, gateway, opportunities, content, now)


def _ping_slot(
    plan: RegionPlan, device: Device, session: Session, gateway: Reception, slot_ms: int
) -> Opportunity:
    dr = session.class_b_ping_slot_dr
    frequency_hz = session.class_b_ping_slot_frequency_hz or plan.ping_slot_hz(
        DevAddr.parse(session.dev_addr), beacon_start_ms(slot_ms)
    )
    tx_info = _tx_info(plan, gateway, frequency_hz, dr)
    set_gps_epoch(tx_info.timing, slot_ms)
    room = plan.max_payload_size(device.profile, dr)
    return Opportunity(tx_info=tx_info, room=room)


def _choose_gateway(
    context: Context,
    device: Device,
    session: Session,
    plan: RegionPlan,
    *,
    class_a: bool,
) -> Reception | None:
    history = session.gateway_history[-1:] if class_a else session.gateway_history
    return choose_gateway(
        history,
        tenant_id=device.tenant.id,
        gateway=context.gateways.view,
        required_snr_db=plan.required_snr_db,
        prefer_min_margin_db=plan.region.network.gateway_prefer_min_margin_db,
        rng=context.rng,
    )


def _class_a(
    plan: RegionPlan,
    device: Device,
    session: Session,
    heard: HeardFrame,
    gateway: Reception,
) -> Iterator[Opportunity]:
    network = plan.region.network
    delay_s = session.rx1_delay or 1
    rx1 = _rx1(plan, device, session, heard, gateway, delay_s)
    rx2 = _rx2(plan, device, session, gateway, delay_s=delay_s + 1)
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
    room = plan.max_payload_size(device.profile, dr)
    return Opportunity(tx_info=tx_info, room=room)


def _rx2(
    plan: RegionPlan,
    device: Device,
    session: Session,
    gateway: Reception,
    *,
    delay_s: int | None,
) -> Opportunity:
    frequency_hz = plan.rx2_frequency_hz(session)
    tx_info = _tx_info(plan, gateway, frequency_hz, session.rx2_dr)
    if delay_s is None:
        tx_info.timing.immediately.SetInParent()
    else:
        tx_info.timing.delay.delay.seconds = delay_s
    room = plan.max_payload_size(device.profile, session.rx2_dr)
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


def _transmit(
    context: Context,
    device: Device,
    session: Session,
    plan: RegionPlan,
    gateway: Reception,
    opportunities: Sequence[Opportunity],
    content: Content,
    now: float,
) -> None:
    frame = gw.DownlinkFrame(
        downlink_id=context.new_downlink_id(), gateway_id=gateway.gateway_id
    )
    carries_item: list[bool] = []
    for opportunity in opportunities:
        phy_payload, has_item = _phy_payload(session, plan, opportunity, content)
        carries_item.append(has_item)
        item: Any = frame.items.add()
        item.phy_payload = phy_payload
        item.tx_info.CopyFrom(opportunity.tx_info)
    f_cnt_down = _note_counter(context, session, content.chosen)
    context.devices.save(device)
    sent = SentFrame(
        frame=frame,
        expires_at=now + FRAME_LIFETIME_S,
        dev_eui=device.dev_eui,
        f_cnt_down=f_cnt_down,
        queue_item_id=content.chosen.item.id if content.chosen else None,
        carries_item=tuple(carries_item),
    )
    context.send(plan.region.id, frame, sent)


def _note_counter(context: Context, session: Session, chosen: Chosen | None) -> int:
    # Pending is set on the tx ack, never here: a gateway may still refuse the frame.
    if chosen is None:
        return session.f_cnt_down
    item = chosen.item
    if not item.is_encrypted:
        item.f_cnt_down = session.app_f_cnt_down
        context.devices.update_item(item)
    return item.f_cnt_down or 0


def _phy_payload(
    session: Session, plan: RegionPlan, opportunity: Opportunity, content: Content
) -> tuple[bytes, bool]:
    commands = _fill(session, opportunity, content.blocks)
    item = content.chosen.item if content.chosen else None
    if len(commands) > F_OPTS_MAX:
        # The commands go alone; the item waits, and the device learns that it does.
        control = _control(plan, content, pending=item is not None)
        phy_payload = sealed(
            session,
            f_cnt=session.f_cnt_down,
            f_port=MAC_F_PORT,
            payload=commands,
            f_ctrl=control,
            conf_f_cnt=content.conf_f_cnt,
        )
        return phy_payload, False
    more = content.chosen.more if content.chosen else False
    if item is None or len(item.data) > opportunity.room:
        control = _control(plan, content, pending=more or item is not None)
        phy_payload = sealed(
            session,
            f_cnt=session.f_cnt_down,
            f_opts=commands,
            f_ctrl=control,
            conf_f_cnt=content.conf_f_cnt,
        )
        return phy_payload, False
    return _with_item(session, plan, content, item, commands, more=more), True


def _with_item(
    session: Session,
    plan: RegionPlan,
    content: Content,
    item: QueueItem,
    commands: bytes,
    *,
    more: bool,
) -> bytes:
    f_cnt, payload = session.app_f_cnt_down, item.data
    if item.is_encrypted:
        f_cnt = item.f_cnt_down or 0
        payload = _undo_encryption(session, item, f_cnt)
    return sealed(
        session,
        f_cnt=f_cnt,
        f_port=item.f_port,
        payload=payload,
        f_opts=commands,
        f_ctrl=_control(plan, content, pending=more),
        confirmed=item.confirmed,
        conf_f_cnt=content.conf_f_cnt,
    )


def _undo_encryption(session: Session, item: QueueItem, f_cnt: int) -> bytes:
    # The client encrypted with AppSKey; building the frame encrypts once more.
    frame = DataFrame(
        m_type=MType.UNCONFIRMED_DATA_DOWN,
        dev_addr=DevAddr.parse(session.dev_addr),
        f_ctrl=FCtrl(),
        f_cnt_16=f_cnt & 0xFFFF,
        f_opts=b"",
        f_port=item.f_port,
        frm_payload=item.data,
        mic=b"",
    )
    return ciphers(session).decrypt(frame, f_cnt)


def _fill(session: Session, opportunity: Opportunity, blocks: Sequence[Block]) -> bytes:
    commands = b""
    for block in blocks:
        if len(block.data) > opportunity.room:
            break
        opportunity.room -= len(block.data)
        commands += block.data
        session.mac_command_pending[block.cid] = block.data
    return commands


def _control(plan: RegionPlan, content: Content, *, pending: bool) -> FCtrl:
    return FCtrl(
        adr=not plan.region.network.adr_disabled, ack=content.ack, f_pending=pending
    )
