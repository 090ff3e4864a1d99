"""What happens to a data uplink, in ChirpStack's order (contract §2.4)."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from chirpstack_embedded.codec import CodecError, DecodedObject
from chirpstack_embedded.core import documents, mac
from chirpstack_embedded.core.ciphers import opened, signed_by
from chirpstack_embedded.core.context import Context
from chirpstack_embedded.core.downlink import Response
from chirpstack_embedded.core.mac.exchange import Exchange
from chirpstack_embedded.core.reception import HeardFrame, filter_by_tenant
from chirpstack_embedded.core.rendering import NANO, verbatim
from chirpstack_embedded.core.series import note_measurements, note_uplink
from chirpstack_embedded.core.verdict import Accepted, Dropped, Verdict
from chirpstack_embedded.history import UplinkHistory, UplinkRecord
from chirpstack_embedded.model import (
    Device,
    HeardUplink,
    Session,
    region_name,
)
from wire.errors import Malformed
from wire.lorawan.counters import full_f_cnt_up
from wire.lorawan.data import DataFrame
from wire.lorawan.mhdr import MType, m_type_of

_DATA_UP = frozenset({MType.UNCONFIRMED_DATA_UP, MType.CONFIRMED_DATA_UP})

Counting = Literal["next", "retransmission", "reset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The device whose session signed a frame, and how its counter stands."""

    device: Device
    session: Session
    f_cnt: int
    counting: Counting


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The verdict, and what is left to do in the receive windows."""

    verdict: Verdict
    response: Response | None = None


class Looked(NamedTuple):
    """A frame whose device is known, decrypted; nothing has been changed yet."""

    frame: DataFrame
    match: Match
    data: bytes
    f_opts: bytes
    f_cnt_up: int

    def still_holds(self, context: Context) -> bool:
        """Whether nothing has happened to the device since."""
        device = self.match.device
        return (
            device.f_cnt_up == self.f_cnt_up
            and device.session is self.match.session
            and context.devices.get(device.dev_eui) is device
        )


def look_ahead(context: Context, heard: HeardFrame) -> None:
    """Find out whose uplink this is, before it is its turn."""
    if m_type_of(heard.phy_payload) in _DATA_UP:
        heard.looked = _look(context, heard)


def expect_payloads(context: Context, frames: Iterable[HeardFrame]) -> None:
    """Let the codec begin with the uplinks that will probably be accepted."""
    looked = [(heard.looked, heard.time_ns / NANO) for heard in frames]
    context.payloads.expect(
        (one.match.device, one.frame.f_port or 0, one.data, time_s)
        for one, time_s in looked
        if isinstance(one, Looked) and one.frame.f_port != 0
    )


def _look(context: Context, heard: HeardFrame) -> Looked | Dropped:
    known = heard.looked
    if isinstance(known, Looked) and known.still_holds(context):
        return known
    try:
        frame = DataFrame.parse(heard.phy_payload)
    except Malformed as error:
        return Dropped(cause="malformed", details=str(error))
    found = _match(context, heard, frame)
    if isinstance(found, Dropped):
        return found
    data, f_opts = opened(found.session, frame, found.f_cnt)
    return Looked(frame, found, data, f_opts, found.device.f_cnt_up)


def handle_data(context: Context, heard: HeardFrame, now: float) -> Outcome:
    """Take an uplink: verify, decrypt, tell, and prepare the answer."""
    looked = _look(context, heard)
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
    _tell_up(context, heard, frame, found, data, class_before)
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
        _acknowledge(context, heard, device)
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


def _match(context: Context, heard: HeardFrame, frame: DataFrame) -> Match | Dropped:
    dev_addr = str(frame.dev_addr)
    candidates = context.devices.with_dev_addr(dev_addr)
    if not candidates:
        return Dropped(cause="unknown_dev_addr", details=f"dev_addr={dev_addr}")
    for device in candidates:
        for session, f_cnt in _signers(device, heard, frame):
            return Match(
                device=device,
                session=session,
                f_cnt=f_cnt,
                counting=_counting(device, session, f_cnt),
            )
    return Dropped(cause="mic", details=f"dev_addr={dev_addr} f_cnt={frame.f_cnt_16}")


def _signers(
    device: Device, heard: HeardFrame, frame: DataFrame
) -> Iterator[tuple[Session, int]]:
    session = device.session
    if session is None:
        return
    # An ABP session has no region before its first uplink.
    if session.region_config_id not in {"", heard.region_config_id}:
        return
    full = full_f_cnt_up(device.f_cnt_up, frame.f_cnt_16)
    # The bare 16 bits detect a device whose counter started again.
    for f_cnt in dict.fromkeys((full, frame.f_cnt_16)):
        if signed_by(session, heard, f_cnt):
            yield session, f_cnt


def _counting(device: Device, session: Session, f_cnt: int) -> Counting:
    if f_cnt >= device.f_cnt_up or session.skip_f_cnt_check:
        return "next"
    return "retransmission" if f_cnt == device.f_cnt_up - 1 else "reset"


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
        session.enabled_uplink_channels = list(plan.default_channel_indices)
        session.extra_uplink_channels = {}


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


def _tell_up(
    context: Context,
    heard: HeardFrame,
    frame: DataFrame,
    match: Match,
    data: bytes,
    class_before: str,
) -> None:
    device = match.device
    payload = b"" if frame.f_port == 0 else data
    decoded = _decode(context, heard, device, frame.f_port or 0, payload)
    if decoded is not None and not decoded.json and not _is_finite(decoded.object):
        # JSON has no infinity: ChirpStack loses this event, and says so.
        context.warn(f"ns.event.drop cause=infinity dev_eui={device.dev_eui}")
        return
    info = documents.device_info(device)
    info["deviceClassEnabled"] = f"CLASS_{class_before}"
    document = documents.up(
        deduplication_id=heard.deduplication_id,
        time_ns=heard.time_ns,
        info=info,
        dev_addr=str(frame.dev_addr),
        adr=frame.f_ctrl.adr,
        dr=heard.dr,
        f_cnt=match.f_cnt,
        f_port=frame.f_port or 0,
        confirmed=frame.confirmed,
        data=payload,
        decoded=decoded and _shown(decoded),
        rx_info=heard.rx_documents(),
        tx_info=heard.tx_document(),
        region_config_id=heard.region_config_id,
    )
    properties = {
        "DR": str(heard.dr),
        "FPort": str(frame.f_port or 0),
        "FCnt": str(match.f_cnt),
        "Data": payload.hex(),
    }
    context.emit("up", device, document, heard.time_ns, properties)
    if decoded is not None and _is_measured(device):
        note_measurements(context.series, device, decoded.object, heard.time_ns / NANO)


def _is_measured(device: Device) -> bool:
    profile = device.profile
    return profile.auto_detect_measurements or len(profile.measurements) > 0


def _decode(
    context: Context, heard: HeardFrame, device: Device, f_port: int, data: bytes
) -> DecodedObject | None:
    decoded = context.payloads.decode(
        device.profile, device.variables, f_port, data, heard.time_ns / NANO
    )
    if isinstance(decoded, DecodedObject):
        return decoded
    if isinstance(decoded, CodecError):
        context.emit_log(
            device,
            time_ns=heard.time_ns,
            level="ERROR",
            code="UPLINK_CODEC",
            description=decoded.message,
            context={"deduplication_id": heard.deduplication_id},
        )
    return None


def _shown(decoded: DecodedObject) -> Any:
    return verbatim(decoded.json) if decoded.json else decoded.object


def _is_finite(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isinf(value)
    if isinstance(value, Mapping):
        return all(_is_finite(item) for item in value.values())
    if isinstance(value, list):
        return all(_is_finite(item) for item in value)
    return True


def _acknowledge(context: Context, heard: HeardFrame, device: Device) -> None:
    # 1.0.x does not bind the ACK to a counter, 1.1 does by its MIC: it is for the
    # first pending item.
    item = next((item for item in device.queue if item.is_pending), None)
    if item is None:
        context.warn(f"ns.up.ack.drop cause=nothing_pending dev_eui={device.dev_eui}")
        return
    context.devices.delete_item(device, item)
    document = documents.ack(
        deduplication_id=heard.deduplication_id,
        time_ns=heard.time_ns,
        info=documents.device_info(device),
        queue_item_id=item.id,
        acknowledged=True,
        f_cnt_down=item.f_cnt_down or 0,
    )
    context.emit("ack", device, document, heard.time_ns)
