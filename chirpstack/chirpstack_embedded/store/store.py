"""The store: all tables behind one lock and one kind of transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chirpstack_api import api

from chirpstack_embedded.store.access import Access
from chirpstack_embedded.store.database import Database
from chirpstack_embedded.store.devices import Devices
from chirpstack_embedded.store.gateways import Gateways
from chirpstack_embedded.store.keys import DeviceKeys
from chirpstack_embedded.store.multicast import MulticastGroups
from chirpstack_embedded.store.outbox import Outbox
from chirpstack_embedded.store.overview import Overview
from chirpstack_embedded.store.records import (
    applications,
    device_profiles,
    tenants,
)
from chirpstack_embedded.store.schema import ADMIN_USER_ID, DEFAULT_TENANT_ID
from chirpstack_embedded.store.series import Series


class Store:
    """
    The server's memory.

    Everything happens inside ``with store.transaction():``, which holds the
    lock, writes what ``devices.save`` marked and commits; an exception rolls
    back and empties the caches.
    """

    def __init__(self, path: str | Path, now: float) -> None:
        self.database = Database(path)
        self.lock = self.database.lock
        self.access = Access(self.database)
        self.devices = Devices(self.database)
        self.keys = DeviceKeys(self.database)
        self.outbox = Outbox(self.database)
        self.series = Series(self.database)
        self.overview = Overview(self.database)
        self.gateways = Gateways(self.database, self._changed)
        self.multicast = MulticastGroups(self.database)
        self.tenants = tenants(self.database, self._changed)
        self.applications = applications(self.database, self._changed)
        self.device_profiles = device_profiles(self.database, self._changed)
        if self.database.is_new:
            self._first_rows(now)

    def close(self) -> None:
        """Write what waits and release the file."""
        with self.transaction():
            self.series.write_all()
        self.database.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do everything inside or nothing."""
        with self.lock:
            try:
                with self.database.transaction():
                    yield
                    self.devices.write_dirty()
            except BaseException:
                self.devices.forget_all()
                self.gateways.forget_all()
                self.multicast.recount()
                raise

    def keep_house(self, now: float) -> None:
        """Write some of the sums, and let profiles learn what was found in objects."""
        self.series.write_some(now)
        for profile_id, keys in self.series.expected().items():
            record = self.device_profiles.get(profile_id)
            if record is not None:
                for key in keys - set(record.message.measurements):
                    record.message.measurements[key].SetInParent()
                self.device_profiles.update(record.message, now)

    def _changed(self) -> None:
        # A tenant, application, profile or gateway changed: cached devices hold copies.
        self.devices.write_dirty()
        self.devices.forget_all()
        self.gateways.forget_all()

    def _first_rows(self, now: float) -> None:
        # The ids of ChirpStack's SQLite migrations (contract §5.2).
        tenant = api.Tenant(
            id=DEFAULT_TENANT_ID, name="ChirpStack", can_have_gateways=True
        )
        with self.transaction():
            self.tenants.create(tenant, now)
            self.access.add_user(ADMIN_USER_ID, "admin", "admin", now, admin=True)
