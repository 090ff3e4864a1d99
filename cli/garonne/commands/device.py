"""`garonne device add`, `box`, `list`: for the technician on the ladder."""

import math
import time
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from city.errors import BadDeviceType, BadSettings, NetworkError
from city.network import Network
from city.objects import Activation, ListedDevice
from city.settings import Reader
from city.types import DeviceType, read_catalogue
from garonne.errors import Refused
from garonne.places import city_of
from garonne.running import environment_of
from garonne.settings import Settings
from provisioning.add import NewDevice, device_add, from_label, label_of
from provisioning.add import Refused as NotAdded
from provisioning.keys import BadKeys, read_keys
from provisioning.watch import SILENCE_S, JoinNews, watch_join
from wire.declared import DeclaredCity

__all__ = ["add", "box", "list_all", "new_device", "tell", "waits_for"]

JOIN_WITHIN_S = 120.0

# What `device list` shows, and whether it stays on one line on a narrow terminal.
COLUMNS = (
    ("name", True),
    ("DevEUI", True),
    ("type", False),
    ("street", False),
    ("last heard", True),
)


def add(
    settings: Settings,
    *,
    qr: str | None = None,
    dev_eui: str | None = None,
    join_eui: str | None = None,
    app_key: str | None = None,
    device_type: str | None = None,
    name: str | None = None,
    timeout: float = JOIN_WITHIN_S,
) -> int:
    """Put one device on the network; 0 once its first decoded values were seen."""
    environment = environment_of(settings)
    types = _types(environment)
    try:
        with _network(environment) as network:
            wanted = new_device(
                types,
                qr=qr,
                dev_eui=dev_eui,
                join_eui=join_eui,
                app_key=app_key,
                device_type=device_type,
                name=name,
            )
            keys = _keys(environment)
            begun = time.time()
            city = city_of(environment)
            outcome = device_add(wanted, city, types, keys, network)
            unchanged = outcome.verdict == "unchanged"
            session = network.activation(outcome.id) if unchanged else None
            print(
                _added(outcome.name, outcome.id, outcome.verdict, outcome.why),
                waits_for(session),
                sep="; ",
                flush=True,
            )
            patience_s = SILENCE_S if session is None else math.inf
            return _watch(network, outcome.name, outcome.id, begun, timeout, patience_s)
    except NotAdded as error:
        raise Refused(f"not added: {error}") from None
    except NetworkError as error:
        raise Refused(str(error)) from None


def new_device(
    types: Mapping[str, DeviceType],
    *,
    qr: str | None,
    dev_eui: str | None,
    join_eui: str | None,
    app_key: str | None,
    device_type: str | None,
    name: str | None,
) -> NewDevice:
    """Return what was typed and what the label says; what was typed wins."""
    if qr:
        label = from_label(qr, types) if not device_type else _untyped(qr, types)
        dev_eui, join_eui = dev_eui or label.dev_eui, join_eui or label.join_eui
        device_type = device_type or label.device_type
    if not dev_eui:
        raise Refused("give the text of the QR code, or --dev-eui")
    return NewDevice(
        dev_eui=dev_eui,
        join_eui=join_eui or "",
        device_type=device_type or "",
        app_key=app_key or "",
        name=name or "",
    )


def _untyped(qr: str, types: Mapping[str, DeviceType]) -> NewDevice:
    """Read a label whose ProfileID may be unknown: the type was given."""
    try:
        return from_label(qr, types)
    except NotAdded:
        _, _, join_eui, dev_eui, *_ = [*qr.split(":"), "", "", "", ""]
        return NewDevice(dev_eui=dev_eui, join_eui=join_eui)


def _added(name: str, dev_eui: str, verdict: str, why: str) -> str:
    told = {
        "created": "is in ChirpStack now",
        "unchanged": "was in ChirpStack already",
        "updated": f"was in ChirpStack already; changed: {why}",
    }
    return f"{name} ({dev_eui}) {told.get(verdict, verdict)}"


def waits_for(session: Activation | None) -> str:
    """Return what comes next; a device with a session does not join again."""
    if session is None:
        return "waiting for its join"
    return f"it has joined before, as {session.dev_addr}; waiting for its next report"


def _watch(
    network: Network,
    name: str,
    dev_eui: str,
    begun: float,
    timeout_s: float,
    silence_s: float,
) -> int:
    last = "it has not been heard since"
    for news in watch_join(
        network, dev_eui, timeout_s=timeout_s, silence_s=silence_s, since=begun
    ):
        for line in tell(news, begun):
            print(line, flush=True)
        if news.kind == "values":
            return 0
        last = news.sentence
    raise Refused(
        f"{name}: no decoded values within {timeout_s:g} s: {last}; "
        "it stays in ChirpStack and may still be heard"
    )


def tell(news: JoinNews, begun: float) -> list[str]:
    """Return the lines for one piece of news."""
    if news.kind in {"joined", "values"}:
        head = f"{news.at - begun:6.1f} s  {news.sentence}"
        values = (news.values or {}).items()
        return [
            head,
            *(f"          {key:<16} {_plain(value)}" for key, value in values),
        ]
    return [f"  not yet: {news.sentence}"]


def _plain(value: object) -> object:
    """A value as people write it: ChirpStack makes a 21 a 21.0."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(_plain(one)) for one in value)
    return value


def box(settings: Settings) -> int:
    """List the devices that are powered but not in ChirpStack, with their labels."""
    environment = environment_of(settings)
    types, city = _types(environment), city_of(environment)
    with _network(environment) as network:
        there = {device.dev_eui for device in _listed(network, city)}
    waiting = [d for d in city.devices if d.box and str(d.dev_eui) not in there]
    if not waiting:
        print("the box is empty: every device is in ChirpStack")
    for device in waiting:
        print(f"{device.name:<10} {device.device_type:<14} {device.street}")
        print(f"           {label_of(device, types)}")
    if waiting:
        print("`garonne device add LABEL` puts one on the network")
    return 0


def list_all(settings: Settings) -> int:
    """List the devices in ChirpStack: type, place, when last heard."""
    environment = environment_of(settings)
    city = city_of(environment)
    with _network(environment) as network:
        devices = _listed(network, city)
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading, whole in COLUMNS:  # a DevEUI is to be read on a telephone, too
        table.add_column(heading, no_wrap=whole)
    now = time.time()
    for device in sorted(devices, key=lambda one: one.name):
        place = device.tags.get("street", "")
        table.add_row(
            device.name,
            device.dev_eui,
            device.device_profile_name,
            place,
            ago(device.last_seen_at, now),
        )
    Console().print(table)
    return 0


def ago(at: float | None, now: float) -> str:
    """Return how long ago, in the largest whole unit."""
    if at is None:
        return "never"
    seconds = max(0.0, now - at)
    for unit, length_s in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length_s:
            return f"{seconds // length_s:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def _listed(network: Network, city: DeclaredCity) -> list[ListedDevice]:
    try:
        tenants = {one.name: one.id for one in network.tenants()}
        found = network.applications(tenants.get(city.tenant, ""))
        ids = [one.id for one in found if one.name == city.application]
        return network.devices(ids[0]) if ids else []
    except NetworkError as error:
        raise Refused(str(error)) from None


def _network(environment: Mapping[str, str]) -> Network:
    try:
        read = Reader(environment)
        found = read.chirpstack()
        read.check()
    except BadSettings as error:
        raise Refused(str(error)) from None
    return Network(found.target, found.token)


def _types(environment: Mapping[str, str]) -> dict[str, DeviceType]:
    try:
        return read_catalogue(Path(environment["GARONNE_HOME"]))
    except BadDeviceType as error:
        raise Refused(str(error)) from None


def _keys(environment: Mapping[str, str]) -> dict[str, str]:
    path = Path(environment["GARONNE_KEYS"])
    try:
        return read_keys(path) if path.exists() else {}
    except BadKeys as error:
        raise Refused(str(error)) from None
