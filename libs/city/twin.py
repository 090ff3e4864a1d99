"""
What a device last reported, as the workers keep it in `{pNN}:twin:<dev_eui>`.

Only read here: a worker's commit alone writes a twin.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from redis import Redis

from city import keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The last decoded document of one kind of message; ``at`` is Unix seconds."""

    at: float
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """
    One device as it is known; instants are Unix seconds, None where never.

    ``reported`` has the last document of each kind of message, ``views`` what
    functions show, ``battery_percent`` is None on mains or unknown.
    """

    dev_eui: str
    name: str
    device_type: str
    application_id: str
    tags: Mapping[str, str]
    last_seen_at: float | None
    joined_at: float | None
    f_cnt: int | None
    dr: int | None
    rssi_dbm: float | None
    snr_db: float | None
    margin_db: int | None
    battery_percent: float | None
    reported: Mapping[str, Report]
    views: Mapping[str, Any]


class Twins:
    """The twins of a city."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its answers have no types
        self._partitions = keys.read_partitions(redis)

    def read(self, dev_eui: str) -> Twin | None:
        """Return a device's twin, None if nothing was ever heard of it."""
        partition = keys.partition_of(dev_eui.lower(), self._partitions)
        found = self._redis.hgetall(keys.twin(partition, dev_eui.lower()))
        return parse_twin(dev_eui.lower(), found) if found else None

    def all(self) -> list[Twin]:
        """Return every twin by name; it passes over all keys, so ask seldom."""
        found = []
        for partition in range(self._partitions):
            pattern = keys.twin(partition, "*")
            for name in self._redis.scan_iter(match=pattern, count=500):
                dev_eui = name.decode().rpartition(":")[2]
                found.append(parse_twin(dev_eui, self._redis.hgetall(name)))
        return sorted(found, key=lambda twin: (twin.name, twin.dev_eui))


def parse_twin(dev_eui: str, found: Mapping[bytes, bytes]) -> Twin:
    """Read a twin's hash: every value but the order of the slots is JSON."""
    told = {
        name: orjson.loads(value)
        for name, value in ((k.decode(), v) for k, v in found.items())
        if not name.startswith("order:")
    }
    device, radio = told.get("device", {}), told.get("radio", {})
    status = told.get("status", {})
    return Twin(
        dev_eui=dev_eui,
        name=device.get("name", ""),
        device_type=device.get("device_type", ""),
        application_id=device.get("application_id", ""),
        tags=device.get("tags", {}),
        last_seen_at=radio.get("at"),
        joined_at=told.get("joined", {}).get("at"),
        f_cnt=radio.get("f_cnt"),
        dr=radio.get("dr"),
        rssi_dbm=radio.get("rssi"),
        snr_db=radio.get("snr"),
        margin_db=status.get("margin"),
        battery_percent=status.get("battery"),
        reported={
            message: Report(at=report["at"], document=report["object"])
            for message, report in _under(told, "reported:").items()
        },
        views=_under(told, "view:"),
    )


def _under(told: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {n.removeprefix(prefix): v for n, v in told.items() if n.startswith(prefix)}
