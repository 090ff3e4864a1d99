"""
Give devices the keys of their groups: `python -m provisioning.group_keys`.

It goes on for as long as it runs: a device that joins later gets its keys then. A
device is made a member in ChirpStack once it has named its group's address itself, so
ChirpStack's list of members says who holds the keys.
"""

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, start_http_server

from city.errors import AlreadyThere, BadDeviceType, BadSettings, NetworkError
from city.network import Network
from city.objects import Group, QueueItem
from city.settings import Reader
from city.types import DeviceType, read_catalogue
from provisioning.entry import BadCity, enter, read_city
from provisioning.settings import Settings, read_settings
from wire.declared import DeclaredCity
from wire.groups import DeclaredGroup

# Keys can wait; joins and commands want the same gateways' few seconds of air.
WORKERS = 2
ANSWER_S = 45.0
EXPIRES_S = 120.0
PAUSE_S = 5.0

log = logging.getLogger("provisioning.group_keys")


@dataclass(frozen=True, slots=True, kw_only=True)
class Handing:
    """One device's way into one group."""

    dev_eui: str
    group: Group
    message: bytes
    f_port: int


def message_of(device_type: DeviceType, group: Group, slot: int) -> bytes:
    """Return the maker's own message that puts a device into a group."""
    words = {
        "slot": f"{slot:02x}",
        "mc_addr": group.mc_addr,
        "mc_addr_le": bytes.fromhex(group.mc_addr)[::-1].hex(),
        "mc_nwk_s_key": group.mc_nwk_s_key,
        "mc_app_s_key": group.mc_app_s_key,
    }
    wanted = str(device_type.multicast["message"]).split()
    return bytes.fromhex("".join(words.get(word, word) for word in wanted))


def missing(
    city: DeclaredCity, types: Mapping[str, DeviceType], network: Network
) -> Iterator[Handing]:
    """Yield, for each device, the first of its groups whose keys it has not."""
    ids = {one.name: one.id for one in network.groups.listed()}
    waiting: dict[str, Handing] = {}
    for declared in city.groups:
        device_type = types.get(declared.rule.device_type)
        if declared.name in ids and device_type and device_type.multicast:
            for one in _without(declared, device_type, network, ids[declared.name]):
                waiting.setdefault(one.dev_eui, one)
    yield from waiting.values()


def _without(
    declared: DeclaredGroup, device_type: DeviceType, network: Network, group_id: str
) -> Iterator[Handing]:
    group = network.groups.get(group_id)
    members = set(network.groups.members(group))
    message = message_of(device_type, group, declared.slot)
    for device in declared.members:
        if str(device.dev_eui) not in members:
            yield Handing(
                dev_eui=str(device.dev_eui),
                group=group,
                message=message,
                f_port=int(device_type.multicast["f_port"]),
            )


def hand_over(network: Network, one: Handing, answer_s: float = ANSWER_S) -> bool:
    """Send the keys, wait for the device to name the group, make it a member."""
    session = network.activation(one.dev_eui)
    if session is None or session.f_cnt_up == 0 or network.queue(one.dev_eui):
        return False  # not joined yet, or something else is on its way to it
    network.enqueue(
        one.dev_eui,
        QueueItem(
            id="",
            f_port=one.f_port,
            data=one.message,
            expires_at=time.time() + EXPIRES_S,
        ),
    )
    if not _named(network, one, answer_s):
        return False
    with suppress(AlreadyThere):
        network.groups.add_device(one.group.id, one.dev_eui)
    log.info(
        "provisioning.group_key.given dev_eui=%s group=%r", one.dev_eui, one.group.name
    )
    return True


def _named(network: Network, one: Handing, answer_s: float) -> bool:
    try:
        with network.device_events(one.dev_eui, timeout_s=answer_s) as events:
            return any(
                _group_in(event.body) == one.group.mc_addr
                for event in events
                if event.kind == "up"
            )
    except NetworkError:
        return False  # it did not answer in time: another round will come


def _group_in(body: str) -> str:
    document: Any = json.loads(body).get("object") or {}
    group = document.get("group") or {}
    return str(group.get("address", ""))


def rounds(
    city: DeclaredCity,
    types: Mapping[str, DeviceType],
    network: Network,
    stopping: threading.Event,
) -> Iterator[int]:
    """Yield how many devices got keys in each round, until told to stop."""
    with ThreadPoolExecutor(WORKERS) as pool:
        while not stopping.is_set():
            yield _round(city, types, network, pool)


def _round(
    city: DeclaredCity,
    types: Mapping[str, DeviceType],
    network: Network,
    pool: ThreadPoolExecutor,
) -> int:
    def safely(one: Handing) -> bool:
        try:
            return hand_over(network, one)
        except NetworkError as error:
            log.warning(
                "provisioning.group_key.wait dev_eui=%s error=%s", one.dev_eui, error
            )
            return False

    try:
        return sum(pool.map(safely, missing(city, types, network)))
    except NetworkError as error:
        log.warning("provisioning.group_key.wait error=%s", error)
        return 0


def main() -> int:
    """Run until told to stop; 1 when the city cannot be read, 2: settings."""
    try:
        settings = read_settings(os.environ)
        metrics = Reader(os.environ).metrics()
    except BadSettings as error:
        print("\n".join(error.faults), file=sys.stderr)  # noqa: T201 - no log yet
        return 2
    logging.basicConfig(level=settings.log.upper(), format="%(levelname)s %(message)s")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    if metrics is not None:
        registry = CollectorRegistry()
        Gauge("garonne_ready", "1 when ready", registry=registry).set(1)
        start_http_server(metrics.port, addr=metrics.host, registry=registry)
    try:
        _serve(settings, stopping)
    except (BadCity, BadDeviceType, NetworkError) as error:
        log.error("provisioning.group_key.refused %s", error)  # noqa: TRY400 - a sentence
        return 1
    return 0


def _serve(settings: Settings, stopping: threading.Event) -> None:
    city = read_city(settings.home, settings.city)
    types = read_catalogue(settings.home)
    with _enter(settings) as network:
        for given in rounds(city, types, network, stopping):
            stopping.wait(0 if given else PAUSE_S)


def _enter(settings: Settings) -> Network:
    if settings.token:
        return Network(settings.target, settings.token)
    return enter(settings.target, user=settings.user, password=settings.password)


if __name__ == "__main__":
    sys.exit(main())
