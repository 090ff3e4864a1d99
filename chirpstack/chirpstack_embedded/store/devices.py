"""
Devices, their sessions and their queues: SQLite with a cache in front.

The cache is what makes an uplink cheap.  It never runs ahead of the disk:
whatever ``save`` marks is written before the running transaction commits, and
a transaction that fails empties the cache.
"""

from sqlite3 import Row
from sys import intern
from typing import Any

from chirpstack_api import api

from chirpstack_embedded.model import Device, QueueItem
from chirpstack_embedded.store.database import Database
from chirpstack_embedded.store.device_rows import (
    SELECT,
    WRITE,
    DeviceSettings,
    load_item,
    load_status,
    load_texts,
    settings_row,
    state_row,
)
from chirpstack_embedded.store.session_json import load_session


class Devices:
    """The tables ``device`` and ``device_queue_item``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cache: dict[str, Device] = {}
        self._dirty: dict[str, Device] = {}
        self._by_dev_addr: dict[str, tuple[str, ...]] = {}
        self._messages: dict[bytes, Any] = {}
        self._dev_addr_of: dict[str, str] = {}
        self._queued: set[str] = set()
        self.forget_all()

    # -- what the core asks

    def get(self, dev_eui: str) -> Device | None:
        """The device, or None."""
        device = self._cache.get(dev_eui)
        if device is None:
            row = self._database.one(f"{SELECT} where d.dev_eui = ?", dev_eui)
            if row is None:
                return None
            device = self._load(row)
            self._cache[device.dev_eui] = device
        return device

    def with_dev_addr(self, dev_addr: str) -> list[Device]:
        """The devices that use ``dev_addr`` and are not disabled."""
        found = [self.get(eui) for eui in self._by_dev_addr.get(dev_addr, ())]
        return [device for device in found if device and not device.is_disabled]

    def with_queue(self) -> list[Device]:
        """The devices that have something in their queue, by DevEUI."""
        found = (self.get(dev_eui) for dev_eui in sorted(self._queued))
        return [device for device in found if device and device.queue]

    def save(self, device: Device) -> None:
        """Have the device's state written with the running transaction."""
        self._dirty[device.dev_eui] = device
        if self._dev_addr_of.get(device.dev_eui) != device.dev_addr:
            self._index(device.dev_eui, device.dev_addr)

    def enqueue(self, device: Device, item: QueueItem) -> None:
        """Append to the queue; an id that exists is ``NotStored``."""
        self._database.execute(
            "insert into device_queue_item (id, dev_eui, created_at, f_port, confirmed,"
            " data, is_pending, is_encrypted, f_cnt_down, timeout_after, expires_at)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                item.id,
                item.dev_eui,
                item.created_at,
                item.f_port,
                item.confirmed,
                item.data,
                item.is_pending,
                item.is_encrypted,
                item.f_cnt_down,
                item.timeout_after,
                item.expires_at,
            ),
        )
        device.queue.append(item)
        self._queued.add(device.dev_eui)

    def update_item(self, item: QueueItem) -> None:
        """Write the item's progress."""
        self._database.execute(
            "update device_queue_item set is_pending = ?, f_cnt_down = ?,"
            " timeout_after = ? where id = ?",
            (item.is_pending, item.f_cnt_down, item.timeout_after, item.id),
        )

    def delete_item(self, device: Device, item: QueueItem) -> None:
        """Remove one item."""
        self._database.execute("delete from device_queue_item where id = ?", (item.id,))
        device.queue.remove(item)
        self._note_queue(device)

    def flush_queue(self, device: Device, *, keep_pending: bool = False) -> None:
        """Empty the queue, silently as ChirpStack does."""
        for item in list(device.queue):
            if not (keep_pending and item.is_pending):
                self.delete_item(device, item)

    # -- what the API asks

    def create(self, settings: DeviceSettings, now: float) -> None:
        """Insert a device that has never been heard."""
        self._database.execute(
            "insert into device (dev_eui, application_id, device_profile_id, name,"
            " description, join_eui, skip_fcnt_check, is_disabled, tags, variables,"
            " created_at, updated_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*settings_row(settings), now, now),
        )

    def update(self, settings: DeviceSettings, now: float) -> bool:
        """Change what a client decides; returns False for an unknown DevEUI."""
        values = settings_row(settings)[1:]
        self.forget(settings.dev_eui)  # what it had to write does not win
        cursor = self._database.execute(
            "update device set application_id = ?, device_profile_id = ?, name = ?,"
            " description = ?, join_eui = ?, skip_fcnt_check = ?, is_disabled = ?,"
            " tags = ?, variables = ?, updated_at = ? where dev_eui = ?",
            (*values, now, settings.dev_eui),
        )
        return cursor.rowcount == 1

    def delete(self, dev_eui: str) -> bool:
        """Remove the device, its keys and its queue."""
        cursor = self._database.execute(
            "delete from device where dev_eui = ?", (dev_eui,)
        )
        self.forget(dev_eui)
        self._index(dev_eui, None)
        self._queued.discard(dev_eui)
        return cursor.rowcount == 1

    def of_application(self, application_id: str) -> list[Device]:
        """The devices of an application."""
        rows = self._database.all(
            "select dev_eui from device where application_id = ?", application_id
        )
        found = (self.get(row["dev_eui"]) for row in rows)
        return [device for device in found if device]

    def count_of_tenant(self, tenant_id: str) -> int:
        """How many devices a tenant has."""
        return self._database.count(
            "select count(*) from device d join application a"
            " on a.id = d.application_id where a.tenant_id = ?",
            tenant_id,
        )

    # -- the cache

    def write_dirty(self) -> None:
        """Write every saved device; the store calls it before a commit."""
        if self._dirty:
            rows = [state_row(device) for device in self._dirty.values()]
            self._database.executemany(WRITE, rows)
            self._dirty.clear()

    def forget(self, dev_eui: str) -> None:
        """Drop one device from the cache."""
        if dev_eui in self._dirty:
            self.write_dirty()
        self._cache.pop(dev_eui, None)

    def forget_unsaved(self) -> None:
        """Keep only devices that were saved; the others are read again."""
        self._cache = dict(self._dirty)

    def forget_all(self) -> None:
        """Drop everything remembered and read the indexes again."""
        self._cache.clear()
        self._messages.clear()
        self._dirty.clear()
        self._by_dev_addr.clear()
        self._dev_addr_of.clear()
        for row in self._database.all(
            "select dev_eui, dev_addr from device where dev_addr is not null"
        ):
            self._index(row["dev_eui"], row["dev_addr"])
        rows = self._database.all("select distinct dev_eui from device_queue_item")
        self._queued = {row["dev_eui"] for row in rows}

    def _index(self, dev_eui: str, dev_addr: str | None) -> None:
        old = self._dev_addr_of.pop(dev_eui, None)
        if old is not None:
            left = tuple(eui for eui in self._by_dev_addr.pop(old) if eui != dev_eui)
            if left:
                self._by_dev_addr[old] = left
        if dev_addr is not None:
            self._dev_addr_of[dev_eui] = dev_addr
            others = self._by_dev_addr.get(dev_addr, ())
            self._by_dev_addr[dev_addr] = tuple(sorted((*others, dev_eui)))

    def _note_queue(self, device: Device) -> None:
        if not device.queue:
            self._queued.discard(device.dev_eui)

    def _load(self, row: Row) -> Device:
        return Device(
            dev_eui=row["dev_eui"],
            name=row["name"],
            description=row["description"],
            join_eui=intern(row["join_eui"]),
            skip_fcnt_check=bool(row["skip_fcnt_check"]),
            is_disabled=bool(row["is_disabled"]),
            tags=load_texts(row["tags"]),
            variables=load_texts(row["variables"]),
            created_at=row["created_at"],
            updated_at=row["updated_at"],
            tenant=self._shared(api.Tenant, row["tenant"]),
            application=self._shared(api.Application, row["application"]),
            profile=self._shared(api.DeviceProfile, row["profile"]),
            dev_addr=row["dev_addr"],
            f_cnt_up=row["f_cnt_up"],
            session=load_session(row["session"]) if row["session"] else None,
            enabled_class=row["enabled_class"],
            dr=row["dr"],
            last_seen_at=row["last_seen_at"],
            scheduler_run_after=row["scheduler_run_after"],
            status=load_status(row),
            queue=self._load_queue(row["dev_eui"]),
        )

    def _shared(self, kind: Any, serialised: bytes) -> Any:
        """Return a message that all devices hold together; do not change it."""
        message = self._messages.get(serialised)
        if not isinstance(message, kind):
            message = self._messages[serialised] = kind.FromString(serialised)
        return message

    def _load_queue(self, dev_eui: str) -> list[QueueItem]:
        rows = self._database.all(
            "select * from device_queue_item where dev_eui = ? order by position",
            dev_eui,
        )
        return [load_item(row) for row in rows]
