"""The device queue of DeviceService (contract §5.4)."""

import uuid
from typing import Any

from chirpstack_api import api
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict

from chirpstack_embedded.codec import CodecError
from chirpstack_embedded.core.downlink_queue import F_PORT_RULE, wrap_f_port
from chirpstack_embedded.grpc_api.call import Call
from chirpstack_embedded.grpc_api.fields import parse_eui, timestamp, unix_seconds
from chirpstack_embedded.grpc_api.refusal import (
    internal,
    invalid_argument,
    validation,
)
from chirpstack_embedded.model import Device, QueueItem

NO_ROW = "FOREIGN KEY constraint failed"


def enqueue(call: Call, request: Any) -> Any:
    """Append to the queue; a flush happens before anything is validated."""
    if not request.HasField("queue_item"):
        raise invalid_argument("queue_item is missing")
    wanted = request.queue_item
    device = call.device_or_nobody(parse_eui(wanted.dev_eui), write=True)
    if device is None:
        raise internal(NO_ROW)
    if request.flush_queue:
        call.store.devices.flush_queue(device, keep_pending=True)
    f_port, data = _payload(call, device, wanted)
    if f_port == 0:
        raise validation(F_PORT_RULE)
    item = QueueItem(
        id=str(uuid.uuid4()),
        dev_eui=device.dev_eui,
        created_at=call.now,
        f_port=f_port,
        data=data,
        confirmed=wanted.confirmed,
        is_encrypted=wanted.is_encrypted,
        f_cnt_down=wanted.f_cnt_down if wanted.is_encrypted else None,
        expires_at=(
            unix_seconds(wanted.expires_at) if wanted.HasField("expires_at") else None
        ),
    )
    call.store.devices.enqueue(device, item)
    return api.EnqueueDeviceQueueItemResponse(id=item.id)


def flush_queue(call: Call, request: Any) -> Any:
    """Remove everything, silently."""
    device = call.device_or_nobody(parse_eui(request.dev_eui), write=True)
    if device is not None:
        call.store.devices.flush_queue(device)
    return Empty()


def get_queue(call: Call, request: Any) -> Any:
    """Return every item, pending ones too."""
    device = call.device_or_nobody(parse_eui(request.dev_eui), write=False)
    queue = device.queue if device else []
    return api.GetDeviceQueueItemsResponse(
        total_count=len(queue), result=[_item(item) for item in queue]
    )


def get_next_f_cnt_down(call: Call, request: Any) -> Any:
    """Return the counter ChirpStack would; 1 on a fresh session (contract §5.4)."""
    device = call.device(parse_eui(request.dev_eui), write=False)
    session_f_cnt = device.session.app_f_cnt_down if device.session else 0
    queued = max((item.f_cnt_down or 0 for item in device.queue), default=0)
    return api.GetDeviceNextFCntDownResponse(f_cnt_down=max(session_f_cnt, queued + 1))


def _payload(call: Call, device: Device, wanted: Any) -> tuple[int, bytes]:
    f_port = wrap_f_port(wanted.f_port)
    if not wanted.HasField("object"):
        return f_port, wanted.data
    encoded = call.services.payloads.encode(
        device.profile, device.variables, f_port, MessageToDict(wanted.object)
    )
    if isinstance(encoded, CodecError):
        raise internal(encoded.message)
    return (f_port if encoded.f_port is None else encoded.f_port), encoded.data


def _item(item: QueueItem) -> api.DeviceQueueItem:
    return api.DeviceQueueItem(
        id=item.id,
        dev_eui=item.dev_eui,
        confirmed=item.confirmed,
        f_port=item.f_port,
        data=item.data,
        is_pending=item.is_pending,
        f_cnt_down=item.f_cnt_down or 0,
        is_encrypted=item.is_encrypted,
        expires_at=timestamp(item.expires_at),
    )
