"""Who may ask ChirpStack: users and API keys."""

from chirpstack_api import api
from google.protobuf.empty_pb2 import Empty

from city.network.calls import Calls


class Users(Calls):
    """Calls of InternalService and UserService."""

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
