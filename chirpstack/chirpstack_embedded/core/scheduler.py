"""The scheduler of class B and C: who may be sent to now (contract §2.10)."""

from collections.abc import Iterator

from chirpstack_embedded.core.context import Context
from chirpstack_embedded.core.downlink import transmit_class_b, transmit_class_c
from chirpstack_embedded.core.downlink_queue import blocks
from chirpstack_embedded.model import Device

_TRANSMIT = {"B": transmit_class_b, "C": transmit_class_c}


def run_pass(context: Context, now: float) -> int:
    """Serve up to one batch of devices; returns how many were selected."""
    settings = context.configuration.network.scheduler
    selected: list[Device] = []
    for device in _ready(context, now):
        if len(selected) == settings.batch_size:
            break
        selected.append(device)
    for device in selected:
        device.scheduler_run_after = now + settings.scheduler_lock_duration_s
        context.devices.save(device)
        _TRANSMIT[device.enabled_class](context, device, now)
    return len(selected)


def _ready(context: Context, now: float) -> Iterator[Device]:
    for device in context.devices.with_queue():
        locked = (
            device.scheduler_run_after is not None and device.scheduler_run_after >= now
        )
        if device.enabled_class not in _TRANSMIT or device.is_disabled or locked:
            continue
        if all(blocks(item, now) for item in device.queue):
            continue
        yield device
