"""Multicast groups, their members and gateways, and what waits to be sent to them."""

from collections.abc import Iterable
from dataclasses import dataclass
from sqlite3 import Row

from chirpstack_api import api

from chirpstack_embedded.model import McGroup, McItem
from chirpstack_embedded.store.database import Database

_LISTED = """
select g.*, a.name as application_name from multicast_group g
join application a on a.id = g.application_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredGroup:
    """A group with its instants and the name of its application."""

    message: api.MulticastGroup
    created_at: float
    updated_at: float
    application_name: str


class MulticastGroups:
    """The tables ``multicast_group``, its members, its gateways and its queue."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting = self._count_items()

    # -- what the core asks

    def get(self, group_id: str) -> McGroup | None:
        """The group as the scheduler needs it, or None."""
        stored = self.stored(group_id)
        if stored is None:
            return None
        message = stored.message
        return McGroup(
            id=group_id,
            mc_addr=message.mc_addr,
            mc_nwk_s_key=bytes.fromhex(message.mc_nwk_s_key),
            mc_app_s_key=bytes.fromhex(message.mc_app_s_key),
            f_cnt=message.f_cnt,
            dr=message.dr,
            frequency_hz=message.frequency,
            is_class_b=message.group_type == api.MulticastGroupType.CLASS_B,
            periodicity=message.class_b_ping_slot_periodicity,
            at_gps_time=message.class_c_scheduling_type
            == api.MulticastGroupSchedulingType.GPS_TIME,
        )

    def due(self, now: float, limit: int, locked_until: float) -> list[McItem]:
        """The oldest items whose time has come; they are locked for a while."""
        if not self._waiting:
            return []
        rows = self._database.all(
            "select * from multicast_group_queue_item where scheduler_run_after <= ?"
            " order by position limit ?",
            now,
            limit,
        )
        self._database.executemany(
            "update multicast_group_queue_item set scheduler_run_after = ?"
            " where id = ?",
            [(locked_until, row["id"]) for row in rows],
        )
        return [_item(row) for row in rows]

    def delete_item(self, item_id: str) -> bool:
        """Remove one item; False if it is gone already."""
        cursor = self._database.execute(
            "delete from multicast_group_queue_item where id = ?", (item_id,)
        )
        self._waiting = self._count_items()
        return cursor.rowcount == 1

    # -- groups

    def stored(self, group_id: str) -> StoredGroup | None:
        """The group as the API shows it, or None."""
        row = self._database.one(f"{_LISTED} where g.id = ?", group_id)
        return _stored(row) if row else None

    def create(self, message: api.MulticastGroup, now: float) -> None:
        """Insert a group."""
        self._database.execute(
            "insert into multicast_group values (?, ?, ?, ?, ?, ?, ?)",
            (
                message.id,
                message.application_id,
                now,
                now,
                message.name,
                message.f_cnt,
                message.SerializeToString(deterministic=True),
            ),
        )

    def update(self, message: api.MulticastGroup, now: float) -> None:
        """Replace a group."""
        self._database.execute(
            "update multicast_group set updated_at = ?, name = ?, f_cnt = ?,"
            " message = ? where id = ?",
            (
                now,
                message.name,
                message.f_cnt,
                message.SerializeToString(deterministic=True),
                message.id,
            ),
        )

    def delete(self, group_id: str) -> None:
        """Remove a group with its memberships and its queue."""
        self._database.execute("delete from multicast_group where id = ?", (group_id,))
        self._waiting = self._count_items()

    def find(
        self,
        *,
        tenant_id: str = "",
        application_id: str = "",
        dev_eui: str = "",
        search: str = "",
    ) -> list[StoredGroup]:
        """The groups with all that is asked for, by name."""
        where, parameters = ["1 = 1"], []
        for column, value in (
            ("a.tenant_id", tenant_id),
            ("g.application_id", application_id),
        ):
            if value:
                where.append(f"{column} = ?")
                parameters.append(value)
        if dev_eui:
            where.append(
                "g.id in (select multicast_group_id from multicast_group_device"
                " where dev_eui = ?)"
            )
            parameters.append(dev_eui)
        if search:
            where.append("g.name like ?")
            parameters.append(f"%{search}%")
        rows = self._database.all(
            f"{_LISTED} where {' and '.join(where)} order by g.name", *parameters
        )
        return [_stored(row) for row in rows]

    # -- members and gateways

    def add_device(self, group_id: str, dev_eui: str, now: float) -> None:
        """Make a device a member; twice is ``NotStored``."""
        self._database.execute(
            "insert into multicast_group_device values (?, ?, ?)",
            (group_id, dev_eui, now),
        )

    def remove_device(self, group_id: str, dev_eui: str) -> bool:
        """Take a member out; False if it was none."""
        cursor = self._database.execute(
            "delete from multicast_group_device"
            " where multicast_group_id = ? and dev_eui = ?",
            (group_id, dev_eui),
        )
        return cursor.rowcount == 1

    def add_gateway(self, group_id: str, gateway_id: str, now: float) -> None:
        """Have a gateway send for the group; twice is ``NotStored``."""
        self._database.execute(
            "insert into multicast_group_gateway values (?, ?, ?)",
            (group_id, gateway_id, now),
        )

    def remove_gateway(self, group_id: str, gateway_id: str) -> bool:
        """Take a gateway out; False if it was not in."""
        cursor = self._database.execute(
            "delete from multicast_group_gateway"
            " where multicast_group_id = ? and gateway_id = ?",
            (group_id, gateway_id),
        )
        return cursor.rowcount == 1

    def dev_euis(self, group_id: str) -> list[str]:
        """The members."""
        rows = self._database.all(
            "select dev_eui from multicast_group_device"
            " where multicast_group_id = ? order by dev_eui",
            group_id,
        )
        return [row["dev_eui"] for row in rows]

    def gateway_ids(self, group_id: str) -> list[str]:
        """The gateways that were put in, in the order of their ids."""
        rows = self._database.all(
            "select gateway_id from multicast_group_gateway"
            " where multicast_group_id = ? order by gateway_id",
            group_id,
        )
        return [row["gateway_id"] for row in rows]

    # -- the queue

    def enqueue(self, items: Iterable[McItem], group_id: str, f_cnt: int) -> None:
        """Append the items of one frame, and have the next one counted ``f_cnt``."""
        self._database.executemany(
            "insert into multicast_group_queue_item (id, multicast_group_id,"
            " gateway_id, created_at, scheduler_run_after, f_cnt, f_port, data,"
            " emit_at_gps_ms, expires_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [_row(item) for item in items],
        )
        stored = self.stored(group_id)
        if stored is not None:
            stored.message.f_cnt = f_cnt
            self._database.execute(
                "update multicast_group set f_cnt = ?, message = ? where id = ?",
                (f_cnt, stored.message.SerializeToString(deterministic=True), group_id),
            )
        self._waiting = self._count_items()

    def queue(self, group_id: str) -> list[McItem]:
        """Everything that waits for a group, one item per gateway, oldest first."""
        rows = self._database.all(
            "select * from multicast_group_queue_item"
            " where multicast_group_id = ? order by position",
            group_id,
        )
        return [_item(row) for row in rows]

    def flush(self, group_id: str) -> None:
        """Empty a group's queue."""
        self._database.execute(
            "delete from multicast_group_queue_item where multicast_group_id = ?",
            (group_id,),
        )
        self._waiting = self._count_items()

    def recount(self) -> None:
        """Look again whether anything waits, after a transaction that failed."""
        self._waiting = self._count_items()

    def _count_items(self) -> int:
        return self._database.count("select count(*) from multicast_group_queue_item")


def _stored(row: Row) -> StoredGroup:
    return StoredGroup(
        message=api.MulticastGroup.FromString(row["message"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        application_name=row["application_name"],
    )


def _row(item: McItem) -> tuple[object, ...]:
    return (
        item.id,
        item.group_id,
        item.gateway_id,
        item.created_at,
        item.run_after,
        item.f_cnt,
        item.f_port,
        item.data,
        item.emit_at_gps_ms,
        item.expires_at,
    )


def _item(row: Row) -> McItem:
    return McItem(
        id=row["id"],
        group_id=row["multicast_group_id"],
        gateway_id=row["gateway_id"],
        created_at=row["created_at"],
        run_after=row["scheduler_run_after"],
        f_cnt=row["f_cnt"],
        f_port=row["f_port"],
        data=row["data"],
        emit_at_gps_ms=row["emit_at_gps_ms"],
        expires_at=row["expires_at"],
    )
