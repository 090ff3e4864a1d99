"""Serve a device's queue: what leaves next, and telling what will never leave."""

from chirpstack_embedded.core import documents
from chirpstack_embedded.core.context import Context
from chirpstack_embedded.core.downlink_queue import Chosen, Discarded, choose
from chirpstack_embedded.core.rendering import nanoseconds
from chirpstack_embedded.model import Device, QueueItem


def take_from_queue(
    context: Context,
    device: Device,
    *,
    room: int,
    now: float,
    deduplication_id: str = "",
) -> Chosen | None:
    """Return the item to send in ``room`` octets; discard and tell what cannot be."""
    f_cnt_down = device.session.app_f_cnt_down if device.session else 0
    choice = choose(device.queue, max_payload_size=room, f_cnt_down=f_cnt_down, now=now)
    for discarded in choice.discarded:
        context.devices.delete_item(device, discarded.item)
        _tell_discarded(
            context,
            device,
            discarded,
            room=room,
            f_cnt_down=f_cnt_down,
            now=now,
            deduplication_id=deduplication_id,
        )
    return choice.chosen


def _tell_discarded(
    context: Context,
    device: Device,
    discarded: Discarded,
    *,
    room: int,
    f_cnt_down: int,
    now: float,
    deduplication_id: str,
) -> None:
    item, time_ns = discarded.item, nanoseconds(now)
    context.warn(
        f"ns.down.queue.discard cause={discarded.reason} dev_eui={device.dev_eui}"
        f" queue_item_id={item.id}"
    )
    if discarded.reason == "timeout":
        document = documents.ack(
            deduplication_id=deduplication_id,
            time_ns=time_ns,
            info=documents.device_info(device),
            queue_item_id=item.id,
            acknowledged=False,
            f_cnt_down=item.f_cnt_down or 0,
        )
        context.emit("ack", device, document, time_ns)
        return
    code, description = _LOGS[discarded.reason]
    context.emit_log(
        device,
        time_ns=time_ns,
        level="ERROR",
        code=code,
        description=description,
        context=_log_context(item, discarded.reason, room, f_cnt_down),
    )


_LOGS = {
    "expired": ("EXPIRED", "Device queue-item discarded because it has expired"),
    "payload_size": (
        "DOWNLINK_PAYLOAD_SIZE",
        "Device queue-item discarded because it exceeds the max. payload size",
    ),
    "f_cnt_down": (
        "F_CNT_DOWN",
        "Device queue-item discarded because the frame-counter is invalid",
    ),
}


def _log_context(
    item: QueueItem, reason: str, room: int, f_cnt_down: int
) -> dict[str, str]:
    details: dict[str, dict[str, str]] = {
        "expired": {},
        "payload_size": {
            "max_payload_size": str(room),
            "item_size": str(len(item.data)),
        },
        "f_cnt_down": {
            "device_f_cnt_down": str(f_cnt_down),
            "queue_item_f_cnt_down": str(item.f_cnt_down or 0),
        },
    }
    return {**details[reason], "queue_item_id": item.id}
