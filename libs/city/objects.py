"""What ChirpStack keeps, as the city's programs see it; EUIs and ids are lower case."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DeviceProfile = Mapping[str, Any]
"""
A device profile by the field names of ChirpStack's API.

Enums are their names (``EU868``, ``LORAWAN_1_0_3``, ``A``, ``JS``); ``id`` is there
when it was read.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A tenant, an application or a profile in a list."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device as it is provisioned."""

    dev_eui: str
    name: str
    application_id: str
    device_profile_id: str
    join_eui: str = "0000000000000000"
    description: str = ""
    disabled: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDevice:
    """A device in a list; ``last_seen_at`` is Unix seconds, None: never."""

    dev_eui: str
    name: str
    description: str
    device_profile_id: str
    device_profile_name: str
    last_seen_at: float | None
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A gateway as it is provisioned."""

    gateway_id: str
    name: str
    tenant_id: str
    latitude: float
    longitude: float
    altitude_m: float
    stats_interval_s: int = 30
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedGateway:
    """A gateway in a list; ``state`` is NEVER_SEEN, ONLINE or OFFLINE."""

    gateway_id: str
    name: str
    tenant_id: str
    latitude: float
    longitude: float
    altitude_m: float
    last_seen_at: float | None
    state: str
    region: str = ""
    """What ChirpStack noted with its last report, such as ``EU868``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A multicast group of class C; addresses and keys in hex, keys never shown."""

    name: str
    application_id: str
    mc_addr: str
    mc_nwk_s_key: str = field(repr=False)
    mc_app_s_key: str = field(repr=False)
    data_rate: int
    frequency_hz: int
    region: str = "EU868"
    id: str = ""
    f_cnt: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """A device's session; the keys stay where they are."""

    dev_addr: str
    f_cnt_up: int
    n_f_cnt_down: int
    a_f_cnt_down: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueItem:
    """A downlink in ChirpStack's queue."""

    id: str
    f_port: int
    data: bytes
    confirmed: bool = False
    is_pending: bool = False
    f_cnt_down: int = 0
    expires_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceEvent:
    """An event of a device as the API's stream tells it; ``body`` is the JSON text."""

    id: str
    kind: str
    time: float
    body: str
    properties: Mapping[str, str]
