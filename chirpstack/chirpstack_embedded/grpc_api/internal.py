"""InternalService: login, API keys, regions and the streams."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

from chirpstack_api import api, common
from google.protobuf.empty_pb2 import Empty
from google.protobuf.timestamp_pb2 import Timestamp

from chirpstack_embedded.config import Region
from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.grpc_api.call import Call, Services
from chirpstack_embedded.grpc_api.fields import parse_eui, parse_uuid
from chirpstack_embedded.grpc_api.refusal import (
    invalid_argument,
    not_found,
    unauthenticated,
)
from chirpstack_embedded.grpc_api.tokens import key_token, user_token
from chirpstack_embedded.store import ApiKey
from chirpstack_embedded.streams import StreamItem

VERSION = "4.20.0-garonne"
Follow = Callable[[Callable[[], bool]], Iterator[Any]]

_NANO = 1_000_000_000


def login(services: Services, request: Any) -> Any:
    """Return a user's token."""
    user = services.store.access.login(request.email, request.password)
    if user is None or not user.is_active:
        raise unauthenticated("Invalid username or password")
    secret = services.configuration.api_secret
    return api.LoginResponse(jwt=user_token(user.id, secret, services.clock()))


def settings(_services: Services, _request: Any) -> Any:
    """Return what a login page needs: nothing special."""
    return api.SettingsResponse()


def profile(call: Call, _request: Any) -> Any:
    """Return who is logged in."""
    call.require_user()
    user = call.store.access.user(call.caller.user_id)
    if user is None:
        raise unauthenticated()
    return api.ProfileResponse(
        user=api.User(
            id=user.id,
            email=user.email,
            is_active=user.is_active,
            is_admin=user.is_admin,
        )
    )


def create_api_key(call: Call, request: Any) -> Any:
    """Create an admin key or a tenant key."""
    if not request.HasField("api_key"):
        raise invalid_argument("api_key is missing")
    wanted = request.api_key
    tenant_id = parse_uuid(wanted.tenant_id) if wanted.tenant_id else None
    if wanted.is_admin and tenant_id:
        raise invalid_argument("tenant_id can not be set with is_admin set to true")
    if not wanted.is_admin and not tenant_id:
        raise invalid_argument("either is_admin or tenant_id must be set")
    call.require_user()
    call.require_admin(write=True)
    key = ApiKey(
        id=str(uuid.uuid4()),
        name=wanted.name,
        is_admin=wanted.is_admin,
        is_read_only=wanted.is_read_only,
        tenant_id=tenant_id,
    )
    call.store.access.add_key(key, call.now)
    token = key_token(key.id, call.services.configuration.api_secret)
    return api.CreateApiKeyResponse(id=key.id, token=token)


def delete_api_key(call: Call, request: Any) -> Any:
    """Remove a key; its token is void at once."""
    key_id = parse_uuid(request.id)
    call.require_user()
    call.require_admin(write=True)
    if not call.store.access.delete_key(key_id):
        raise not_found(key_id)
    return Empty()


def list_api_keys(call: Call, request: Any) -> Any:
    """List the admin keys or those of a tenant."""
    call.require_user()
    call.require_admin(write=False)
    tenant_id = parse_uuid(request.tenant_id) if request.tenant_id else ""
    keys = call.store.access.keys(is_admin=request.is_admin, tenant_id=tenant_id)
    shown = keys[request.offset : request.offset + request.limit]
    return api.ListApiKeysResponse(
        total_count=len(keys),
        result=[
            api.ApiKey(
                id=key.id,
                name=key.name,
                is_admin=key.is_admin,
                tenant_id=key.tenant_id or "",
                is_read_only=key.is_read_only,
            )
            for key in shown
        ],
    )


def list_regions(call: Call, _request: Any) -> Any:
    """List the active regions."""
    call.require_user()
    return api.ListRegionsResponse(
        regions=[
            api.RegionListItem(
                id=region.id,
                region=_common_name(region),
                description=region.description,
            )
            for region in call.services.configuration.regions
        ]
    )


def get_region(call: Call, request: Any) -> Any:
    """Return the parameters of one active region."""
    call.require_user()
    for region in call.services.configuration.regions:
        if region.id == request.id:
            return _region(region)
    raise not_found(request.id)


def get_version(call: Call, _request: Any) -> Any:
    """Return a version that cannot be mistaken for the real server's."""
    call.require_user()
    return api.GetVersionResponse(version=VERSION)


def stream_device_events(call: Call, request: Any) -> Follow:
    """Follow the events of a device."""
    device = call.device(parse_eui(request.dev_eui), write=False)
    return _follow(call, "device-event", device.dev_eui)


def stream_device_frames(call: Call, request: Any) -> Follow:
    """Follow the frames of a device."""
    device = call.device(parse_eui(request.dev_eui), write=False)
    return _follow(call, "device-frame", device.dev_eui)


def stream_gateway_frames(call: Call, request: Any) -> Follow:
    """Follow the frames of a gateway."""
    gateway_id = parse_eui(request.gateway_id)
    record = call.store.gateways.get(gateway_id)
    if record is None:
        call.require_admin(write=False)
        raise not_found(gateway_id)
    call.require(record.message.tenant_id, write=False)
    return _follow(call, "gateway-frame", gateway_id)


METHODS = {
    "Profile": profile,
    "CreateApiKey": create_api_key,
    "DeleteApiKey": delete_api_key,
    "ListApiKeys": list_api_keys,
    "ListRegions": list_regions,
    "GetRegion": get_region,
    "GetVersion": get_version,
}
PUBLIC = {"Login": login, "Settings": settings}
STREAMS = {
    "StreamDeviceEvents": stream_device_events,
    "StreamDeviceFrames": stream_device_frames,
    "StreamGatewayFrames": stream_gateway_frames,
}


def _follow(call: Call, kind: str, identifier: str) -> Follow:
    streams = call.services.streams

    def items(active: Callable[[], bool]) -> Iterator[Any]:
        for item in streams.follow(kind, identifier, active):
            yield _log_item(item)

    return items


def _log_item(item: StreamItem) -> api.LogItem:
    seconds, nanos = divmod(item.time_ns, _NANO)
    return api.LogItem(
        id=item.id,
        time=Timestamp(seconds=seconds, nanos=nanos),
        description=item.description,
        body=item.body(),
        properties=item.properties,
    )


def _common_name(region: Region) -> int:
    value: int = common.Region.Value(region.common_name)
    return value


def _region(region: Region) -> api.GetRegionResponse:
    network = region.network
    return api.GetRegionResponse(
        id=region.id,
        description=region.description,
        region=_common_name(region),
        user_info=region.user_info,
        rx1_delay=network.rx1_delay,
        rx1_dr_offset=network.rx1_dr_offset,
        rx2_dr=network.rx2_dr,
        rx2_frequency=network.rx2_frequency_hz,
        class_b_ping_slot_dr=network.ping_slot_dr,
        class_b_ping_slot_frequency=network.ping_slot_frequency_hz,
        uplink_channels=[
            api.RegionChannel(
                frequency=channel.frequency_hz, data_rates=channel.data_rates
            )
            for channel in RegionPlan(region).channels
        ],
    )
