"""Tenants, applications, device-profiles and gateways: rows that hold a message."""

from collections.abc import Callable
from dataclasses import dataclass
from sqlite3 import Row
from typing import Any, Generic, TypeVar

from chirpstack_api import api

from chirpstack_embedded.store.database import Database

Message = TypeVar("Message")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(Generic[Message]):
    """A stored message with its instants."""

    message: Message
    created_at: float
    updated_at: float
    last_seen_at: float | None = None


class Records(Generic[Message]):
    """One table; ``key`` is the field that identifies a message."""

    def __init__(
        self,
        database: Database,
        table: str,
        kind: type[Message],
        *,
        key: str = "id",
        on_change: Callable[[], None],
    ) -> None:
        self._database = database
        self._table = table
        self._kind = kind
        self._key = key
        self._on_change = on_change
        self._has_tenant = table != "tenant"

    def get(self, identifier: str) -> Record[Message] | None:
        """The record, or None."""
        row = self._database.one(
            f"select * from {self._table} where {self._key} = ?",  # noqa: S608 - table and key are literals of this package
            identifier,
        )
        return self._load(row) if row else None

    def create(self, message: Any, now: float) -> None:
        """Insert a message; an id that exists is ``NotStored``."""
        columns = self._columns(message) | {"created_at": now, "updated_at": now}
        names, marks = ", ".join(columns), ", ".join("?" for _ in columns)
        self._database.execute(
            f"insert into {self._table} ({names}) values ({marks})",  # noqa: S608 - names are literals of this package
            columns.values(),
        )

    def update(self, message: Any, now: float) -> bool:
        """Replace a message; False if there is none with its id."""
        columns = self._columns(message) | {"updated_at": now}
        assignments = ", ".join(f"{name} = ?" for name in columns)
        cursor = self._database.execute(
            f"update {self._table} set {assignments} where {self._key} = ?",  # noqa: S608 - names are literals of this package
            (*columns.values(), getattr(message, self._key)),
        )
        self._on_change()
        return cursor.rowcount == 1

    def delete(self, identifier: str) -> bool:
        """Remove a record and what belongs to it."""
        cursor = self._database.execute(
            f"delete from {self._table} where {self._key} = ?",  # noqa: S608 - table and key are literals of this package
            (identifier,),
        )
        self._on_change()
        return cursor.rowcount == 1

    def find(self, *, tenant_id: str = "", search: str = "") -> list[Record[Message]]:
        """The records of a tenant (all if empty) whose name holds ``search``."""
        where, parameters = ["1 = 1"], []
        if tenant_id and self._has_tenant:
            where.append("tenant_id = ?")
            parameters.append(tenant_id)
        if search:
            where.append("name like ?")
            parameters.append(f"%{search}%")
        rows = self._database.all(
            f"select * from {self._table} where {' and '.join(where)} order by name",  # noqa: S608 - names are literals, values are bound
            *parameters,
        )
        return [self._load(row) for row in rows]

    def _columns(self, message: Any) -> dict[str, Any]:
        columns = {
            self._key: getattr(message, self._key),
            "name": message.name,
            "message": message.SerializeToString(deterministic=True),
        }
        if self._has_tenant:
            columns["tenant_id"] = message.tenant_id or None
        return columns

    def _load(self, row: Row) -> Record[Message]:
        kind: Any = self._kind
        return Record(
            message=kind.FromString(row["message"]),
            created_at=row["created_at"],
            updated_at=row["updated_at"],
            last_seen_at=(
                row["last_seen_at"] if "last_seen_at" in row.keys() else None  # noqa: SIM118 - a Row iterates over values
            ),
        )


def tenants(database: Database, on_change: Callable[[], None]) -> Records[api.Tenant]:
    """The table ``tenant``."""
    return Records(database, "tenant", api.Tenant, on_change=on_change)


def applications(
    database: Database, on_change: Callable[[], None]
) -> Records[api.Application]:
    """The table ``application``."""
    return Records(database, "application", api.Application, on_change=on_change)


def device_profiles(
    database: Database, on_change: Callable[[], None]
) -> Records[api.DeviceProfile]:
    """The table ``device_profile``."""
    return Records(database, "device_profile", api.DeviceProfile, on_change=on_change)
