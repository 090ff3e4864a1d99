"""GatewayService."""

import time

from chirpstack_api import api, common
from tests.chirpstack_embedded.grpc_api.site import EUI, Code, Site, refused

from chirpstack_embedded.store.schema import DEFAULT_TENANT_ID


def test_a_gateway_is_online_within_two_intervals_of_its_stats(site: Site) -> None:
    now = time.time()
    seen = {"never": None, "now": now, "long": now - 100}
    for number, instant in enumerate(seen.values()):
        gateway_id = f"{number:016x}"
        site.admin.Gateway.Create(
            api.CreateGatewayRequest(
                gateway=api.Gateway(
                    gateway_id=gateway_id,
                    name=str(number),
                    tenant_id=DEFAULT_TENANT_ID,
                    stats_interval=30,
                )
            )
        )
        if instant is not None:
            with site.store.transaction():
                site.store.gateways.note_stats(
                    gateway_id, {"k": "v"}, common.Location(), instant
                )

    listed = site.admin.Gateway.List(api.ListGatewaysRequest(limit=5))
    assert [
        api.GatewayState.NEVER_SEEN,
        api.GatewayState.ONLINE,
        api.GatewayState.OFFLINE,
    ] == [item.state for item in listed.result]
    assert {"k": "v"} == dict(listed.result[1].properties)


def test_a_gateway_has_priority_10_unless_told_and_never_0(site: Site) -> None:
    gateway = api.Gateway(gateway_id=EUI, name="g", tenant_id=DEFAULT_TENANT_ID)
    site.admin.Gateway.Create(api.CreateGatewayRequest(gateway=gateway))

    got = site.admin.Gateway.Get(api.GetGatewayRequest(gateway_id=EUI))
    assert (10, True) == (
        got.gateway.downlink_priority,
        got.gateway.HasField("location"),
    )
    assert (
        Code.INVALID_ARGUMENT,
        "Validation error: downlink_priority must be > 0",
    ) == refused(site.admin.Gateway.Update, api.UpdateGatewayRequest(gateway=gateway))
