"""TenantService."""

from chirpstack_api import api
from tests.chirpstack_embedded.grpc_api.site import EUI, Code, Site, refused


def test_tenants_have_quotas(site: Site) -> None:
    poor = site.tenant(max_device_count=1)
    site.device(poor)
    second = api.Device(
        dev_eui="01" * 8,
        application_id=site.application(poor),
        device_profile_id=site.profile(poor),
    )
    gateway = api.Gateway(gateway_id=EUI, name="g", tenant_id=poor)

    assert (
        Code.INVALID_ARGUMENT,
        "Not allowed (Max number of devices exceeded for tenant)",
    ) == refused(site.admin.Device.Create, api.CreateDeviceRequest(device=second))
    assert (
        Code.INVALID_ARGUMENT,
        "Not allowed (Tenant can not have gateways)",
    ) == refused(site.admin.Gateway.Create, api.CreateGatewayRequest(gateway=gateway))


def test_a_deleted_tenant_takes_everything_along(site: Site) -> None:
    tenant_id = site.tenant()
    site.device(tenant_id)

    site.admin.Tenant.Delete(api.DeleteTenantRequest(id=tenant_id))

    code, _ = refused(site.admin.Device.Get, api.GetDeviceRequest(dev_eui=EUI))
    assert Code.NOT_FOUND == code


def test_a_prefix_that_is_none_is_refused(site: Site) -> None:
    request = api.CreateTenantRequest(
        tenant=api.Tenant(name="t", dev_addr_prefixes=["01000000/99"])
    )

    assert (
        Code.INVALID_ARGUMENT,
        (
            "Invalid DevAddr prefix: 01000000/99, error: DevAddrPrefix must be in the"
            " form 00000000/0"
        ),
    ) == refused(site.admin.Tenant.Create, request)
