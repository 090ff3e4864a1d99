"""DeviceService: root keys, and the DevNonces used with them."""

from typing import Any

from chirpstack_api import api
from google.protobuf.empty_pb2 import Empty

from chirpstack_embedded.grpc_api.call import Call
from chirpstack_embedded.grpc_api.fields import (
    parse_eui,
    parse_key,
    timestamp,
)
from chirpstack_embedded.grpc_api.refusal import (
    invalid_argument,
    not_found,
)
from chirpstack_embedded.model import Keys


def create_keys(call: Call, request: Any) -> Any:
    """Give a device its root keys."""
    keys = _keys(request)
    call.device_or_nobody(keys.dev_eui, write=True)
    call.store.keys.create(keys, call.now)
    return Empty()


def get_keys(call: Call, request: Any) -> Any:
    """Return a device's root keys."""
    device = call.device(parse_eui(request.dev_eui), write=False)
    keys = call.store.keys.get(device.dev_eui)
    if keys is None:
        raise not_found(device.dev_eui)
    return api.GetDeviceKeysResponse(
        device_keys=api.DeviceKeys(
            dev_eui=keys.dev_eui,
            nwk_key=keys.nwk_key.hex(),
            app_key=keys.app_key.hex(),
            gen_app_key=keys.gen_app_key.hex(),
        ),
        created_at=timestamp(keys.created_at),
        updated_at=timestamp(keys.updated_at),
    )


def update_keys(call: Call, request: Any) -> Any:
    """Replace the root keys; used DevNonces stay used."""
    keys = _keys(request)
    call.device(keys.dev_eui, write=True)
    if not call.store.keys.update(keys, call.now):
        raise not_found(keys.dev_eui)
    return Empty()


def delete_keys(call: Call, request: Any) -> Any:
    """Remove root keys and used DevNonces."""
    device = call.device(parse_eui(request.dev_eui), write=True)
    if not call.store.keys.delete(device.dev_eui):
        raise not_found(device.dev_eui)
    return Empty()


def flush_dev_nonces(call: Call, request: Any) -> Any:
    """Forget used DevNonces; the JoinNonce goes on."""
    device = call.device(parse_eui(request.dev_eui), write=True)
    if not call.store.keys.flush_dev_nonces(device.dev_eui):
        raise not_found(device.dev_eui)
    return Empty()


def _keys(request: Any) -> Keys:
    if not request.HasField("device_keys"):
        raise invalid_argument("device_keys is missing")
    keys = request.device_keys
    return Keys(
        dev_eui=parse_eui(keys.dev_eui),
        nwk_key=parse_key(keys.nwk_key),
        app_key=parse_key(keys.app_key),
        gen_app_key=parse_key(keys.gen_app_key),
    )
