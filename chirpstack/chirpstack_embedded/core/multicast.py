"""
Frames to groups: who sends them and when, and how they are built (contract §2.14).

A group's frame is one queue item per gateway. No event tells of it: an item leaves the
queue when its gateway has answered, well or not.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from chirpstack_api import api, common, gw

from chirpstack_embedded.config import Scheduler
from chirpstack_embedded.core.context import FRAME_LIFETIME_S, Context, SentFrame
from chirpstack_embedded.core.gps import gps_ms, set_gps_epoch, unix_s
from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.model import HeardUplink, McGroup, McItem
from wire.lorawan.class_b import next_ping_slot_ms, ping_nb
from wire.lorawan.ids import DevAddr
from wire.lorawan.keys import Key
from wire.lorawan.session import Session

# ChirpStack judges a group's payload by the newest version of the specification.
_NEWEST = api.DeviceProfile(
    mac_version=common.MacVersion.LORAWAN_1_0_4,
    reg_params_revision=common.RegParamsRevision.RP002_1_0_4,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One frame that somebody wants sent to a group."""

    f_port: int
    data: bytes
    expires_at: float | None


def covering_gateways(histories: Iterable[Sequence[HeardUplink]]) -> list[str]:
    """
    Return the gateways that reach all devices whose histories these are.

    Each device is served by the one of its gateways that heard most, so few are
    needed; a device without history needs none.
    """
    heard = [
        [item.gateway_id for uplink in history for item in uplink.receptions]
        for history in histories
    ]
    counts = Counter(gateway_id for ids in heard for gateway_id in ids)
    chosen = {max(sorted(ids), key=counts.__getitem__) for ids in heard if ids}
    return sorted(chosen)


def schedule(
    group: McGroup,
    wanted: Wanted,
    gateway_ids: Sequence[str],
    waiting: Sequence[McItem],
    *,
    settings: Scheduler,
    now: float,
    new_uuid: Callable[[], uuid.UUID] = uuid.uuid4,
) -> list[McItem]:
    """Return a frame's items, behind those that wait for the group already."""
    if group.is_class_b:
        times = _class_b(group, waiting, settings, now)
    else:
        times = _class_c(group, waiting, settings, now)
    stagger_s = 0.0
    if not (group.is_class_b or group.at_gps_time):
        # One after another, so that a device between two gateways hears one of them.
        stagger_s = settings.multicast_class_c_margin_s
    return [
        McItem(
            id=str(new_uuid()),
            group_id=group.id,
            gateway_id=gateway_id,
            created_at=now,
            run_after=times.run_after + number * stagger_s,
            f_cnt=group.f_cnt,
            f_port=wanted.f_port,
            data=wanted.data,
            emit_at_gps_ms=times.emit_at_gps_ms,
            expires_at=wanted.expires_at,
        )
        for number, gateway_id in enumerate(gateway_ids)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Times:
    run_after: float
    emit_at_gps_ms: int | None


def _class_c(
    group: McGroup, waiting: Sequence[McItem], settings: Scheduler, now: float
) -> _Times:
    margin_s = settings.multicast_class_c_margin_s
    last = max((item.run_after for item in waiting), default=None)
    run_after = now if last is None else last + margin_s
    if not group.at_gps_time:
        return _Times(run_after=run_after, emit_at_gps_ms=None)
    # Asked to send "now", every gateway would answer TOO_LATE.
    run_after += margin_s
    return _Times(run_after=run_after, emit_at_gps_ms=gps_ms(run_after))


def _class_b(
    group: McGroup, waiting: Sequence[McItem], settings: Scheduler, now: float
) -> _Times:
    last = max((item.emit_at_gps_ms or 0 for item in waiting), default=None)
    after = gps_ms(now + settings.multicast_class_b_margin_s) if last is None else last
    emit_at = next_ping_slot_ms(
        after, DevAddr.parse(group.mc_addr), ping_nb(group.periodicity)
    )
    return _Times(
        run_after=unix_s(emit_at) - 2 * settings.interval_s, emit_at_gps_ms=emit_at
    )


def run_multicast_pass(context: Context, now: float) -> int:
    """Send the items whose time has come; returns how many were looked at."""
    settings = context.configuration.network.scheduler
    items = context.multicast.due(
        now, settings.batch_size, now + settings.scheduler_lock_duration_s
    )
    for item in items:
        _send(context, item, now)
    return len(items)


def _send(context: Context, item: McItem, now: float) -> None:
    plan, group = _plan_of(context, item), context.multicast.get(item.group_id)
    if plan is None or group is None:
        return
    room = plan.max_payload_size(_NEWEST, group.dr)
    if item.expires_at is not None and now > item.expires_at:
        _discard(context, item, f"cause=expired expires_at={item.expires_at:.3f}")
    elif len(item.data) > room:
        _discard(context, item, f"cause=payload_size room={room} size={len(item.data)}")
    else:
        _transmit(context, plan, group, item, now)


def _plan_of(context: Context, item: McItem) -> RegionPlan | None:
    gateway = context.gateways.view(item.gateway_id)
    region_config_id = gateway.region_config_id if gateway is not None else ""
    plan = context.plans.get(region_config_id)
    if plan is None:
        # Only a gateway's stats tell its region; until then the item waits.
        context.warn(
            f"ns.down.multicast.fail cause=no_stats gateway_id={item.gateway_id}"
            f" multicast_group_id={item.group_id}"
        )
    return plan


def _discard(context: Context, item: McItem, details: str) -> None:
    context.multicast.delete_item(item.id)
    context.warn(
        f"ns.down.multicast.drop multicast_group_id={item.group_id}"
        f" gateway_id={item.gateway_id} {details}"
    )


def _transmit(
    context: Context, plan: RegionPlan, group: McGroup, item: McItem, now: float
) -> None:
    frame = gw.DownlinkFrame(
        downlink_id=context.new_downlink_id(), gateway_id=item.gateway_id
    )
    added: Any = frame.items.add()
    added.phy_payload = phy_payload(group, item)
    tx_info = added.tx_info
    tx_info.frequency = group.frequency_hz
    tx_info.power = plan.power_dbm(group.frequency_hz)
    plan.set_modulation(tx_info, group.dr)
    _set_timing(tx_info.timing, item.emit_at_gps_ms)
    sent = SentFrame(
        frame=frame,
        expires_at=now + FRAME_LIFETIME_S,
        dev_eui="",
        f_cnt_down=item.f_cnt,
        queue_item_id=None,
        multicast_item_id=item.id,
    )
    context.send(plan.region.id, frame, sent)


def _set_timing(timing: Any, emit_at_gps_ms: int | None) -> None:
    if emit_at_gps_ms is None:
        timing.immediately.SetInParent()
        return
    set_gps_epoch(timing, emit_at_gps_ms)


def phy_payload(group: McGroup, item: McItem) -> bytes:
    """Return the frame: unconfirmed, no bit set, no MAC command."""
    session = Session(
        dev_addr=DevAddr.parse(group.mc_addr),
        nwk_s_key=Key(group.mc_nwk_s_key),
        app_s_key=Key(group.mc_app_s_key),
    )
    return session.downlink(f_cnt=item.f_cnt, f_port=item.f_port, payload=item.data)
