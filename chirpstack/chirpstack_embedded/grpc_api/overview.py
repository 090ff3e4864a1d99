"""What the real server's web interface asks: summaries, names, a search."""

from collections import Counter
from itertools import groupby
from typing import Any

from chirpstack_api import api

from chirpstack_embedded.grpc_api import applications, gateways
from chirpstack_embedded.grpc_api.call import Call
from chirpstack_embedded.grpc_api.fields import parse_uuid

PATIENCE = 1.5  # uplink intervals until a device counts as inactive


def devices_summary(call: Call, request: Any) -> Any:
    """Return how many devices are active, silent and never seen, and their DRs."""
    tenant_id = _tenant_id(call, request)
    intervals = {
        record.message.id: record.message.uplink_interval
        for record in call.store.device_profiles.find()
    }
    states: Counter[str] = Counter()
    rates: Counter[int] = Counter()
    for row in call.store.overview.devices(tenant_id):
        if row["dr"] is not None:
            rates[row["dr"]] += 1
        if row["last_seen_at"] is None:
            states["never_seen_count"] += 1
            continue
        silent_s = int(call.now) - int(row["last_seen_at"])
        late = silent_s > PATIENCE * intervals[row["device_profile_id"]]
        states["inactive_count" if late else "active_count"] += 1
    return api.GetDevicesSummaryResponse(**states, dr_count=rates)


def gateways_summary(call: Call, request: Any) -> Any:
    """Return how many gateways are online, offline and never seen."""
    tenant_id = _tenant_id(call, request)
    names = {
        api.GatewayState.ONLINE: "online_count",
        api.GatewayState.OFFLINE: "offline_count",
        api.GatewayState.NEVER_SEEN: "never_seen_count",
    }
    counts = Counter(
        names[gateways.state(record, call.now)]
        for record in call.store.gateways.find(tenant_id=tenant_id)
    )
    return api.GetGatewaysSummaryResponse(**counts)


def device_profiles(call: Call, request: Any) -> Any:
    """Return the profiles that an application's devices have."""
    record = applications.find(call, request.application_id, write=False)
    rows = call.store.overview.profiles_in_use(record.message.id)
    return api.ListApplicationDeviceProfilesResponse(
        result=[
            api.ApplicationDeviceProfileListItem(id=row["id"], name=row["name"])
            for row in rows
        ]
    )


def device_tags(call: Call, request: Any) -> Any:
    """Return the tags that an application's devices have, with all their values."""
    record = applications.find(call, request.application_id, write=False)
    rows = call.store.overview.device_tags(record.message.id)
    return api.ListApplicationDeviceTagsResponse(
        result=[
            api.ApplicationDeviceTagListItem(
                key=key, values=[row["value"] for row in group]
            )
            for key, group in groupby(rows, lambda row: row["key"])
        ]
    )


def integrations(call: Call, request: Any) -> Any:
    """Return the one integration there is, if it is enabled."""
    applications.find(call, request.application_id, write=False)
    enabled = call.services.configuration.integration.enabled
    kinds = [api.IntegrationKind.MQTT_GLOBAL] if enabled else []
    return api.ListIntegrationsResponse(
        total_count=len(kinds),
        result=[api.IntegrationListItem(kind=kind) for kind in kinds],
    )


def search(call: Call, request: Any) -> Any:
    """Return what has the text in its name or id."""
    call.require_user()
    call.require_admin(write=False)
    tenants = {
        record.message.id: record.message.name for record in call.store.tenants.find()
    }
    rows = call.store.overview.search(
        request.search, int(request.limit), int(request.offset)
    )
    return api.GlobalSearchResponse(result=[_result(row, tenants) for row in rows])


def _result(row: Any, tenants: dict[str, str]) -> api.GlobalSearchResult:
    kind = row["kind"]
    return api.GlobalSearchResult(
        kind=kind,
        tenant_id=row["tenant_id"],
        tenant_name=tenants.get(row["tenant_id"], ""),
        application_id=row["application_id"],
        application_name=row["application"],
        device_dev_eui=row["id"] if kind == "device" else "",
        device_name=row["name"] if kind == "device" else "",
        gateway_id=row["id"] if kind == "gateway" else "",
        gateway_name=row["name"] if kind == "gateway" else "",
    )


def _tenant_id(call: Call, request: Any) -> str:
    if not request.tenant_id:
        call.require_admin(write=False)
        return ""
    tenant_id = parse_uuid(request.tenant_id)
    call.require(tenant_id, write=False)
    return tenant_id
