"""Questions over all tables: what the real server's web interface asks."""

from sqlite3 import Row

from chirpstack_embedded.store.database import Database

_SEARCH = """
select 'device' as kind, a.tenant_id, a.id as application_id, a.name as application,
    d.dev_eui as id, d.name as name
from device d join application a on a.id = d.application_id
where d.name like :like or d.dev_eui like :like or d.dev_addr like :like
union all
select 'gateway', tenant_id, null, null, gateway_id, name from gateway
where name like :like or gateway_id like :like
union all
select 'tenant', id, null, null, null, name from tenant where name like :like
union all
select 'application', tenant_id, id, name, null, name from application
where name like :like
limit :limit offset :offset
"""


class Overview:
    """Counts and lists over devices, gateways, applications and tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def devices(self, tenant_id: str) -> list[Row]:
        """Return profile id, last_seen_at and dr of every device (of a tenant)."""
        return self._database.all(
            "select d.device_profile_id, d.last_seen_at, d.dr from device d"
            " join application a on a.id = d.application_id"
            " where ? in ('', a.tenant_id)",
            tenant_id,
        )

    def profiles_in_use(self, application_id: str) -> list[Row]:
        """Return id and name of the profiles an application's devices have."""
        return self._database.all(
            "select distinct p.id, p.name from device d"
            " join device_profile p on p.id = d.device_profile_id"
            " where d.application_id = ? order by p.name",
            application_id,
        )

    def device_tags(self, application_id: str) -> list[Row]:
        """Return the tags of an application's devices: key and value, each once."""
        return self._database.all(
            "select distinct t.key, t.value from device d, json_each(d.tags) t"
            " where d.application_id = ? order by t.key, t.value",
            application_id,
        )

    def search(self, text: str, limit: int, offset: int) -> list[Row]:
        """Return what has the text in its name or id."""
        return self._database.connection.execute(
            _SEARCH, {"like": f"%{text}%", "limit": limit, "offset": offset}
        ).fetchall()
