"""The embedded ChirpStack's core with its books in memory, for virtual time."""

import random
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

from chirpstack_api import api, common

from chirpstack_embedded.codec import Codec, CodecError, DecodedObject
from chirpstack_embedded.codec_engine import Limits
from chirpstack_embedded.config import Configuration
from chirpstack_embedded.config.load import load_configuration
from chirpstack_embedded.core.context import Context, Event, Transmission
from chirpstack_embedded.core.payloads import Payloads
from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.core.server import NetworkServer
from chirpstack_embedded.model import Keys
from chirpstack_embedded.store import DeviceSettings, Store
from city.objects import Gateway
from city.types import DeviceType
from provisioning.wanted import device_of, gateway_of, profile_of
from wire.declared import DeclaredCity
from wire.eui64 import EUI64
from wire.lorawan.keys import Key

# The wall must not decide what comes of virtual time: only a codec that never ends
# meets this limit.
CODEC_SECONDS = 30.0


TELLS_THE_TIME = re.compile(r"recvTime|Date|performance|Math\s*\.\s*random")
MOST_REMEMBERED = 16_384


@lru_cache(maxsize=64)  # a city has few scripts, each of many thousand characters
def tells_the_time(script: str) -> bool:
    """Whether a script could answer otherwise another time."""
    return TELLS_THE_TIME.search(script) is not None


class RememberingCodec(Codec):
    """Asks a script only once about the same bytes, unless it could tell the time."""

    def __init__(self) -> None:
        super().__init__(Limits(seconds=CODEC_SECONDS))
        self._answers: dict[Any, DecodedObject | CodecError] = {}

    def decode(
        self,
        script: str,
        f_port: int,
        data: bytes,
        recv_time: float,
        variables: Mapping[str, str],
    ) -> DecodedObject | CodecError:
        """Call `decodeUplink`, or remember what it said."""
        key = (script, f_port, data, tuple(sorted(variables.items())))
        if (known := self._answers.get(key)) is not None:
            return known
        answer = super().decode(script, f_port, data, recv_time, variables)
        if not tells_the_time(script) and len(self._answers) < MOST_REMEMBERED:
            self._answers[key] = answer
        return answer


class VirtualNetwork:
    """A network server that knows a city; time is whatever it is told."""

    def __init__(
        self,
        city: DeclaredCity,
        types: Mapping[str, DeviceType],
        keys: Mapping[EUI64, Key],
        home: Path,
        now: float,
    ) -> None:
        self._uuid = uuids(city.seed)
        self.region = city.region
        self.store = Store(":memory:", now)
        configuration = _configuration(home, city.region)
        self._context = Context(
            configuration=configuration,
            devices=self.store.devices,
            keys=self.store.keys,
            gateways=self.store.gateways,
            multicast=self.store.multicast,
            payloads=Payloads(RememberingCodec()),
            rng=random.Random(f"{city.seed}/network"),  # noqa: S311 -- seeded, not secret
            plans={region.id: RegionPlan(region) for region in configuration.regions},
            new_uuid=self._uuid,
        )
        self.server = NetworkServer(self._context)
        with self.store.transaction():
            self.application_id = self._provision(city, types, keys, now)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Run everything in one transaction: nothing has to survive a crash here."""
        with self.store.transaction():
            yield
        self.store.close()

    def events(self) -> list[Event]:
        """The integration events, drained."""
        self.server.frame_lines()
        return self.server.events()

    def transmissions(self) -> list[Transmission]:
        """The downlinks for gateways, drained."""
        return self.server.transmissions()

    def f_cnt_down(self, dev_eui: str) -> int | None:
        """The next down counters of a device, together; None without a session."""
        device = self.store.devices.get(dev_eui)
        if device is None or device.session is None:
            return None
        return device.session.f_cnt_down + device.session.a_f_cnt_down

    def queue(self, dev_eui: str) -> list[str]:
        """The ids in a device's queue."""
        device = self.store.devices.get(dev_eui)
        return [item.id for item in device.queue] if device else []

    def flush(self, dev_eui: str) -> None:
        """Empty a device's queue."""
        device = self.store.devices.get(dev_eui)
        if device is not None:
            self.store.devices.flush_queue(device)

    def _provision(
        self,
        city: DeclaredCity,
        types: Mapping[str, DeviceType],
        keys: Mapping[EUI64, Key],
        now: float,
    ) -> str:
        tenant_id, application_id = str(self._uuid()), str(self._uuid())
        self.store.tenants.create(
            api.Tenant(id=tenant_id, name=city.tenant, can_have_gateways=True), now
        )
        self.store.applications.create(
            api.Application(
                id=application_id, tenant_id=tenant_id, name=city.application
            ),
            now,
        )
        for gateway in city.gateways:
            self.store.gateways.create(_gateway(gateway_of(gateway, tenant_id)), now)
        profiles = self._profiles(city, types, tenant_id, now)
        for declared in city.provisioned:
            wanted = device_of(declared, application_id, profiles[declared.device_type])
            self.store.devices.create(
                DeviceSettings(
                    dev_eui=wanted.dev_eui,
                    name=wanted.name,
                    description="",
                    application_id=application_id,
                    device_profile_id=wanted.device_profile_id,
                    join_eui=wanted.join_eui,
                    skip_fcnt_check=False,
                    is_disabled=False,
                    tags=wanted.tags,
                ),
                now,
            )
            self.store.keys.create(
                _keys(
                    wanted.dev_eui, keys[declared.dev_eui], types[declared.device_type]
                ),
                now,
            )
        return application_id

    def _profiles(
        self,
        city: DeclaredCity,
        types: Mapping[str, DeviceType],
        tenant_id: str,
        now: float,
    ) -> dict[str, str]:
        profiles: dict[str, str] = {}
        for name in sorted({device.device_type for device in city.provisioned}):
            profiles[name] = str(self._uuid())
            message = api.DeviceProfile(
                id=profiles[name], **profile_of(types[name], tenant_id, city.region)
            )
            self.store.device_profiles.create(message, now)
        return profiles


def _keys(dev_eui: str, key: Key, kind: DeviceType) -> Keys:
    if not kind.has_two_root_keys:
        return Keys(dev_eui=dev_eui, nwk_key=bytes(key))
    return Keys(dev_eui=dev_eui, nwk_key=bytes(key), app_key=bytes(key))


def uuids(seed: int) -> Callable[[], UUID]:
    """A source of UUIDs that repeats itself."""
    rng = random.Random(f"{seed}/uuid")  # noqa: S311 -- seeded, not secret
    return lambda: UUID(int=rng.getrandbits(128), version=4)


def _configuration(home: Path, region: str) -> Configuration:
    """The server's own files; nothing is connected, so no address matters."""
    names = ("MQTT_SERVER", "SQLITE_PATH", "API_BIND", "API_SECRET")
    values = ("tcp://127.0.0.1:1883", "sqlite://:memory:", "127.0.0.1:0", "virtual")
    environment = {
        f"CHIRPSTACK_{name}": value for name, value in zip(names, values, strict=True)
    }
    others = ("MQTT_USERNAME", "MQTT_PASSWORD", "POSTGRESQL_DSN", "REDIS_SERVER")
    environment |= {f"CHIRPSTACK_{name}": "" for name in others}
    folder = home / "chirpstack" / "server-config"
    configuration, _ = load_configuration(folder, environment, regions=[region])
    return configuration


def _gateway(wanted: Gateway) -> api.Gateway:
    return api.Gateway(
        gateway_id=wanted.gateway_id,
        name=wanted.name,
        tenant_id=wanted.tenant_id,
        stats_interval=30,
        location=common.Location(
            latitude=wanted.latitude,
            longitude=wanted.longitude,
            altitude=wanted.altitude_m,
        ),
    )
