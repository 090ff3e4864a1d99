"""
The gateway's tx ack: the only clock of downlink state (contract §2.9).

Counter, queue and pending move here and nowhere else.
"""

from chirpstack_api import gw

from chirpstack_embedded.core import documents
from chirpstack_embedded.core.context import Context, SentFrame
from chirpstack_embedded.core.frame_log import DownlinkLine
from chirpstack_embedded.core.gps import gps_epoch_s
from chirpstack_embedded.core.rendering import nanoseconds, render_message
from chirpstack_embedded.core.verdict import Accepted, Dropped, Verdict
from chirpstack_embedded.model import Device, QueueItem, Session

_OK = gw.TxAckStatus.OK


def handle_tx_ack(context: Context, ack: gw.DownlinkTxAck, now: float) -> Verdict:
    """Settle one sent frame; every id counts once and for 30 s."""
    details = f"gateway_id={ack.gateway_id} downlink_id={ack.downlink_id}"
    context.forget_frames(now)
    if not ack.items:
        return Dropped(cause="tx_ack_empty", details=details)
    asked = context.frames.get(ack.downlink_id)
    is_strict = context.configuration.strict_gateway_identity
    if is_strict and asked and ack.gateway_id.lower() != asked.frame.gateway_id:
        # Left in place: the gateway that was asked may still answer.
        return Dropped(cause="tx_ack_foreign", details=details)
    sent = context.frames.pop(ack.downlink_id, None)
    if sent is None:
        return Dropped(cause="tx_ack_unknown", details=details)
    if len(ack.items) > len(sent.frame.items):
        return Dropped(cause="tx_ack_too_long", details=details)
    index = _sent_index(ack)
    status = ack.items[index].status
    if status == _OK:
        _log_frame(context, sent, index, now)
    if sent.multicast_item_id is not None:
        # Sent or refused: a group's frame is not tried again (contract §2.9).
        context.multicast.delete_item(sent.multicast_item_id)
        return Accepted(dev_eui="", kind="tx_ack")
    device = context.devices.get(sent.dev_eui)
    if device is None or sent.is_join_accept:
        return Accepted(dev_eui=sent.dev_eui, kind="tx_ack")
    if status != _OK:
        return _refused(context, device, status, now)
    return _transmitted(context, device, sent, index, now)


def _log_frame(context: Context, sent: SentFrame, index: int, now: float) -> None:
    line = DownlinkLine(
        frame=sent.frame,
        index=index,
        time_ns=nanoseconds(now),
        dev_eui=sent.dev_eui,
    )
    context.frame_lines.append(line)


def _sent_index(ack: gw.DownlinkTxAck) -> int:
    accepted = [i for i, item in enumerate(ack.items) if item.status == _OK]
    return accepted[-1] if accepted else len(ack.items) - 1


def _refused(context: Context, device: Device, status: int, now: float) -> Verdict:
    # The item stays and the counter too: the next opportunity sends both again.
    context.emit_log(
        device,
        time_ns=nanoseconds(now),
        level="ERROR",
        code="DOWNLINK_GATEWAY",
        description=_status_name(status),
    )
    return Accepted(dev_eui=device.dev_eui, kind="tx_refusal")


def _status_name(status: int) -> str:
    known = gw.TxAckStatus.values()
    return gw.TxAckStatus.Name(status) if status in known else str(status)


def _transmitted(
    context: Context, device: Device, sent: SentFrame, index: int, now: float
) -> Verdict:
    session = device.session
    if session is None:
        return Dropped(cause="tx_ack_no_session", details=f"dev_eui={device.dev_eui}")
    if not sent.carries_item[index]:
        session.f_cnt_down += 1
        context.devices.save(device)
        return Accepted(dev_eui=device.dev_eui, kind="tx_ack")
    item = _queue_item(device, sent)
    if item is None:
        # Flushed while on the air; ChirpStack fails here and keeps the counter.
        return Dropped(
            cause="tx_ack_no_item",
            details=f"dev_eui={device.dev_eui} queue_item_id={sent.queue_item_id}",
        )
    _settle_item(context, device, session, item, now, sent.frame.items[index])
    session.count_app_down(sent.f_cnt_down + 1)
    context.devices.save(device)
    _tell(context, device, sent, item, index, now)
    return Accepted(dev_eui=device.dev_eui, kind="tx_ack")


def _queue_item(device: Device, sent: SentFrame) -> QueueItem | None:
    return next((item for item in device.queue if item.id == sent.queue_item_id), None)


def _settle_item(
    context: Context,
    device: Device,
    session: Session,
    item: QueueItem,
    now: float,
    frame_item: gw.DownlinkFrameItem,
) -> None:
    if not item.confirmed:
        context.devices.delete_item(device, item)
        return
    item.is_pending = True
    if device.enabled_class == "C":
        # 0 s means the scheduler's next pass finds it timed out (contract §2.9).
        item.timeout_after = now + device.profile.class_c_timeout
    slot_s = gps_epoch_s(frame_item.tx_info.timing)
    if device.enabled_class == "B" and slot_s is not None:
        item.timeout_after = slot_s + device.profile.class_b_timeout
    session.conf_f_cnt = item.f_cnt_down or 0
    context.devices.update_item(item)


def _tell(
    context: Context,
    device: Device,
    sent: SentFrame,
    item: QueueItem,
    index: int,
    now: float,
) -> None:
    time_ns = nanoseconds(now)
    document = documents.txack(
        downlink_id=sent.frame.downlink_id,
        time_ns=time_ns,
        # The one event whose tags lack the application's (contract §3.3).
        info=documents.device_info(device, application_tags=False),
        queue_item_id=item.id,
        f_cnt_down=item.f_cnt_down or 0,
        gateway_id=sent.frame.gateway_id,
        tx_info=render_message(sent.frame.items[index].tx_info),
    )
    context.emit("txack", device, document, time_ns)
