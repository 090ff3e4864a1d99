"""Every method of every service is served or refused by name."""

from contextlib import suppress
from typing import Any

import grpc
import pytest
from chirpstack_api import api
from google.protobuf import descriptor_pool
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.chirpstack_embedded.grpc_api.site import EUI, NOBODY, Code, Site, refused

from chirpstack_embedded.grpc_api.server import SERVICES
from chirpstack_embedded.grpc_api.servicer import method_names
from chirpstack_embedded.store.schema import DEFAULT_TENANT_ID


def not_served() -> list[tuple[str, str]]:
    served: dict[str, set[str]] = {
        "InternalService": {
            "Login",
            "Settings",
            "StreamDeviceEvents",
            "StreamDeviceFrames",
            "StreamGatewayFrames",
        }
    }
    return [
        (service, method)
        for service, methods in SERVICES.items()
        for method in method_names(service)
        if method not in methods and method not in served.get(service, set())
    ]


def test_whatever_is_not_emulated_says_so_by_name(site: Site) -> None:
    pool = descriptor_pool.Default()
    answers = {}
    for service, method in not_served():
        descriptor = pool.FindServiceByName(f"api.{service}").methods_by_name[method]
        call = getattr(getattr(site.admin, service.removesuffix("Service")), method)
        answers[service, method] = refused(
            call, GetMessageClass(descriptor.input_type)()
        )

    assert len(answers) > 80
    for (service, method), answer in answers.items():
        sentence = (
            f"api.{service}/{method} is not emulated by Garonne's embedded server"
        )
        assert (Code.UNIMPLEMENTED, sentence) == answer


def test_every_service_of_the_package_is_in_the_table() -> None:
    declared = {
        name.removesuffix("Servicer") for name in dir(api) if name.endswith("Servicer")
    }

    assert declared - {"DeviceProfileTemplateService"} == set(SERVICES)


TEXTS = st.sampled_from(
    ["", EUI, "x", NOBODY, DEFAULT_TENANT_ID, "00" * 16, "é", "01000000/8", "admin"]
)


def filled(data: st.DataObject, message: Any, depth: int = 3) -> Any:
    """Fill a message with plausible and implausible values."""
    for field in message.DESCRIPTOR.fields:
        if field.is_repeated or data.draw(st.booleans()):
            continue
        if field.message_type is not None:
            if depth:
                getattr(message, field.name).SetInParent()
                filled(data, getattr(message, field.name), depth - 1)
        elif field.type == field.TYPE_STRING:
            setattr(message, field.name, data.draw(TEXTS))
        elif field.type == field.TYPE_BYTES:
            setattr(message, field.name, data.draw(st.binary(max_size=4)))
        elif field.type == field.TYPE_BOOL:
            setattr(message, field.name, True)
        elif field.type in {field.TYPE_UINT32, field.TYPE_ENUM, field.TYPE_INT32}:
            setattr(message, field.name, data.draw(st.integers(0, 2**31 - 1)))
    return message


@settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_any_request_is_answered_or_refused_with_a_reason(
    site: Site, caplog: pytest.LogCaptureFixture, data: st.DataObject
) -> None:
    service, method = data.draw(
        st.sampled_from(
            [(name, m) for name, methods in SERVICES.items() for m in methods]
        )
    )
    pool = descriptor_pool.Default()
    descriptor = pool.FindServiceByName(f"api.{service}").methods_by_name[method]
    request = filled(data, GetMessageClass(descriptor.input_type)())
    client = site.user if service == "InternalService" else site.admin

    with suppress(grpc.RpcError):
        getattr(getattr(client, service.removesuffix("Service")), method)(request)

    assert "api.call.fail" not in caplog.text
