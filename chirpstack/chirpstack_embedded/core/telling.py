"""What the application is told of an accepted uplink: up, ack, and the codec's log."""

import math
from collections.abc import Mapping
from typing import Any

from chirpstack_embedded.codec import CodecError, DecodedObject
from chirpstack_embedded.core import documents
from chirpstack_embedded.core.context import Context
from chirpstack_embedded.core.looking import Match
from chirpstack_embedded.core.reception import HeardFrame
from chirpstack_embedded.core.rendering import NANO, verbatim
from chirpstack_embedded.core.series import note_measurements
from chirpstack_embedded.model import Device
from wire.lorawan.data import DataFrame


def tell_up(
    context: Context,
    heard: HeardFrame,
    frame: DataFrame,
    match: Match,
    data: bytes,
    class_before: str,
) -> None:
    """Tell that an uplink came, decoded if there is a codec."""
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


def acknowledge(context: Context, heard: HeardFrame, device: Device) -> None:
    """Tell that the device acknowledged a downlink."""
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
