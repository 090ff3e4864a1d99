"""
Downlinks in receive windows, in ping slots and at once (contract §2.6, §2.10).

A frame is built from a copy of the state and changes none of it but what the
next frame must know: counters and queue move on the gateway's tx ack.
"""

from dataclasses import dataclass

from chirpstack_embedded.core import mac
from chirpstack_embedded.core.assembly import Content, transmit
from chirpstack_embedded.core.context import Context
from chirpstack_embedded.core.gateway_choice import choose_gateway
from chirpstack_embedded.core.gps import gps_ms, unix_s
from chirpstack_embedded.core.mac.block import Block
from chirpstack_embedded.core.queue_service import take_from_queue
from chirpstack_embedded.core.reception import HeardFrame
from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.core.windows import class_a_windows, ping_slot, rx2_window
from chirpstack_embedded.model import Device, Reception, Session
from wire.lorawan.class_b import next_ping_slot_ms
from wire.lorawan.ids import DevAddr

PING_SLOT_LEAD_S = 1.0  # a frame must reach its gateway before the slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What an accepted uplink leaves for its receive windows."""

    heard: HeardFrame
    dev_eui: str
    must_send: bool
    must_ack: bool
    mac_answers: tuple[Block, ...] = ()


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
    opportunities = list(
        class_a_windows(plan, device, session, response.heard, gateway)
    )
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
    transmit(context, device, session, plan, gateway, opportunities, content, now)


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
    opportunities = [rx2_window(plan, device, session, gateway, delay_s=None)]
    chosen = take_from_queue(context, device, room=opportunities[0].room, now=now)
    if chosen is None:
        return
    content = Content(blocks=[], chosen=chosen, ack=False)
    transmit(context, device, session, plan, gateway, opportunities, content, now)


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
    opportunities = [ping_slot(plan, device, session, gateway, slot_ms)]
    chosen = take_from_queue(context, device, room=opportunities[0].room, now=now)
    if chosen is None:
        return
    content = Content(blocks=[], chosen=chosen, ack=False)
    transmit(context, device, session, plan, gateway, opportunities, content, now)


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
