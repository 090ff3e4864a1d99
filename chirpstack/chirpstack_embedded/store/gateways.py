"""Registered gateways, cached for the hot path."""

from collections.abc import Callable, Mapping

from chirpstack_api import api, common

from chirpstack_embedded.model import Gateway
from chirpstack_embedded.store.database import Database
from chirpstack_embedded.store.records import Records

DEFAULT_DOWNLINK_PRIORITY = 10


class Gateways(Records[api.Gateway]):
    """The table ``gateway``."""

    def __init__(self, database: Database, on_change: Callable[[], None]) -> None:
        super().__init__(
            database, "gateway", api.Gateway, key="gateway_id", on_change=on_change
        )
        self._cache: dict[str, Gateway | None] = {}

    def view(self, gateway_id: str) -> Gateway | None:
        """What the core needs to know about a gateway, or None if unknown."""
        if gateway_id not in self._cache:
            self._cache[gateway_id] = self._view(gateway_id)
        return self._cache[gateway_id]

    def forget_all(self) -> None:
        """Drop the cache."""
        self._cache.clear()

    def create(self, message: api.Gateway, now: float) -> None:
        """Insert a gateway."""
        super().create(message, now)
        self._cache.pop(message.gateway_id, None)

    def note_stats(
        self,
        gateway_id: str,
        metadata: Mapping[str, str],
        location: common.Location,
        now: float,
    ) -> bool:
        """
        Write what stats changed: last seen, metadata (replaced), location.

        A location of zeros is no location.  False for an unknown gateway.
        """
        record = self.get(gateway_id)
        if record is None:
            return False
        gateway = record.message
        gateway.metadata.clear()
        gateway.metadata.update(metadata)
        if location.latitude or location.longitude or location.altitude:
            gateway.location.CopyFrom(location)
        self._database.execute(
            "update gateway set last_seen_at = ?, message = ? where gateway_id = ?",
            (now, gateway.SerializeToString(deterministic=True), gateway_id),
        )
        self._cache.pop(gateway_id, None)
        return True

    def _view(self, gateway_id: str) -> Gateway | None:
        row = self._database.one(
            "select g.message as gateway, t.message as tenant from gateway g"
            " join tenant t on t.id = g.tenant_id where g.gateway_id = ?",
            gateway_id,
        )
        if row is None:
            return None
        gateway = api.Gateway.FromString(row["gateway"])
        tenant = api.Tenant.FromString(row["tenant"])
        return Gateway(
            gateway_id=gateway_id,
            tenant_id=gateway.tenant_id,
            location=gateway.location,
            downlink_priority=gateway.downlink_priority,
            private_up=tenant.private_gateways_up,
            private_down=tenant.private_gateways_down,
            region_config_id=gateway.metadata.get("region_config_id", ""),
            place=gateway.location.SerializeToString(deterministic=True),
        )
