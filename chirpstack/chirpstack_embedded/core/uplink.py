"""What happens to a data uplink, in ChirpStack's order (contract §2.4)."""

from dataclasses import dataclass

from chirpstack_embedded.channel_sets import channels_together, indices_together
from chirpstack_embedded.core import mac
from chirpstack_embedded.core.context import Context
from chirpstack_embedded.core.downlink import Response
from chirpstack_embedded.core.looking import Match, look
from chirpstack_embedded.core.mac.exchange import Exchange
from chirpstack_embedded.core.reception import HeardFrame, filter_by_tenant
from chirpstack_embedded.core.series import note_uplink
from chirpstack_embedded.core.telling import acknowledge, tell_up
from chirpstack_embedded.core.verdict import Accepted, Dropped, Verdict
from chirpstack_embedded.history import UplinkHistory, UplinkRecord
from chirpstack_embedded.model import (
    Device,
    HeardUplink,
    Session,
    region_name,
)
from wire.lorawan.data import DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The verdict, and what is left to do in the receive windows."""

    verdict: Verdict
    response: Response | None = None


def handle_data(context: Context, heard: HeardFrame, now: float) -> Outcome:
    """Take an uplink: verify, decrypt, tell, and prepare the answer."""
    looked = look(context, heard)
    if isinstance(looked, Dropped):
        return Outcome(verdict=looked)
    frame, found, data, f_opts, _ = looked
    refused = _refusal(context, heard, found)
    if refused is not None:
        return Outcome(verdict=refused)
    device, session = found.device, found.session
    _advance_counter(context, found, now)
    _remember_gateways(context, heard, session)
    session.adr = frame.f_ctrl.adr
    _follow_data_rate(heard, device, session, now)
    class_before = device.enabled_class
    _follow_beacon_lock(frame, device)
    _reset_channels(context, heard, frame, session)
    commands = data if frame.f_port == 0 else f_opts
    answered = _handle_mac_commands(context, heard, found, commands)
    _append_history(heard, session, found.f_cnt)
    tell_up(context, heard, frame, found, data, class_before)
    context.devices.save(device)
    note_uplink(
        context.series,
        device.dev_eui,
        frequency_hz=heard.tx_info.frequency,
        dr=heard.dr,
        max_rssi_dbm=heard.max_rssi_dbm,
        max_snr_db=heard.max_snr_db,
        at=now,
    )
    if frame.f_ctrl.ack:
        acknowledge(context, heard, device)
    response = Response(
        heard=heard,
        dev_eui=device.dev_eui,
        must_send=frame.f_ctrl.adr_ack_req or answered.must_send,
        must_ack=frame.confirmed,
        mac_answers=answered.blocks,
    )
    return Outcome(
        verdict=Accepted(dev_eui=device.dev_eui, kind="up"), response=response
    )


def response_delay_s(context: Context, heard: HeardFrame, dev_eui: str) -> float:
    """Return how long the application may take: 100 ms plus the RX1 surplus."""
    device = context.devices.get(dev_eui)
    session = device.session if device else None
    region_delay = context.region(heard.region_config_id).network.rx1_delay
    surplus_s = max(0, session.rx1_delay - region_delay) if session else 0
    return context.configuration.network.get_downlink_data_delay_s + surplus_s


def _refusal(context: Context, heard: HeardFrame, match: Match) -> Dropped | None:
    device = match.device
    region = context.region(heard.region_config_id)
    if region_name(device) != region.common_name:
        return Dropped(cause="region_mismatch", details=f"dev_eui={device.dev_eui}")
    filtered = filter_by_tenant(context, heard, device)
    if filtered is not None:
        return filtered
    if match.counting == "next" or device.skip_fcnt_check:
        return None
    code, description = _COUNTER_LOGS[match.counting]
    context.emit_log(
        device,
        time_ns=heard.time_ns,
        level="WARNING",
        code=code,
        description=description,
        context={
            "deduplication_id": heard.deduplication_id,
            "f_cnt_up": str(match.f_cnt),
        },
    )
    return Dropped(
        cause=f"f_cnt_{match.counting}",
        details=f"dev_eui={device.dev_eui} f_cnt_up={match.f_cnt}",
    )


_COUNTER_LOGS = {
    "retransmission": (
        "UPLINK_F_CNT_RETRANSMISSION",
        "Uplink was flagged as re-transmission / frame-counter did not increment",
    ),
    "reset": ("UPLINK_F_CNT_RESET", "Frame-counter reset or rollover detected"),
}


def _advance_counter(context: Context, match: Match, now: float) -> None:
    device = match.device
    if match.f_cnt >= device.f_cnt_up:
        # Keeps class C frames out of the receive windows of this uplink.
        lock_s = context.configuration.network.scheduler.class_a_lock_duration_s
        device.scheduler_run_after = max(device.scheduler_run_after or 0, now + lock_s)
    device.f_cnt_up = match.f_cnt + 1


def _remember_gateways(context: Context, heard: HeardFrame, session: Session) -> None:
    session.region_config_id = heard.region_config_id
    session.gateway_history.append(
        HeardUplink(dr=heard.dr, receptions=heard.receptions())
    )
    size = max(1, context.configuration.device_gateway_mapping_history_uplinks)
    del session.gateway_history[:-size]


def _follow_data_rate(
    heard: HeardFrame, device: Device, session: Session, now: float
) -> None:
    device.last_seen_at = now
    device.dr = heard.dr
    if session.dr != heard.dr:
        # The device changed it by itself, perhaps its power too.
        session.tx_power_index = 0
        session.uplink_adr_history = UplinkHistory()
    session.dr = heard.dr


def _follow_beacon_lock(frame: DataFrame, device: Device) -> None:
    # A profile with class C and B falls back to A when the beacon is lost, as there.
    if device.profile.supports_class_b:
        device.enabled_class = "B" if frame.f_ctrl.class_b else "A"


def _reset_channels(
    context: Context, heard: HeardFrame, frame: DataFrame, session: Session
) -> None:
    if frame.f_ctrl.adr_ack_req or not session.enabled_uplink_channels:
        plan = context.plans[heard.region_config_id]
        session.enabled_uplink_channels = indices_together(plan.default_channel_indices)
        session.extra_uplink_channels = channels_together({})


def _handle_mac_commands(
    context: Context, heard: HeardFrame, match: Match, octets: bytes
) -> mac.Answered:
    if not octets:
        return mac.Answered()
    exchange = Exchange(
        context=context,
        heard=heard,
        plan=context.plans[heard.region_config_id],
        device=match.device,
        session=match.session,
    )
    return mac.handle_commands(exchange, octets)


def _append_history(heard: HeardFrame, session: Session, f_cnt: int) -> None:
    history = session.uplink_adr_history
    if history.last_f_cnt == f_cnt:
        return
    history.append(
        UplinkRecord(
            f_cnt,
            heard.max_snr_db,
            heard.max_rssi_dbm,
            session.tx_power_index,
            len(heard.rx_info),
        )
    )
