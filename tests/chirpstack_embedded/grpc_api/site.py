"""A served API through the real stubs and a real socket (contract §5)."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from chirpstack_api import api

from chirpstack_embedded.store import Store
from chirpstack_embedded.store.schema import DEFAULT_TENANT_ID
from chirpstack_embedded.streams import Streams

EUI = "a81758fffe0301c4"
NOBODY = "00000000-0000-4000-8000-000000000000"
Code = grpc.StatusCode


class Client:
    """Stubs with a token."""

    def __init__(self, channel: grpc.Channel, token: str | None) -> None:
        self._channel = channel
        self.token = token

    def __getattr__(self, service: str) -> Any:
        stub = getattr(api, f"{service}ServiceStub")(self._channel)
        return Bound(stub, self.token)


class Bound:
    def __init__(self, stub: Any, token: str | None) -> None:
        self._stub = stub
        self._metadata = [("authorization", f"Bearer {token}")] if token else []

    def __getattr__(self, method: str) -> Callable[[Any], Any]:
        function = getattr(self._stub, method)
        return lambda request, **more: function(
            request, metadata=more.get("metadata", self._metadata), timeout=10
        )


class Site:
    """A served API and its administrator."""

    def __init__(self, store: Store, channel: grpc.Channel, streams: Streams) -> None:
        self.store, self.channel, self.streams = store, channel, streams
        login = Client(channel, None).Internal.Login(
            api.LoginRequest(email="admin", password="admin")
        )
        self.user = Client(channel, login.jwt)
        self.admin = Client(channel, self.key(is_admin=True).token)

    def key(self, **settings: Any) -> Any:
        return self.user.Internal.CreateApiKey(
            api.CreateApiKeyRequest(api_key=api.ApiKey(name="key", **settings))
        )

    def tenant(self, **settings: Any) -> str:
        request = api.CreateTenantRequest(tenant=api.Tenant(name="t", **settings))
        tenant_id: str = self.admin.Tenant.Create(request).id
        return tenant_id

    def application(self, tenant_id: str = DEFAULT_TENANT_ID) -> str:
        application = api.Application(name="a", tenant_id=tenant_id)
        request = api.CreateApplicationRequest(application=application)
        application_id: str = self.admin.Application.Create(request).id
        return application_id

    def profile(self, tenant_id: str = DEFAULT_TENANT_ID, **settings: Any) -> str:
        profile = api.DeviceProfile(name="p", tenant_id=tenant_id, **settings)
        request = api.CreateDeviceProfileRequest(device_profile=profile)
        profile_id: str = self.admin.DeviceProfile.Create(request).id
        return profile_id

    def device(self, tenant_id: str = DEFAULT_TENANT_ID, **settings: Any) -> api.Device:
        device = api.Device(
            **{
                "dev_eui": EUI,
                "name": "d",
                "application_id": self.application(tenant_id),
                "device_profile_id": self.profile(tenant_id),
                **settings,
            }
        )
        self.admin.Device.Create(api.CreateDeviceRequest(device=device))
        return device


def refused(call: Callable[[Any], Any], request: Any, **more: Any) -> tuple[Any, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call(request, **more)
    return caught.value.code(), caught.value.details() or ""


def activation(**settings: Any) -> Any:
    keys = ("nwk_s_enc_key", "s_nwk_s_int_key", "f_nwk_s_int_key")
    given = {
        "dev_eui": EUI,
        "dev_addr": "01a7c3e5",
        "app_s_key": "0a" * 16,
        **dict.fromkeys(keys, "0b" * 16),
        **settings,
    }
    return api.ActivateDeviceRequest(device_activation=api.DeviceActivation(**given))


def enqueue(**item: Any) -> Any:
    given = {"dev_eui": EUI, "f_port": 10, "data": b"\x01", **item}
    return api.EnqueueDeviceQueueItemRequest(queue_item=api.DeviceQueueItem(**given))
