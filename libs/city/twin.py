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
    """Read a twin's hash."""
    text = {name.decode(): value.decode() for name, value in found.items()}
    return Twin(
        dev_eui=dev_eui,
        name=text.get("device_name", ""),
        device_type=text.get("device_type", ""),
        application_id=text.get("application_id", ""),
        tags=orjson.loads(text.get("tags") or "{}"),
        last_seen_at=_float(text.get("last_seen")),
        joined_at=_float(text.get("joined_at")),
        f_cnt=_int(text.get("f_cnt")),
        dr=_int(text.get("dr")),
        rssi_dbm=_float(text.get("rssi")),
        snr_db=_float(text.get("snr")),
        margin_db=_int(text.get("margin")),
        battery_percent=_float(text.get("battery")),
        reported=_reports(text),
        views={n: orjson.loads(v) for n, v in _under(text, "view:").items()},
    )


def _reports(text: Mapping[str, str]) -> dict[str, Report]:
    instants = _under(text, "reported_at:")
    return {
        message: Report(
            at=float(instants.get(message, 0)), document=orjson.loads(document)
        )
        for message, document in _under(text, "reported:").items()
    }


def _under(text: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {n.removeprefix(prefix): v for n, v in text.items() if n.startswith(prefix)}


def _float(text: str | None) -> float | None:
    return float(text) if text else None


def _int(text: str | None) -> int | None:
    return int(text) if text else None
