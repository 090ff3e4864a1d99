"""DeviceService: sessions, given (ABP), shown and ended."""

from typing import Any

from chirpstack_api import api
from google.protobuf.empty_pb2 import Empty

from chirpstack_embedded.core.dev_addr import random_dev_addr
from chirpstack_embedded.core.session import abp_session, class_at_start
from chirpstack_embedded.grpc_api.call import Call
from chirpstack_embedded.grpc_api.fields import (
    parse_dev_addr,
    parse_eui,
    parse_key,
    parse_uuid,
)
from chirpstack_embedded.grpc_api.refusal import (
    invalid_argument,
    not_found,
)
from wire.lorawan.keys import Key
from wire.lorawan.keys_1_1 import SessionKeys11


def activate(call: Call, request: Any) -> Any:
    """Start an ABP session (contract §2.13)."""
    if not request.HasField("device_activation"):
        raise invalid_argument("device_activation is missing")
    wanted = request.device_activation
    device = call.device(parse_eui(wanted.dev_eui), write=True)
    dev_addr = parse_dev_addr(wanted.dev_addr)
    keys = SessionKeys11(
        s_nwk_s_int_key=Key(parse_key(wanted.s_nwk_s_int_key)),
        f_nwk_s_int_key=Key(parse_key(wanted.f_nwk_s_int_key)),
        nwk_s_enc_key=Key(parse_key(wanted.nwk_s_enc_key)),
        app_s_key=Key(parse_key(wanted.app_s_key)),
    )
    device.session = abp_session(
        device,
        dev_addr=dev_addr,
        keys=keys,
        f_cnt_down=wanted.n_f_cnt_down,
        a_f_cnt_down=wanted.a_f_cnt_down,
    )
    device.dev_addr = dev_addr
    device.f_cnt_up = wanted.f_cnt_up
    device.enabled_class = class_at_start(device)
    if device.profile.flush_queue_on_activate:
        call.store.devices.flush_queue(device)
    call.store.devices.save(device)
    return Empty()


def deactivate(call: Call, request: Any) -> Any:
    """End the session and empty the queue."""
    device = call.device(parse_eui(request.dev_eui), write=True)
    call.store.devices.flush_queue(device)
    device.session = device.dev_addr = None
    call.store.devices.save(device)
    return Empty()


def get_activation(call: Call, request: Any) -> Any:
    """Return the session; empty for a device that never had one."""
    device = call.device(parse_eui(request.dev_eui), write=False)
    session = device.session
    if session is None:
        return api.GetDeviceActivationResponse()
    f_nwk_s_int_key = session.nwk_s_key
    return api.GetDeviceActivationResponse(
        device_activation=api.DeviceActivation(
            dev_eui=device.dev_eui,
            dev_addr=session.dev_addr,
            app_s_key=session.app_s_key.hex(),
            nwk_s_enc_key=(session.nwk_s_enc_key or f_nwk_s_int_key).hex(),
            s_nwk_s_int_key=(session.s_nwk_s_int_key or f_nwk_s_int_key).hex(),
            f_nwk_s_int_key=f_nwk_s_int_key.hex(),
            f_cnt_up=device.f_cnt_up,
            n_f_cnt_down=session.f_cnt_down,
            a_f_cnt_down=session.a_f_cnt_down,
        )
    )


def get_random_dev_addr(call: Call, request: Any) -> Any:
    """Return a DevAddr of the tenant's prefixes or of the network."""
    if request.dev_eui:
        tenant = call.device(parse_eui(request.dev_eui), write=False).tenant
    elif request.tenant_id:
        tenant_id = parse_uuid(request.tenant_id)
        call.require(tenant_id, write=False)
        record = call.store.tenants.get(tenant_id)
        if record is None:
            raise not_found(tenant_id)
        tenant = record.message
    else:
        raise invalid_argument("either dev_addr or tenant_id must be set")
    net_id = call.services.configuration.network.net_id
    dev_addr = random_dev_addr(call.services.rng, net_id, tenant.dev_addr_prefixes)
    return api.GetRandomDevAddrResponse(dev_addr=dev_addr)
