"""Any request at all is answered or refused in words; no surprise, nothing stuck."""

import threading
from typing import Any

import grpc
import pytest
from chirpstack_api import api
from google.protobuf import descriptor_pool
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.chirpstack_embedded.grpc_api.site import EUI, NOBODY, Client, Site

from chirpstack_embedded.grpc_api import internal
from chirpstack_embedded.grpc_api.server import SERVICES
from chirpstack_embedded.store.schema import DEFAULT_TENANT_ID

METHODS = [
    *((name, method) for name, methods in SERVICES.items() for method in methods),
    *(("InternalService", method) for method in internal.PUBLIC),
    *(("InternalService", method) for method in internal.STREAMS),
]
SOME_TEXTS = [
    *("", EUI, EUI.upper(), "x", "é", "\x00", "\U0001f4a1", "%", "_", "'; --", "../.."),
    *(NOBODY, DEFAULT_TENANT_ID, "eu868", "00" * 8, "00" * 16, "ff" * 16, "00" * 4),
    *("01000000/8", "01000000/-1", "admin", "name", "-created_at", "x" * 5000, "{}"),
    "function decodeUplink(input) { return input",
    "function encodeDownlink(input) { while (true) {} }",
]
EXAMPLES = 15
FLOATS = st.floats(width=32)
OFTEN = st.integers(0, 3).map(bool)


def numbers(field: Any) -> st.SearchStrategy[int]:
    signed = {field.TYPE_INT32: 31, field.TYPE_INT64: 63, field.TYPE_ENUM: 31}
    if field.type in signed:
        top = 2 ** signed[field.type]
        return st.sampled_from([-top, -1, 0, 1, top - 1]) | st.integers(0, 20)
    bits = 64 if field.type in {field.TYPE_UINT64, field.TYPE_FIXED64} else 32
    return st.sampled_from([0, 1, 2**bits - 1]) | st.integers(0, 300)


def value(data: st.DataObject, field: Any, known: dict[str, str]) -> Any:
    if field.type == field.TYPE_STRING:
        right = st.just(known.get(field.name, EUI))
        texts = st.sampled_from(SOME_TEXTS) | st.text(max_size=12)
        return data.draw(right if data.draw(OFTEN) else texts)
    if field.type == field.TYPE_BYTES:
        return data.draw(st.binary(max_size=300))
    if field.type == field.TYPE_BOOL:
        return data.draw(st.booleans())
    if field.type in {field.TYPE_FLOAT, field.TYPE_DOUBLE}:
        return data.draw(FLOATS)
    return data.draw(numbers(field))


def fill(
    data: st.DataObject, message: Any, known: dict[str, str], depth: int = 4
) -> Any:
    """Fill a message with anything its types allow, known ids among it."""
    for field in message.DESCRIPTOR.fields:
        if not depth or not data.draw(OFTEN):
            continue
        is_map = field.message_type and field.message_type.GetOptions().map_entry
        target = getattr(message, field.name)
        if is_map:
            entry = field.message_type.fields_by_name
            if entry["value"].message_type is None:
                key = value(data, entry["key"], known)
                target[key] = value(data, entry["value"], known)
        elif field.is_repeated and field.message_type is not None:
            fill(data, target.add(), known, depth - 1)
        elif field.is_repeated:
            target.append(value(data, field, known))
        elif field.message_type is not None:
            target.SetInParent()
            fill(data, target, known, depth - 1)
        else:
            setattr(message, field.name, value(data, field, known))
    return message


def provisioned(site: Site) -> dict[str, str]:
    """Have a device, and return the ids it has; a deletion may have hit it."""
    device = site.store.devices.get(EUI)
    if device is None:
        site.device(site.tenant())
        device = site.store.devices.get(EUI)
    assert device is not None
    return {
        "application_id": device.application.id,
        "device_profile_id": device.profile.id,
        "tenant_id": device.tenant.id,
        "authorization": site.admin.token or "",
    }


def called(client: Client, service: str, method: str, request: Any) -> tuple[Any, str]:
    """Make the call; a stream is read for a moment. Return how it ended."""
    function = getattr(getattr(client, service.removesuffix("Service")), method)
    try:
        answer = function(request)
        if method in internal.STREAMS:
            threading.Timer(0.01, answer.cancel).start()
            for _ in answer:
                continue
    except grpc.RpcError as refusal:
        return refusal.code(), refusal.details() or ""
    return grpc.StatusCode.OK, ""


@pytest.mark.slow
@pytest.mark.parametrize(("service", "method"), METHODS)
@settings(
    deadline=None,
    max_examples=EXAMPLES,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)
@given(data=st.data())
def test_any_request_is_answered_or_refused_in_words(
    site: Site,
    caplog: pytest.LogCaptureFixture,
    service: str,
    method: str,
    data: st.DataObject,
) -> None:
    known = provisioned(site)
    known["id"] = data.draw(st.sampled_from(sorted(known.values())))
    descriptor = (
        descriptor_pool.Default()
        .FindServiceByName(f"api.{service}")
        .methods_by_name[method]
    )
    request = fill(data, GetMessageClass(descriptor.input_type)(), known)
    client = site.user if service == "InternalService" else site.admin

    code, sentence = called(client, service, method, request)
    assert code not in {grpc.StatusCode.UNKNOWN, grpc.StatusCode.DEADLINE_EXCEEDED}
    assert "Error(" not in sentence
    assert "api.call.fail" not in caplog.text
    assert "Exception" not in caplog.text
    assert provisioned(site)


def test_an_instant_that_no_calendar_has_is_refused_in_a_sentence(site: Site) -> None:
    provisioned(site)
    request = api.GetDeviceLinkMetricsRequest(dev_eui=EUI)
    request.start.seconds, request.end.seconds = 2**62, 2**63 - 1
    code, sentence = called(site.admin, "DeviceService", "GetLinkMetrics", request)

    assert grpc.StatusCode.INTERNAL is code
    assert "start is 4611686018427387904 s from 1970" in sentence
