"""
A typed client of ChirpStack's API that says in sentences what went wrong.

Idempotent callers read first and create then: ChirpStack reports most of what is wrong
as INTERNAL (a duplicate too), and a missing right as UNAUTHENTICATED.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final, Self

import grpc
from chirpstack_api import api
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from city import messages
from city.errors import (
    AlreadyThere,
    Busy,
    Invalid,
    NetworkError,
    NotAllowed,
    NotThere,
    Unreachable,
    Unsupported,
)
from city.network_groups import NetworkGroups
from city.objects import (
    Activation,
    Device,
    DeviceEvent,
    DeviceProfile,
    Gateway,
    ListedDevice,
    ListedGateway,
    Named,
    QueueItem,
)

PAGE: Final = 1000
DUPLICATES: Final = ("unique constraint", "duplicate key")
MISSING: Final = ("record not found", "object does not exist")
BUSY: Final = ("database is locked",)
BUSY_PAUSES_S: Final = (0.2, 1.0)
"""The SQLite build refuses a write beside another: two more tries, in turn."""

NO_KEY: Final = "0" * 32

logger = logging.getLogger(__name__)

Call = Callable[..., Any]


def explain(error: grpc.RpcError, asked: str) -> NetworkError:
    """Return what a failed call means, as the exception to raise."""
    code = error.code()
    text = (error.details() or "").strip()
    said = f"{asked}: {text}" if text else asked
    low = text.lower()
    if code == grpc.StatusCode.ALREADY_EXISTS or any(d in low for d in DUPLICATES):
        return AlreadyThere(f"{asked}: it exists already")
    if any(b in low for b in BUSY):
        return Busy(f"{asked}: ChirpStack's database is locked by another writer")
    if code == grpc.StatusCode.NOT_FOUND or any(m in low for m in MISSING):
        return NotThere(f"{asked}: there is no such object ({text})")
    if code in {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}:
        return NotAllowed(
            f"{said}: the token is wrong, has not the right, or the id is unknown to it"
        )
    if code == grpc.StatusCode.INVALID_ARGUMENT:
        return Invalid(said)
    if code == grpc.StatusCode.UNIMPLEMENTED:
        return Unsupported(f"{asked}: this server does not offer it ({text})")
    if code in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}:
        return Unreachable(f"{asked}: ChirpStack's API does not answer")
    return NetworkError(f"{said} ({code.name})")


class Network:
    """One ChirpStack, by its API address and a token; threads may share it."""

    def __init__(
        self,
        target: str,
        token: str = "",
        *,
        timeout_s: float = 5.0,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._target = target
        self._timeout_s = timeout_s
        self._pause = pause
        self._queue = threading.Lock()
        self._turn: AbstractContextManager[Any] = nullcontext()
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()
        # A server that restarts is found again within a second, not within minutes.
        options = [("grpc.max_reconnect_backoff_ms", 1000)]
        self._channel = grpc.insecure_channel(target, options=options)
        self._tenant = api.TenantServiceStub(self._channel)
        self._application = api.ApplicationServiceStub(self._channel)
        self._profile = api.DeviceProfileServiceStub(self._channel)
        self._device = api.DeviceServiceStub(self._channel)
        self._gateway = api.GatewayServiceStub(self._channel)
        self._user = api.UserServiceStub(self._channel)
        self._internal = api.InternalServiceStub(self._channel)
        self.groups = NetworkGroups(self._channel, self._call, self._pages)

    def __repr__(self) -> str:
        """Name the server, never the token."""
        return f"Network({self._target!r})"

    def close(self) -> None:
        """Hang up."""
        self._channel.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        self.close()

    # -- users and keys

    def login(self, email: str, password: str) -> str:
        """Return the token of a user."""
        request = api.LoginRequest(email=email, password=password)
        return str(self._call("log in", self._internal.Login, request).jwt)

    def change_own_password(self, password: str) -> None:
        """Give the user whose token this is another password (8 to 128 characters)."""
        asked = "change the user's password"
        profile = self._call(asked, self._internal.Profile, Empty())
        request = api.UpdateUserPasswordRequest(
            user_id=profile.user.id, password=password
        )
        self._call(asked, self._user.UpdatePassword, request)

    def create_api_key(self, name: str, *, tenant_id: str = "") -> str:
        """Return a new key's token: an admin's, or a tenant's. Needs a user's token."""
        key = api.ApiKey(name=name, is_admin=not tenant_id, tenant_id=tenant_id)
        request = api.CreateApiKeyRequest(api_key=key)
        answer = self._call(
            f"create API key {name}", self._internal.CreateApiKey, request
        )
        return str(answer.token)

    # -- tenants, applications, profiles

    def tenants(self) -> list[Named]:
        """Return all tenants."""
        return list(
            map(
                messages.named,
                self._pages("list tenants", self._tenant.List, api.ListTenantsRequest),
            )
        )

    def create_tenant(self, name: str) -> str:
        """Create a tenant that may have gateways; return its id."""
        tenant = api.Tenant(name=name, can_have_gateways=True)
        request = api.CreateTenantRequest(tenant=tenant)
        return str(self._call(f"create tenant {name}", self._tenant.Create, request).id)

    def keeps_gateways(self, tenant_id: str) -> bool:
        """Whether a tenant's gateways hear for this tenant only."""
        request = api.GetTenantRequest(id=tenant_id)
        answer = self._call(f"get tenant {tenant_id}", self._tenant.Get, request)
        return bool(answer.tenant.private_gateways_up)

    def application_tenant(self, application_id: str) -> str:
        """Return the id of an application's tenant."""
        request = api.GetApplicationRequest(id=application_id)
        asked = f"get application {application_id}"
        answer = self._call(asked, self._application.Get, request)
        return str(answer.application.tenant_id)

    def applications(self, tenant_id: str) -> list[Named]:
        """Return all applications of a tenant."""
        found = self._pages(
            "list applications",
            self._application.List,
            api.ListApplicationsRequest,
            tenant_id=tenant_id,
        )
        return list(map(messages.named, found))

    def create_application(
        self, tenant_id: str, name: str, *, tags: Mapping[str, str] | None = None
    ) -> str:
        """Create an application; return its id."""
        application = api.Application(name=name, tenant_id=tenant_id, tags=tags or {})
        request = api.CreateApplicationRequest(application=application)
        asked = f"create application {name}"
        return str(self._call(asked, self._application.Create, request).id)

    def delete_application(self, application_id: str) -> None:
        """Delete an application and its devices."""
        request = api.DeleteApplicationRequest(id=application_id)
        asked = f"delete application {application_id}"
        self._call(asked, self._application.Delete, request)

    def device_profiles(self, tenant_id: str) -> list[Named]:
        """Return all device profiles of a tenant."""
        found = self._pages(
            "list device profiles",
            self._profile.List,
            api.ListDeviceProfilesRequest,
            tenant_id=tenant_id,
        )
        return list(map(messages.named, found))

    def device_profile(self, profile_id: str) -> DeviceProfile:
        """Return a device profile."""
        request = api.GetDeviceProfileRequest(id=profile_id)
        asked = f"get device profile {profile_id}"
        answer = self._call(asked, self._profile.Get, request)
        return MessageToDict(
            answer.device_profile,
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
        )

    def create_device_profile(self, profile: DeviceProfile) -> str:
        """Create a device profile; return its id."""
        asked = f"create device profile {profile.get('name')}"
        request = api.CreateDeviceProfileRequest(
            device_profile=messages.profile(profile, asked)
        )
        return str(self._call(asked, self._profile.Create, request).id)

    def update_device_profile(self, profile: DeviceProfile) -> None:
        """Replace a device profile (``id`` says which)."""
        asked = f"update device profile {profile.get('name')}"
        request = api.UpdateDeviceProfileRequest(
            device_profile=messages.profile(profile, asked)
        )
        self._call(asked, self._profile.Update, request)

    # -- devices

    def devices(self, application_id: str) -> list[ListedDevice]:
        """Return all devices of an application."""
        found = self._pages(
            "list devices",
            self._device.List,
            api.ListDevicesRequest,
            application_id=application_id,
        )
        return list(map(messages.listed_device, found))

    def tagged_devices(
        self, application_id: str, tags: Mapping[str, str]
    ) -> list[ListedDevice]:
        """Return the devices of an application that have all these tags."""
        found = self._pages(
            "list devices by tags",
            self._device.List,
            api.ListDevicesRequest,
            application_id=application_id,
            tags=tags,
        )
        return list(map(messages.listed_device, found))

    def device(self, dev_eui: str) -> Device:
        """Return a device; NotThere if there is none."""
        request = api.GetDeviceRequest(dev_eui=dev_eui)
        answer = self._call(f"get device {dev_eui}", self._device.Get, request)
        return messages.device(answer.device)

    def last_seen_at(self, dev_eui: str) -> float | None:
        """Return when a device was last heard (Unix seconds), None: never."""
        request = api.GetDeviceRequest(dev_eui=dev_eui)
        answer = self._call(f"get device {dev_eui}", self._device.Get, request)
        return messages.instant(answer, "last_seen_at")

    def create_device(self, device: Device) -> None:
        """Create a device."""
        request = api.CreateDeviceRequest(device=messages.device_message(device))
        self._call(f"create device {device.dev_eui}", self._device.Create, request)

    def update_device(self, device: Device) -> None:
        """Replace a device."""
        request = api.UpdateDeviceRequest(device=messages.device_message(device))
        self._call(f"update device {device.dev_eui}", self._device.Update, request)

    def delete_device(self, dev_eui: str) -> None:
        """Delete a device with its keys and session."""
        request = api.DeleteDeviceRequest(dev_eui=dev_eui)
        self._call(f"delete device {dev_eui}", self._device.Delete, request)

    def app_key(self, dev_eui: str) -> str | None:
        """Return a 1.0.x device's AppKey (hex), None if it has none."""
        request = api.GetDeviceKeysRequest(dev_eui=dev_eui)
        try:
            answer = self._call(f"get keys of {dev_eui}", self._device.GetKeys, request)
        except NotThere:
            return None
        return str(answer.device_keys.nwk_key)

    def set_app_key(self, dev_eui: str, app_key: str, *, both: bool = False) -> None:
        """
        Give a 1.0.x device its AppKey (hex), or another one; nonces are kept.

        `both`: a 1.1 device, whose NwkKey and AppKey are this one key.
        """
        # ChirpStack keeps the AppKey of a 1.0.x device in nwk_key.
        second = app_key if both else NO_KEY
        keys = api.DeviceKeys(dev_eui=dev_eui, nwk_key=app_key, app_key=second)
        if self.app_key(dev_eui) is None:
            create = api.CreateDeviceKeysRequest(device_keys=keys)
            self._call(f"create keys of {dev_eui}", self._device.CreateKeys, create)
        else:
            update = api.UpdateDeviceKeysRequest(device_keys=keys)
            self._call(f"update keys of {dev_eui}", self._device.UpdateKeys, update)

    def flush_dev_nonces(self, dev_eui: str) -> None:
        """Forget which DevNonces a device has used."""
        request = api.FlushDevNoncesRequest(dev_eui=dev_eui)
        asked = f"flush nonces of {dev_eui}"
        self._call(asked, self._device.FlushDevNonces, request)

    def activation(self, dev_eui: str) -> Activation | None:
        """Return a device's session, None if it never joined."""
        request = api.GetDeviceActivationRequest(dev_eui=dev_eui)
        asked = f"get activation of {dev_eui}"
        answer = self._call(asked, self._device.GetActivation, request)
        return (
            messages.activation(answer)
            if answer.HasField("device_activation")
            else None
        )

    # -- queue

    def queue(self, dev_eui: str) -> list[QueueItem]:
        """Return what waits for a device, expired items too."""
        request = api.GetDeviceQueueItemsRequest(dev_eui=dev_eui)
        answer = self._call(f"get queue of {dev_eui}", self._device.GetQueue, request)
        return list(map(messages.queue_item, answer.result))

    def enqueue(self, dev_eui: str, item: QueueItem) -> str:
        """Queue a downlink; return the id the server gives (``item.id`` is ignored)."""
        message = api.DeviceQueueItem(
            dev_eui=dev_eui,
            f_port=item.f_port,
            data=item.data,
            confirmed=item.confirmed,
        )
        if item.expires_at is not None:
            message.expires_at.FromNanoseconds(int(item.expires_at * 1e9))
        request = api.EnqueueDeviceQueueItemRequest(queue_item=message)
        return str(
            self._call(f"enqueue to {dev_eui}", self._device.Enqueue, request).id
        )

    def flush_queue(self, dev_eui: str) -> None:
        """Empty a device's queue, pending items too; they may be on the air already."""
        request = api.FlushDeviceQueueRequest(dev_eui=dev_eui)
        self._call(f"flush queue of {dev_eui}", self._device.FlushQueue, request)

    # -- gateways

    def gateways(self, tenant_id: str) -> list[ListedGateway]:
        """Return all gateways of a tenant."""
        found = self._pages(
            "list gateways",
            self._gateway.List,
            api.ListGatewaysRequest,
            tenant_id=tenant_id,
        )
        return list(map(messages.listed_gateway, found))

    def gateway(self, gateway_id: str) -> Gateway:
        """Return a gateway; NotThere if there is none."""
        request = api.GetGatewayRequest(gateway_id=gateway_id)
        answer = self._call(f"get gateway {gateway_id}", self._gateway.Get, request)
        return messages.gateway(answer.gateway)

    def create_gateway(self, gateway: Gateway) -> None:
        """Create a gateway."""
        request = api.CreateGatewayRequest(gateway=messages.gateway_message(gateway))
        asked = f"create gateway {gateway.gateway_id}"
        self._call(asked, self._gateway.Create, request)

    def update_gateway(self, gateway: Gateway) -> None:
        """Replace a gateway."""
        request = api.UpdateGatewayRequest(gateway=messages.gateway_message(gateway))
        asked = f"update gateway {gateway.gateway_id}"
        self._call(asked, self._gateway.Update, request)

    def delete_gateway(self, gateway_id: str) -> None:
        """Delete a gateway."""
        request = api.DeleteGatewayRequest(gateway_id=gateway_id)
        self._call(f"delete gateway {gateway_id}", self._gateway.Delete, request)

    # -- the stream

    @contextmanager
    def device_events(
        self, dev_eui: str, *, timeout_s: float | None = None
    ) -> Iterator[Iterator[DeviceEvent]]:
        """
        Open the stream of a device's events: about ten old ones first, then the new.

        After ``timeout_s`` it ends with Unreachable.

        ::

            with network.device_events(dev_eui) as events:
                for event in events:
                    ...
        """
        request = api.StreamDeviceEventsRequest(dev_eui=dev_eui)
        call = self._internal.StreamDeviceEvents(
            request, metadata=self._metadata, timeout=timeout_s
        )
        try:
            yield _events(call, f"stream events of {dev_eui}")
        finally:
            call.cancel()

    @contextmanager
    def device_frames(self, dev_eui: str) -> Iterator[Iterator[DeviceEvent]]:
        """Open the stream of a device's frames; ``kind`` is the frame's type."""
        request = api.StreamDeviceFramesRequest(dev_eui=dev_eui)
        call = self._internal.StreamDeviceFrames(request, metadata=self._metadata)
        try:
            yield _events(call, f"stream frames of {dev_eui}")
        finally:
            call.cancel()

    # -- calls

    def _call(self, asked: str, call: Call, request: Message) -> Any:
        for pause_s in BUSY_PAUSES_S:
            try:
                return self._ask_once(asked, call, request)
            except Busy as error:
                self._turn = self._queue  # from now on, one of our calls at a time
                logger.warning("network.call.again pause_s=%.1f %s", pause_s, error)
                self._pause(pause_s)
        return self._ask_once(asked, call, request)

    def _ask_once(self, asked: str, call: Call, request: Message) -> Any:
        with self._turn:
            try:
                return call(request, metadata=self._metadata, timeout=self._timeout_s)
            except grpc.RpcError as error:
                raise explain(error, asked) from error

    def _pages(
        self, asked: str, call: Call, request: Callable[..., Message], **which: Any
    ) -> Iterator[Any]:
        offset, total = 0, 1
        while offset < total:
            answer = self._call(
                asked, call, request(limit=PAGE, offset=offset, **which)
            )
            yield from answer.result
            offset, total = offset + PAGE, answer.total_count


def _events(call: Any, asked: str) -> Iterator[DeviceEvent]:
    try:
        for item in call:
            yield DeviceEvent(
                id=item.id,
                kind=item.description,
                time=item.time.ToNanoseconds() / 1e9,
                body=item.body,
                properties=dict(item.properties),
            )
    except grpc.RpcError as error:
        raise explain(error, asked) from error
