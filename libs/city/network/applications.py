"""The applications of a tenant."""

from collections.abc import Mapping

from chirpstack_api import api

from city.network import messages
from city.network.calls import Calls
from city.objects import Named


class Applications(Calls):
    """Calls of ApplicationService."""

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
