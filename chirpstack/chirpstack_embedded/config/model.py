"""The configuration, with the defaults of ChirpStack's code, not its stock files."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """One MQTT connection: ``[integration.mqtt]`` or a region's backend."""

    host: str = "127.0.0.1"
    port: int = 1883
    tls: bool = False
    username: str = ""
    password: str = field(default="", repr=False)
    ca_cert: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    qos: int = 0
    clean_session: bool = False
    session_expiry_interval_s: float = 0.0
    client_id: str = ""
    keep_alive_interval_s: float = 30.0
    share_name: str = "chirpstack"
    topic_prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraChannel:
    """A user-defined uplink channel."""

    frequency_hz: int
    data_rates: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RejoinRequest:
    """``[regions.network.rejoin_request]``: how often 1.1 devices ask again."""

    enabled: bool = False
    max_count_n: int = 0
    max_time_n: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionNetwork:
    """``[regions.network]``."""

    installation_margin_db: float = 10.0
    rx_window: int = 0
    rx1_delay: int = 1
    rx1_dr_offset: int = 0
    rx2_dr: int = 0
    rx2_frequency_hz: int = 0
    rx2_prefer_on_rx1_dr_lt: int = 0
    gateway_prefer_min_margin_db: float = 10.0
    downlink_tx_power_dbm: int = -1
    adr_disabled: bool = False
    min_dr: int = 0
    max_dr: int = 0
    repeater_compatible: bool = False
    dwell_time_400ms: bool = False
    """Which of the band's tables the server reckons with."""
    uplink_dwell_time_400ms: bool = False
    downlink_dwell_time_400ms: bool = False
    uplink_max_eirp_dbm: float = 0.0
    rejoin_request: RejoinRequest = RejoinRequest()
    enabled_uplink_channels: tuple[int, ...] = ()
    extra_channels: tuple[ExtraChannel, ...] = ()
    ping_slot_dr: int = 0
    ping_slot_frequency_hz: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One ``[[regions]]`` entry whose id is enabled."""

    id: str
    description: str = ""
    common_name: str = "EU868"
    user_info: str = ""
    force_gws_private: bool = False
    broker: Broker = Broker()
    network: RegionNetwork = RegionNetwork()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduler:
    """``[network.scheduler]``, in seconds."""

    interval_s: float = 1.0
    batch_size: int = 100
    class_a_lock_duration_s: float = 5.0
    class_c_lock_duration_s: float = 5.0
    scheduler_lock_duration_s: float = 2.0
    multicast_class_c_margin_s: float = 5.0
    multicast_class_b_margin_s: float = 5.0
    class_b_schedule_advance_s: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """``[network]``."""

    net_id: str = "000000"
    deduplication_delay_s: float = 0.2
    get_downlink_data_delay_s: float = 0.1
    mac_commands_disabled: bool = False
    max_mac_command_error_count: int = 1
    scheduler: Scheduler = Scheduler()


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """``[integration.mqtt]``."""

    enabled: bool = False
    json: bool = True
    broker: Broker = Broker()


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Everything the embedded server reads from the TOML files."""

    log_level: str = "info"
    sqlite_path: str = "chirpstack.sqlite"
    api_bind: str = "0.0.0.0:8080"
    api_secret: str = field(default="", repr=False)
    allow_unknown_gateways: bool = False
    rx_timestamp_max_drift_s: float = 30.0
    device_gateway_mapping_history_uplinks: int = 1
    codec_max_execution_time_s: float = 0.1
    network: Network = Network()
    integration: Integration = Integration()
    regions: tuple[Region, ...] = ()
    strict_gateway_identity: bool = False
    """Whether a gateway may speak for itself only; no key of ChirpStack's."""
