"""The tenants of a ChirpStack."""

from chirpstack_api import api

from city.network import messages
from city.network.calls import Calls
from city.objects import Named


class Tenants(Calls):
    """Calls of TenantService."""

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
