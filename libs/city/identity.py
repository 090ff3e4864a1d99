"""
Which devices somebody means: by name, DevEUI, street or district.

ChirpStack is the register: it knows a device from the moment it is provisioned, and
nothing can be commanded that it does not know.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from city.errors import NotThere
from city.network import Network
from city.objects import Named

PLACES = ("street", "district")
"""Tags by which several devices are meant at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A device as people and programs call it."""

    dev_eui: str
    name: str
    device_type: str
    application_id: str
    last_seen_at: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


class Directory:
    """The devices of a city, read once; ``refresh`` reads them again."""

    def __init__(self, network: Network, *, tenant: str, application: str) -> None:
        self._network = network
        self._tenant = tenant
        self._application = application
        self._devices: list[Identity] | None = None

    def all(self) -> list[Identity]:
        """Return every device by name."""
        if self._devices is None:
            self.refresh()
        return list(self._devices or ())

    def refresh(self) -> None:
        """Read the register; NotThere names the tenant or application that lacks."""
        tenant_id = _id_of(self._network.tenants(), self._tenant, "tenant")
        applications = self._network.applications(tenant_id)
        application_id = _id_of(applications, self._application, "application")
        self._devices = self._read(application_id)

    def find(self, who: str, *, device_type: str | None = None) -> list[Identity]:
        """
        Return the devices somebody means: a DevEUI, a name, a street or a district.

        NotThere says so with the nearest names when nobody is meant.
        """
        devices = [d for d in self.all() if device_type in {None, d.device_type}]
        found = match(devices, who)
        if not found:
            raise NotThere(_nobody(devices, who, device_type))
        return found

    def one(self, who: str, *, device_type: str | None = None) -> Identity:
        """Return the one device somebody means; NotThere when none or several."""
        found = self.find(who, device_type=device_type)
        if len(found) > 1:
            names = ", ".join(device.name for device in found[:5])
            raise NotThere(f"{who!r} means {len(found)} devices: {names}")
        return found[0]

    def _read(self, application_id: str) -> list[Identity]:
        types: dict[str, str] = {}
        found = []
        for device in self._network.devices(application_id):
            profile = device.device_profile_id
            if profile not in types:
                tags = self._network.device_profile(profile).get("tags", {})
                types[profile] = tags.get("device_type", "")
            found.append(
                Identity(
                    dev_eui=device.dev_eui,
                    name=device.name,
                    device_type=types[profile],
                    application_id=application_id,
                    last_seen_at=device.last_seen_at,
                    tags=device.tags,
                )
            )
        return sorted(found, key=lambda device: (device.name, device.dev_eui))


def match(devices: Iterable[Identity], who: str) -> list[Identity]:
    """Return the devices that a word means; the first way that fits anybody counts."""
    devices, word = list(devices), _plain(who)
    dev_eui = word.replace(":", "").replace("-", "")
    return (
        [d for d in devices if dev_eui == d.dev_eui]
        or [d for d in devices if word == _plain(d.name)]
        or [d for d in devices if word and word in _places(d)]
    )


def _places(device: Identity) -> list[str]:
    return [_plain(device.tags.get(place, "")) for place in PLACES]


def _nobody(devices: list[Identity], who: str, device_type: str | None) -> str:
    kind = device_type or "device"
    near = difflib.get_close_matches(_plain(who), [_plain(d.name) for d in devices])
    if near:
        return f"no {kind} is called {who!r}; did you mean {' or '.join(near)}?"
    return f"no {kind} is called {who!r}, and no street or district with one"


def _plain(word: str) -> str:
    return " ".join(word.casefold().split())


def _id_of(found: Iterable[Named], name: str, what: str) -> str:
    named = {item.name: item.id for item in found}
    if name not in named:
        known = ", ".join(sorted(named)) or "none"
        raise NotThere(f"ChirpStack has no {what} {name!r}; it has {known}")
    return named[name]
