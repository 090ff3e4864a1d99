"""How a device and what waits for it lie in their rows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from sqlite3 import Row
from types import MappingProxyType

from chirpstack_embedded.model import Device, DeviceStatus, QueueItem
from chirpstack_embedded.store.session_json import dump_session

SELECT = """
select d.*, a.message as application, t.message as tenant, p.message as profile
from device d
join application a on a.id = d.application_id
join tenant t on t.id = a.tenant_id
join device_profile p on p.id = d.device_profile_id
"""


WRITE = """
update device set join_eui = ?, dev_addr = ?, f_cnt_up = ?, enabled_class = ?, dr = ?,
last_seen_at = ?, scheduler_run_after = ?, margin = ?, external_power_source = ?,
battery_level = ?, session = ? where dev_eui = ?
"""


_NO_TEXTS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSettings:
    """What an API client decides about a device."""

    dev_eui: str
    name: str
    description: str
    application_id: str
    device_profile_id: str
    join_eui: str
    skip_fcnt_check: bool
    is_disabled: bool
    tags: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


def load_texts(text: str) -> Mapping[str, str]:
    """Read tags or variables."""
    return json.loads(text) if text != "{}" else _NO_TEXTS


def settings_row(settings: DeviceSettings) -> tuple[object, ...]:
    """What a client decides, in the order of the columns."""
    return (
        settings.dev_eui,
        settings.application_id,
        settings.device_profile_id,
        settings.name,
        settings.description,
        settings.join_eui,
        settings.skip_fcnt_check,
        settings.is_disabled,
        json.dumps(dict(settings.tags)),
        json.dumps(dict(settings.variables)),
    )


def state_row(device: Device) -> tuple[object, ...]:
    """What changes with every frame, in the order of ``WRITE``."""
    status = device.status
    return (
        device.join_eui,
        device.dev_addr,
        device.f_cnt_up,
        device.enabled_class,
        device.dr,
        device.last_seen_at,
        device.scheduler_run_after,
        status.margin_db if status else None,
        status.external_power_source if status else False,
        status.battery_percent if status else None,
        dump_session(device.session) if device.session else None,
        device.dev_eui,
    )


def load_status(row: Row) -> DeviceStatus | None:
    """Read what the last DevStatusAns said."""
    if row["margin"] is None:
        return None
    return DeviceStatus(
        margin_db=row["margin"],
        external_power_source=bool(row["external_power_source"]),
        battery_percent=row["battery_level"],
    )


def load_item(row: Row) -> QueueItem:
    """Read an item of a queue."""
    return QueueItem(
        id=row["id"],
        dev_eui=row["dev_eui"],
        created_at=row["created_at"],
        f_port=row["f_port"],
        data=row["data"],
        confirmed=bool(row["confirmed"]),
        is_pending=bool(row["is_pending"]),
        is_encrypted=bool(row["is_encrypted"]),
        f_cnt_down=row["f_cnt_down"],
        timeout_after=row["timeout_after"],
        expires_at=row["expires_at"],
    )
