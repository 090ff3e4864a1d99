"""The gateways of a tenant."""

from chirpstack_api import api

from city.network import messages
from city.network.calls import Calls
from city.objects import Gateway, ListedGateway


class Gateways(Calls):
    """Calls of GatewayService."""

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
