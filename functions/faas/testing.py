"""
For tests of handlers: events to give them, and ports to look into afterwards.

No server, no clock, no file::

    def test_movement_after_dark_brightens_that_lamp() -> None:
        seen = uplink({"motion": True, "lux": 3.0, "level": 30})

        street_light_motion(seen, commands=(sent := Sent()))

        assert [("0102030405060708", {"level": 100})] == sent
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from city.settings import default_home
from faas.events import Event, Uplink, parse_event
from faas.ports import EXPIRES_S, Level, read_dev_eui, read_where

DEV_EUI: Final = "0102030405060708"
NOON_NS: Final = 1_789_387_200 * 10**9
"""When an event of this module happens unless it says: 2026-09-14T12:00:00Z."""

__all__ = [
    "DEV_EUI",
    "NOON_NS",
    "FixedClock",
    "Remembered",
    "Sent",
    "Shown",
    "Told",
    "document",
    "event",
    "examples",
    "uplink",
    "uplink_document",
]


class Sent(list[tuple[str, dict[str, Any]]]):
    """The `commands` port: a list of (DevEUI, wanted); `whys`, `groups` beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.whys: list[str] = []
        self.groups: list[tuple[dict[str, str], dict[str, Any], str]] = []

    def send_group(
        self,
        device_type: str,
        wanted: Mapping[str, Any],
        *,
        where: Mapping[str, str],
        why: str,
        once: str = "",
        expires_s: float = EXPIRES_S,
        supersedes: bool = True,
    ) -> None:
        """Note the order to a group: where, what, and the occasion."""
        del device_type, why, expires_s, supersedes
        by, value = read_where(where)
        self.groups.append(({by: value}, dict(wanted), once))

    def send(
        self,
        dev_eui: str,
        wanted: Mapping[str, Any],
        *,
        why: str,
        expires_s: float = EXPIRES_S,
        supersedes: bool = True,
    ) -> None:
        """Note the order."""
        del expires_s, supersedes
        self.append((read_dev_eui(dev_eui), dict(wanted)))
        self.whys.append(why)


class Shown(dict[str, dict[str, Any]]):
    """The `twin` port: what was shown, by view."""

    def show(self, view: str, document: Mapping[str, Any]) -> None:
        """Note the view."""
        self[view] = dict(document)


class Remembered:
    """The `state` port: `memory` of one device and `counts` of the city."""

    def __init__(self, memory: Mapping[str, Any] | None = None) -> None:
        self.memory: dict[str, Any] = dict(memory or {})
        self.counts: dict[str, int] = {}

    def read(self) -> dict[str, Any]:
        """Return what is remembered."""
        return dict(self.memory)

    def write(self, memory: Mapping[str, Any]) -> None:
        """Remember this instead."""
        self.memory = dict(memory)

    def add(self, counter: str, amount: int = 1) -> None:
        """Count; a counter that is back at 0 is not listed."""
        self.counts[counter] = self.counts.get(counter, 0) + amount
        if not self.counts[counter]:
            del self.counts[counter]


class Told(list[str]):
    """The `notices` port: a list of sentences."""

    def send(self, text: str, *, level: Level = "info") -> None:
        """Note the sentence."""
        del level
        self.append(text)


class FixedClock:
    """The `clock` port: one instant."""

    def __init__(self, now: datetime | None = None) -> None:
        self._now = now or datetime.fromtimestamp(NOON_NS / 1e9, UTC)

    def now(self) -> datetime:
        """Return the instant."""
        return self._now


def document(
    *,
    dev_eui: str = DEV_EUI,
    device_type: str | None = "street-light",
    tags: Mapping[str, str] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """Return ChirpStack's JSON of an event of that device; `fields` are added."""
    known = {} if device_type is None else {"device_type": device_type}
    return {
        "time": "2026-09-14T12:00:00+00:00",
        "deviceInfo": {
            "applicationId": "1b7f4c0e-0e4d-4a53-9f0a-2f6b6a2d7c31",
            "applicationName": "city",
            "deviceName": f"device-{dev_eui[-4:]}",
            "devEui": dev_eui,
            "deviceClassEnabled": "CLASS_A",
            "tags": {**known, **(tags or {})},
        },
        **fields,
    }


def uplink_document(
    data: Mapping[str, Any] | None = None,
    *,
    f_cnt: int = 1,
    dev_addr: str = "01a7c3e5",
    heard_ns: int = NOON_NS,
    **about: Any,
) -> dict[str, Any]:
    """Return ChirpStack's JSON of an `up` event."""
    seconds, rest = divmod(heard_ns, 10**9)
    clock = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    decoded = {} if data is None else {"object": dict(data)}
    fields: dict[str, Any] = {
        "deduplicationId": f"00000000-0000-4000-8000-{f_cnt:012d}",
        "devAddr": dev_addr,
        "adr": True,
        "dr": 5,
        "fCnt": f_cnt,
        "fPort": 1,
        "confirmed": False,
        "data": "AA==",
        **decoded,
        "rxInfo": [
            {
                "gatewayId": "0016c001f1500a2b",
                "nsTime": f"{clock}.{rest:09d}+00:00",
                "rssi": -97,
                "snr": 6.5,
            }
        ],
        "regionConfigId": "eu868",
    }
    return document(**{**about, **fields})


def uplink(
    data: Mapping[str, Any] | None = None,
    *,
    f_cnt: int = 1,
    dev_addr: str = "01a7c3e5",
    heard_ns: int = NOON_NS,
    **about: Any,
) -> Uplink:
    """
    Return an uplink that carries this decoded object.

    `about` is for `document`: dev_eui, device_type, tags.
    """
    found = event(
        "up",
        uplink_document(
            data, f_cnt=f_cnt, dev_addr=dev_addr, heard_ns=heard_ns, **about
        ),
    )
    assert isinstance(found, Uplink)  # noqa: S101 - what `up` means
    return found


def examples(device_type: str, home: Path | None = None) -> list[Uplink]:
    """Return an uplink for every message that the device type's examples decode."""
    folder = (home or default_home()) / "chirpstack" / "device-types" / device_type
    found = orjson.loads((folder / "examples.json").read_bytes())
    return [
        uplink(
            example["output"]["data"],
            f_cnt=f_cnt,
            heard_ns=NOON_NS + f_cnt * 10**9,
            device_type=device_type,
        )
        for f_cnt, example in enumerate(found, start=1)
        if example["type"] == "uplink" and "data" in example["output"]
    ]


def event(kind: str, found: Mapping[str, Any]) -> Event:
    """Return the event that a handler would get for ChirpStack's JSON."""
    return parse_event(kind, found, event_id="p00-0-1", arrived_ns=NOON_NS)
