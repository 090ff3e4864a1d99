"""
Read a directory of TOML files as ChirpStack does (contract §6.1).

All files are joined into one text, every ``$NAME`` of every environment
variable is replaced, then the text is parsed.  Where ChirpStack is silent
(unknown keys, unset variables) this module speaks.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chirpstack_embedded.config.keys import IGNORED, KNOWN
from chirpstack_embedded.config.model import (
    Broker,
    Configuration,
    ExtraChannel,
    Integration,
    Network,
    Region,
    RegionNetwork,
    RejoinRequest,
    Scheduler,
)
from chirpstack_embedded.config.reader import Table
from chirpstack_embedded.errors import BadConfiguration
from wire.lorawan.region.catalogue import COMMON

SUPPORTED_COMMON_NAMES = tuple(COMMON)


def load_configuration(
    folder: Path, environment: Mapping[str, str], *, regions: Sequence[str] = ()
) -> tuple[Configuration, list[str]]:
    """
    Read every ``*.toml`` of ``folder``.

    ``regions`` are ids enabled before those of ``network.enabled_regions``.
    Returns the configuration and warnings, one sentence each.
    Raises ``BadConfiguration`` with every fault.
    """
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise BadConfiguration([f"{folder} holds no *.toml file"])
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    return parse_configuration(text, environment, regions=regions)


def parse_configuration(
    text: str, environment: Mapping[str, str], *, regions: Sequence[str] = ()
) -> tuple[Configuration, list[str]]:
    """Parse the joined files after substituting ``environment``."""
    try:
        document = tomllib.loads(_substitute(text, environment))
    except tomllib.TOMLDecodeError as error:
        raise BadConfiguration([f"the configuration is not TOML: {error}"]) from error
    root = Table(document)
    configuration = _configuration(root, regions)
    if root.faults:
        raise BadConfiguration(root.faults)
    return configuration, _warnings(document)


def _substitute(text: str, environment: Mapping[str, str]) -> str:
    # Longest name first: ChirpStack's order is arbitrary, ours at least is stable.
    for name in sorted(environment, key=lambda name: (-len(name), name)):
        if name and f"${name}" in text:
            text = text.replace(f"${name}", environment[name])
    return text


def _configuration(root: Table, first: Sequence[str]) -> Configuration:
    enabled = [*dict.fromkeys([*first, *root.strings("network.enabled_regions")])]
    regions = [_region(table) for table in root.tables("regions")]
    _check_regions(root, enabled, regions)
    api_secret = root.string("api.secret", "-")
    if not api_secret:
        root.fault("api.secret is empty")
    return Configuration(
        log_level=root.string("logging.level", "info"),
        sqlite_path=root.optional("sqlite.path", "sqlite://chirpstack.sqlite"),
        api_bind=root.address("api.bind", "0.0.0.0:8080"),
        api_secret=api_secret,
        allow_unknown_gateways=root.boolean("gateway.allow_unknown_gateways", False),
        rx_timestamp_max_drift_s=root.duration_s("gateway.rx_timestamp_max_drift", 30),
        device_gateway_mapping_history_uplinks=root.integer(
            "gateway.device_gateway_mapping_history_uplinks", 1
        ),
        codec_max_execution_time_s=root.duration_s("codec.js.max_execution_time", 0.1),
        network=_network(root),
        integration=_integration(root),
        regions=tuple(
            sorted(
                (region for region in regions if region.id in enabled),
                key=lambda region: enabled.index(region.id),
            )
        ),
    )


def _check_regions(root: Table, enabled: list[str], regions: list[Region]) -> None:
    known = {region.id: region for region in regions}
    for name in enabled:
        if name not in known:
            root.fault(
                f"network.enabled_regions names {name!r},"
                f" [[regions]] has {sorted(known)}"
            )
        elif known[name].common_name not in SUPPORTED_COMMON_NAMES:
            root.fault(
                f"region {name!r} is {known[name].common_name}: the embedded server"
                f" knows {', '.join(SUPPORTED_COMMON_NAMES)}"
            )
        else:
            _check_channels(root, known[name])
    if not enabled:
        root.fault("network.enabled_regions is empty: no gateway would be heard")


def _check_channels(root: Table, region: Region) -> None:
    table, network = COMMON[region.common_name], region.network
    if table.fixed_channels and network.extra_channels:
        root.fault(
            f"region {region.id!r} has extra_channels, but the channels of"
            f" {region.common_name} are fixed"
        )
    count = len(table.default_channels) + len(network.extra_channels)
    unknown = [i for i in network.enabled_uplink_channels if not 0 <= i < count]
    if unknown:
        root.fault(
            f"region {region.id!r} enables the uplink channels {unknown},"
            f" it has 0 to {count - 1}"
        )


def _network(root: Table) -> Network:
    return Network(
        net_id=root.string("network.net_id", "000000"),
        deduplication_delay_s=root.duration_s("network.deduplication_delay", 0.2),
        get_downlink_data_delay_s=root.duration_s(
            "network.get_downlink_data_delay", 0.1
        ),
        mac_commands_disabled=root.boolean("network.mac_commands_disabled", False),
        max_mac_command_error_count=root.integer(
            "network.max_mac_command_error_count", 1
        ),
        scheduler=_scheduler(root),
    )


def _scheduler(root: Table) -> Scheduler:
    prefix = "network.scheduler"
    return Scheduler(
        interval_s=root.duration_s(f"{prefix}.interval", 1),
        batch_size=root.integer(f"{prefix}.batch_size", 100),
        class_a_lock_duration_s=root.duration_s(f"{prefix}.class_a_lock_duration", 5),
        class_c_lock_duration_s=root.duration_s(f"{prefix}.class_c_lock_duration", 5),
        scheduler_lock_duration_s=root.duration_s(
            f"{prefix}.scheduler_lock_duration", 2
        ),
        multicast_class_c_margin_s=root.duration_s(
            f"{prefix}.multicast_class_c_margin", 5
        ),
        multicast_class_b_margin_s=root.duration_s(
            f"{prefix}.multicast_class_b_margin", 5
        ),
        class_b_schedule_advance_s=root.duration_s(
            f"{prefix}.class_b_schedule_advance", 5
        ),
    )


def _integration(root: Table) -> Integration:
    return Integration(
        enabled="mqtt" in root.strings("integration.enabled"),
        json=root.boolean("integration.mqtt.json", True),
        broker=_broker(root, "integration.mqtt"),
    )


def _region(table: Table) -> Region:
    return Region(
        id=table.string("id", ""),
        description=table.string("description", ""),
        # ChirpStack reads AS923-2 and AS923_2 alike.
        common_name=table.string("common_name", "").replace("-", "_"),
        user_info=table.string("user_info", ""),
        force_gws_private=table.boolean("gateway.force_gws_private", False),
        broker=_broker(table, "gateway.backend.mqtt"),
        network=_region_network(table),
    )


def _region_network(table: Table) -> RegionNetwork:
    return RegionNetwork(
        installation_margin_db=table.number("network.installation_margin", 10),
        rx_window=table.integer("network.rx_window", 0),
        rx1_delay=table.integer("network.rx1_delay", 1),
        rx1_dr_offset=table.integer("network.rx1_dr_offset", 0),
        rx2_dr=table.integer("network.rx2_dr", 0),
        rx2_frequency_hz=table.integer("network.rx2_frequency", 0),
        rx2_prefer_on_rx1_dr_lt=table.integer("network.rx2_prefer_on_rx1_dr_lt", 0),
        gateway_prefer_min_margin_db=table.number(
            "network.gateway_prefer_min_margin", 10
        ),
        downlink_tx_power_dbm=table.integer("network.downlink_tx_power", -1),
        adr_disabled=table.boolean("network.adr_disabled", False),
        min_dr=table.integer("network.min_dr", 0),
        max_dr=table.integer("network.max_dr", 0),
        repeater_compatible=table.boolean("network.repeater_compatible", False),
        dwell_time_400ms=table.boolean("network.dwell_time_400ms", False),
        uplink_dwell_time_400ms=table.boolean("network.uplink_dwell_time_400ms", False),
        downlink_dwell_time_400ms=table.boolean(
            "network.downlink_dwell_time_400ms", False
        ),
        uplink_max_eirp_dbm=table.number("network.uplink_max_eirp", 0),
        rejoin_request=RejoinRequest(
            enabled=table.boolean("network.rejoin_request.enabled", False),
            max_count_n=table.integer("network.rejoin_request.max_count_n", 0),
            max_time_n=table.integer("network.rejoin_request.max_time_n", 0),
        ),
        enabled_uplink_channels=tuple(
            table.integers("network.enabled_uplink_channels")
        ),
        extra_channels=tuple(
            _extra_channel(item) for item in table.tables("network.extra_channels")
        ),
        ping_slot_dr=table.integer("network.class_b.ping_slot_dr", 0),
        ping_slot_frequency_hz=table.integer("network.class_b.ping_slot_frequency", 0),
    )


def _extra_channel(table: Table) -> ExtraChannel:
    data_rates = table.integers("data_rates") or list(
        range(table.integer("min_dr", 0), table.integer("max_dr", 0) + 1)
    )
    return ExtraChannel(
        frequency_hz=table.integer("frequency", 0), data_rates=tuple(data_rates)
    )


def _broker(table: Table, prefix: str) -> Broker:
    server = table.server(f"{prefix}.server", "tcp://127.0.0.1:1883/")
    return Broker(
        host=server.host,
        port=server.port,
        tls=server.tls,
        username=table.string(f"{prefix}.username", ""),
        password=table.string(f"{prefix}.password", ""),
        ca_cert=table.string(f"{prefix}.ca_cert", ""),
        tls_cert=table.string(f"{prefix}.tls_cert", ""),
        tls_key=table.string(f"{prefix}.tls_key", ""),
        qos=table.choice(f"{prefix}.qos", 0, (0, 1)),
        clean_session=table.boolean(f"{prefix}.clean_session", False),
        session_expiry_interval_s=table.duration_s(
            f"{prefix}.session_expiry_interval", 0
        ),
        client_id=table.string(f"{prefix}.client_id", ""),
        keep_alive_interval_s=table.duration_s(f"{prefix}.keep_alive_interval", 30),
        share_name=table.string(f"{prefix}.share_name", "chirpstack"),
        topic_prefix=table.string(f"{prefix}.topic_prefix", ""),
    )


def _warnings(document: Mapping[str, Any]) -> list[str]:
    return [
        f"{path} is not used by the embedded server"
        for path in sorted(set(_paths(document, "")))
        if path not in KNOWN and not path.startswith(IGNORED)
    ]


def _paths(value: object, prefix: str) -> list[str]:
    if isinstance(value, dict):
        return [
            path
            for key, item in value.items()
            for path in _paths(item, f"{prefix}.{key}" if prefix else str(key))
        ]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [path for item in value for path in _paths(item, prefix)]
    return [prefix]
