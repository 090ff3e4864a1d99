"""What a method of the API works with: the store, the time, and who is calling."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from chirpstack_embedded.config import Configuration
from chirpstack_embedded.core.payloads import Payloads
from chirpstack_embedded.grpc_api.refusal import not_found, unauthenticated
from chirpstack_embedded.grpc_api.tokens import Claim
from chirpstack_embedded.model import Device
from chirpstack_embedded.store import Store
from chirpstack_embedded.streams import Streams


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything the API needs of the rest of the server."""

    configuration: Configuration
    store: Store
    payloads: Payloads
    streams: Streams
    clock: Callable[[], float]
    rng: random.Random
    changed: Callable[[], None] = lambda: None
    """Called after a call that may have given the scheduler work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A user or an API key, and what it may do."""

    is_user: bool
    is_admin: bool
    is_read_only: bool
    tenant_id: str | None = None
    user_id: str = ""

    def may_read(self, tenant_id: str | None) -> bool:
        """Whether this caller sees the tenant; None is what belongs to everybody."""
        return self.is_admin or tenant_id is None or tenant_id == self.tenant_id

    def may_write(self, tenant_id: str | None) -> bool:
        """Whether this caller changes what belongs to the tenant."""
        if self.is_read_only:
            return False
        return self.is_admin or (tenant_id is not None and tenant_id == self.tenant_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call, inside one transaction of the store."""

    services: Services
    caller: Caller
    now: float

    @property
    def store(self) -> Store:
        """The store; the transaction is open."""
        return self.services.store

    def require_user(self) -> None:
        """Refuse API keys: some methods are for people."""
        if not self.caller.is_user:
            raise unauthenticated()

    def require_admin(self, *, write: bool) -> None:
        """Refuse everybody but administrators."""
        if not self.caller.is_admin or (write and self.caller.is_read_only):
            raise unauthenticated()

    def require(self, tenant_id: str | None, *, write: bool) -> None:
        """Refuse callers without rights on the tenant."""
        allowed = self.caller.may_write if write else self.caller.may_read
        if not allowed(tenant_id):
            raise unauthenticated()

    def device(self, dev_eui: str, *, write: bool) -> Device:
        """The device; unknown is NOT_FOUND for admins, UNAUTHENTICATED for others."""
        device = self.device_or_nobody(dev_eui, write=write)
        if device is None:
            raise not_found(dev_eui)
        return device

    def device_or_nobody(self, dev_eui: str, *, write: bool) -> Device | None:
        """The device; None where the real server lets administrators go on."""
        device = self.store.devices.get(dev_eui)
        if device is None:
            self.require_admin(write=write)
            return None
        self.require(device.tenant.id, write=write)
        return device


def identify(services: Services, claim: Claim) -> Caller:
    """Return the caller a token speaks for, if it still exists."""
    if claim.kind == "user":
        user = services.store.access.user(claim.id)
        if user is None or not user.is_active:
            raise unauthenticated()
        return Caller(
            is_user=True, is_admin=user.is_admin, is_read_only=False, user_id=user.id
        )
    key = services.store.access.key(claim.id)
    if key is None:
        raise unauthenticated()
    return Caller(
        is_user=False,
        is_admin=key.is_admin,
        is_read_only=key.is_read_only,
        tenant_id=key.tenant_id,
    )
