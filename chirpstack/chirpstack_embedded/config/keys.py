"""Which keys of the TOML files the embedded server obeys, and which it may ignore."""

_BROKER = (
    "server",
    "username",
    "password",
    "ca_cert",
    "tls_cert",
    "tls_key",
    "qos",
    "clean_session",
    "session_expiry_interval",
    "client_id",
    "keep_alive_interval",
    "share_name",
)
_REGION_NETWORK = (
    "installation_margin",
    "rx_window",
    "rx1_delay",
    "rx1_dr_offset",
    "rx2_dr",
    "rx2_frequency",
    "rx2_prefer_on_rx1_dr_lt",
    "gateway_prefer_min_margin",
    "downlink_tx_power",
    "adr_disabled",
    "min_dr",
    "max_dr",
    "repeater_compatible",
    "dwell_time_400ms",
    "uplink_dwell_time_400ms",
    "downlink_dwell_time_400ms",
    "uplink_max_eirp",
    "rejoin_request.enabled",
    "rejoin_request.max_count_n",
    "rejoin_request.max_time_n",
    "enabled_uplink_channels",
    "extra_channels.frequency",
    "extra_channels.data_rates",
    "extra_channels.min_dr",
    "extra_channels.max_dr",
    "class_b.ping_slot_dr",
    "class_b.ping_slot_frequency",
)

KNOWN = frozenset(
    {
        "logging.level",
        "sqlite.path",
        "api.bind",
        "api.secret",
        "gateway.allow_unknown_gateways",
        "gateway.rx_timestamp_max_drift",
        "gateway.device_gateway_mapping_history_uplinks",
        "codec.js.max_execution_time",
        "network.net_id",
        "network.enabled_regions",
        "network.deduplication_delay",
        "network.get_downlink_data_delay",
        "network.mac_commands_disabled",
        "network.max_mac_command_error_count",
        "network.scheduler.interval",
        "network.scheduler.batch_size",
        "network.scheduler.class_a_lock_duration",
        "network.scheduler.class_c_lock_duration",
        "network.scheduler.scheduler_lock_duration",
        "network.scheduler.multicast_class_c_margin",
        "network.scheduler.multicast_class_b_margin",
        "network.scheduler.class_b_schedule_advance",
        "integration.enabled",
        "integration.mqtt.json",
        "regions.id",
        "regions.description",
        "regions.common_name",
        "regions.user_info",
        "regions.gateway.force_gws_private",
        "regions.gateway.backend.enabled",
        "regions.gateway.backend.mqtt.topic_prefix",
        *(f"integration.mqtt.{key}" for key in _BROKER),
        *(f"regions.gateway.backend.mqtt.{key}" for key in _BROKER),
        *(f"regions.network.{key}" for key in _REGION_NETWORK),
    }
)
"""Obeyed."""

IGNORED = (
    "postgresql.",  # the other build's database
    "redis.",  # the embedded server keeps everything in SQLite
    "sqlite.",  # pragmas and pool sizes are its own business
    "logging.",  # the format is fixed
    "monitoring.",  # metrics are served on GARONNE_METRICS
    "regions.gateway.channels",  # for Concentratord only, as in ChirpStack
)
"""Prefixes that mean nothing here and deserve no warning."""
