"""
What the server remembers about a device between two frames.

Identifiers are ChirpStack's own texts (contract §3.1): 16 or 8 lower-case hex
digits for EUIs and DevAddrs, dashed lower-case UUIDs.  Instants are Unix
seconds.  These classes change in place; ``store`` writes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from chirpstack_api import api, common

from chirpstack_embedded.history import UplinkHistory


class Reception(NamedTuple):
    """How one gateway heard the device: enough to answer through it."""

    gateway_id: str
    rssi_dbm: int
    snr_db: float
    board: int
    antenna: int
    context: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardUplink:
    """All receptions of one uplink and its data-rate."""

    dr: int
    receptions: tuple[Reception, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A user-defined uplink channel the device has acknowledged."""

    frequency_hz: int
    data_rates: tuple[int, ...]


@dataclass(slots=True, kw_only=True)
class Session:
    """
    A session (contract §2.2 step 10, §2.13).

    ``nwk_s_key`` is FNwkSIntKey in 1.1, where ``s_nwk_s_int_key`` and
    ``nwk_s_enc_key`` stand beside it; empty they are as ``nwk_s_key``, as in 1.0.x.
    ``f_cnt_down`` is NFCntDown in 1.1, and everything's counter in 1.0.x.
    """

    region_config_id: str
    dev_addr: str
    mac_version: str
    nwk_s_key: bytes = field(repr=False)
    app_s_key: bytes = field(repr=False)
    s_nwk_s_int_key: bytes = field(default=b"", repr=False)
    nwk_s_enc_key: bytes = field(default=b"", repr=False)
    f_cnt_down: int = 0
    a_f_cnt_down: int = 0
    conf_f_cnt: int = 0
    skip_f_cnt_check: bool = False
    rx1_delay: int = 1
    rx1_dr_offset: int = 0
    rx2_dr: int = 0
    rx2_frequency_hz: int = 0
    uplink_dwell_400ms: bool = False
    downlink_dwell_400ms: bool = False
    uplink_max_eirp_index: int = 0
    nb_trans: int = 1
    tx_power_index: int = 0
    dr: int = 0
    adr: bool = False
    min_supported_tx_power_index: int = 0
    max_supported_tx_power_index: int = 0
    enabled_uplink_channels: list[int] = field(default_factory=list)
    extra_uplink_channels: dict[int, Channel] = field(default_factory=dict)
    mac_command_pending: dict[int, bytes] = field(default_factory=dict)
    mac_command_error_count: dict[int, int] = field(default_factory=dict)
    uplink_adr_history: UplinkHistory = field(default_factory=UplinkHistory)
    gateway_history: list[HeardUplink] = field(default_factory=list)
    last_device_status_request_at: float | None = None
    class_b_ping_slot_nb: int = 0
    class_b_ping_slot_dr: int = 0
    class_b_ping_slot_frequency_hz: int = 0
    """0: where the region says; several frequencies take turns."""
    rejoin_request_enabled: bool = False
    rejoin_request_max_count_n: int = 0
    rejoin_request_max_time_n: int = 0

    @property
    def is_1_1(self) -> bool:
        """Whether it is of LoRaWAN 1.1: everything that is not 1.0.x."""
        return not self.mac_version.startswith("1.0")

    @property
    def app_f_cnt_down(self) -> int:
        """The counter of the next application downlink."""
        return self.a_f_cnt_down if self.is_1_1 else self.f_cnt_down

    def count_app_down(self, next_f_cnt: int) -> None:
        """Set the counter of the next application downlink."""
        if self.is_1_1:
            self.a_f_cnt_down = next_f_cnt
        else:
            self.f_cnt_down = next_f_cnt


@dataclass(slots=True, kw_only=True)
class QueueItem:
    """One row of the device queue."""

    id: str
    dev_eui: str
    created_at: float
    f_port: int
    data: bytes
    confirmed: bool = False
    is_pending: bool = False
    is_encrypted: bool = False
    f_cnt_down: int | None = None
    timeout_after: float | None = None
    expires_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceStatus:
    """The last DevStatusAns; ``battery_percent`` None: external or unknown."""

    margin_db: int
    external_power_source: bool
    battery_percent: float | None


@dataclass(slots=True, kw_only=True)
class Keys:
    """Root keys; for LoRaWAN 1.0.x the AppKey is in ``nwk_key``."""

    dev_eui: str
    nwk_key: bytes = field(repr=False)
    app_key: bytes = field(default=bytes(16), repr=False)
    gen_app_key: bytes = field(default=bytes(16), repr=False)
    join_nonce: int = 0
    created_at: float = 0.0
    updated_at: float = 0.0


@dataclass(slots=True, kw_only=True)
class Device:
    """A device with everything an uplink of it needs."""

    dev_eui: str
    name: str
    description: str = ""
    join_eui: str = "0000000000000000"
    skip_fcnt_check: bool = False
    is_disabled: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    created_at: float = 0.0
    updated_at: float = 0.0

    tenant: api.Tenant
    application: api.Application
    profile: api.DeviceProfile

    dev_addr: str | None = None
    f_cnt_up: int = 0
    """The next expected counter (contract §2.3)."""
    session: Session | None = None
    enabled_class: str = "A"
    dr: int | None = None
    last_seen_at: float | None = None
    scheduler_run_after: float | None = None
    status: DeviceStatus | None = None
    queue: list[QueueItem] = field(default_factory=list)
    tags_of_all: dict[str, str] | None = field(default=None, compare=False)
    """Application, profile and device tags together, once somebody asked."""

    @property
    def mac_version(self) -> str:
        """The profile's LoRaWAN version, such as ``1.0.3``."""
        return mac_version_text(self.profile.mac_version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A registered gateway and what its tenant says about sharing it."""

    gateway_id: str
    tenant_id: str
    location: common.Location
    downlink_priority: int
    private_up: bool
    private_down: bool
    region_config_id: str = ""
    """The region its last stats came in; empty before the first."""
    place: bytes | None = None
    """The location, serialised, for receptions without one; None: not registered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class McGroup:
    """A multicast group as the scheduler needs it (contract §2.14)."""

    id: str
    mc_addr: str
    mc_nwk_s_key: bytes = field(repr=False)
    mc_app_s_key: bytes = field(repr=False)
    f_cnt: int
    dr: int
    frequency_hz: int
    is_class_b: bool = False
    periodicity: int = 0
    at_gps_time: bool = False
    """Class C: all gateways at one GPS time, not one after another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class McItem:
    """One frame for a group, to be sent by one gateway."""

    id: str
    group_id: str
    gateway_id: str
    created_at: float
    run_after: float
    f_cnt: int
    f_port: int
    data: bytes
    emit_at_gps_ms: int | None = None
    expires_at: float | None = None


# A number the enum does not know reads as its first value, as in ChirpStack.
_MAC_VERSIONS: dict[int, str] = {
    value: name for name, value in common.MacVersion.items()
}
_MAC_VERSION_VALUES = {
    name.removeprefix("LORAWAN_").replace("_", "."): value
    for value, name in _MAC_VERSIONS.items()
}
_REGION_NAMES: dict[int, str] = {value: name for name, value in common.Region.items()}


def region_name(device: Device) -> str:
    """Return the common name of the profile's region, such as ``EU868``."""
    return _REGION_NAMES.get(device.profile.region, _REGION_NAMES[0])


def mac_version_value(text: str) -> int:
    """Return the enum value of ``1.0.3``; an unknown text is the first."""
    return _MAC_VERSION_VALUES.get(text, 0)


def mac_version_text(value: int) -> str:
    """Return ``1.0.3`` for the enum value LORAWAN_1_0_3."""
    name = _MAC_VERSIONS.get(value, _MAC_VERSIONS[0])
    return name.removeprefix("LORAWAN_").replace("_", ".")
