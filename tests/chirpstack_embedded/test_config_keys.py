"""Every configuration key that is said to be obeyed is read."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from chirpstack_embedded.config import Region, parse_configuration
from chirpstack_embedded.config.keys import KNOWN
from chirpstack_embedded.config.load import _paths
from chirpstack_embedded.config.model import Configuration, ExtraChannel

BROKER = """
server = "ssl://broker.example:9999"
username = "u"
password = "p"
ca_cert = "ca"
tls_cert = "cert"
tls_key = "key"
qos = 1
clean_session = true
session_expiry_interval = "1h"
client_id = "id"
keep_alive_interval = "10s"
share_name = "share"
"""
EVERY_KEY = f"""
[logging]
level = "debug"
[sqlite]
path = "sqlite://other.sqlite"
[api]
bind = "127.0.0.1:1"
secret = "s"
[gateway]
allow_unknown_gateways = true
rx_timestamp_max_drift = "1s"
device_gateway_mapping_history_uplinks = 2
[codec.js]
max_execution_time = "50ms"
[network]
net_id = "000001"
enabled_regions = ["here"]
deduplication_delay = "1s"
get_downlink_data_delay = "1s"
mac_commands_disabled = true
max_mac_command_error_count = 7
[network.scheduler]
interval = "7s"
batch_size = 7
class_a_lock_duration = "7s"
class_c_lock_duration = "7s"
scheduler_lock_duration = "7s"
multicast_class_c_margin = "7s"
multicast_class_b_margin = "7s"
class_b_schedule_advance = "7s"
[integration]
enabled = ["mqtt"]
[integration.mqtt]
json = false
{BROKER}
[[regions]]
id = "here"
description = "d"
common_name = "EU868"
user_info = "i"
[regions.gateway]
force_gws_private = true
[regions.gateway.backend]
enabled = "mqtt"
[regions.gateway.backend.mqtt]
topic_prefix = "prefix"
{BROKER}
[regions.network]
installation_margin = 7
rx_window = 1
rx1_delay = 7
rx1_dr_offset = 1
rx2_dr = 7
rx2_frequency = 7
rx2_prefer_on_rx1_dr_lt = 7
gateway_prefer_min_margin = 7
downlink_tx_power = 7
adr_disabled = true
min_dr = 1
max_dr = 7
repeater_compatible = true
enabled_uplink_channels = [0]
dwell_time_400ms = true
uplink_dwell_time_400ms = true
downlink_dwell_time_400ms = true
uplink_max_eirp = 7
[regions.network.rejoin_request]
enabled = true
max_count_n = 7
max_time_n = 7
[regions.network.class_b]
ping_slot_dr = 7
ping_slot_frequency = 7
[[regions.network.extra_channels]]
frequency = 7
data_rates = [1, 2]
[[regions.network.extra_channels]]
frequency = 8
min_dr = 3
max_dr = 4
"""


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if is_dataclass(value):
        for one in fields(value):
            yield from leaves(getattr(value, one.name), f"{path}.{one.name}")
    else:
        yield path, value


@pytest.mark.proves(
    "config:logging.level",
    "config:sqlite.path",
    "config:api.bind",
    "config:api.secret",
    "config:gateway.allow_unknown_gateways",
    "config:gateway.rx_timestamp_max_drift",
    "config:gateway.device_gateway_mapping_history_uplinks",
    "config:codec.js.max_execution_time",
    "config:network.net_id",
    "config:network.enabled_regions",
    "config:network.deduplication_delay",
    "config:network.get_downlink_data_delay",
    "config:network.mac_commands_disabled",
    "config:network.max_mac_command_error_count",
    "config:network.scheduler.interval",
    "config:network.scheduler.batch_size",
    "config:network.scheduler.class_a_lock_duration",
    "config:network.scheduler.class_c_lock_duration",
    "config:network.scheduler.scheduler_lock_duration",
    "config:network.scheduler.multicast_class_c_margin",
    "config:network.scheduler.multicast_class_b_margin",
    "config:network.scheduler.class_b_schedule_advance",
    "config:integration.enabled",
    "config:integration.mqtt.json",
    "config:integration.mqtt.server",
    "config:integration.mqtt.username",
    "config:integration.mqtt.password",
    "config:integration.mqtt.ca_cert",
    "config:integration.mqtt.tls_cert",
    "config:integration.mqtt.tls_key",
    "config:integration.mqtt.qos",
    "config:integration.mqtt.clean_session",
    "config:integration.mqtt.session_expiry_interval",
    "config:integration.mqtt.client_id",
    "config:integration.mqtt.keep_alive_interval",
    "config:integration.mqtt.share_name",
    "config:regions.id",
    "config:regions.description",
    "config:regions.common_name",
    "config:regions.user_info",
    "config:regions.gateway.force_gws_private",
    "config:regions.gateway.backend.enabled",
    "config:regions.gateway.backend.mqtt.topic_prefix",
    "config:regions.gateway.backend.mqtt.server",
    "config:regions.gateway.backend.mqtt.username",
    "config:regions.gateway.backend.mqtt.password",
    "config:regions.gateway.backend.mqtt.ca_cert",
    "config:regions.gateway.backend.mqtt.tls_cert",
    "config:regions.gateway.backend.mqtt.tls_key",
    "config:regions.gateway.backend.mqtt.qos",
    "config:regions.gateway.backend.mqtt.clean_session",
    "config:regions.gateway.backend.mqtt.session_expiry_interval",
    "config:regions.gateway.backend.mqtt.client_id",
    "config:regions.gateway.backend.mqtt.keep_alive_interval",
    "config:regions.gateway.backend.mqtt.share_name",
    "config:regions.network.installation_margin",
    "config:regions.network.rx_window",
    "config:regions.network.rx1_delay",
    "config:regions.network.rx1_dr_offset",
    "config:regions.network.rx2_dr",
    "config:regions.network.rx2_frequency",
    "config:regions.network.rx2_prefer_on_rx1_dr_lt",
    "config:regions.network.gateway_prefer_min_margin",
    "config:regions.network.downlink_tx_power",
    "config:regions.network.adr_disabled",
    "config:regions.network.min_dr",
    "config:regions.network.max_dr",
    "config:regions.network.repeater_compatible",
    "config:regions.network.enabled_uplink_channels",
    "config:regions.network.extra_channels.frequency",
    "config:regions.network.extra_channels.data_rates",
    "config:regions.network.extra_channels.min_dr",
    "config:regions.network.extra_channels.max_dr",
    "config:regions.network.dwell_time_400ms",
    "config:regions.network.uplink_dwell_time_400ms",
    "config:regions.network.downlink_dwell_time_400ms",
    "config:regions.network.uplink_max_eirp",
    "config:regions.network.rejoin_request.enabled",
    "config:regions.network.rejoin_request.max_count_n",
    "config:regions.network.rejoin_request.max_time_n",
    "config:regions.network.class_b.ping_slot_dr",
    "config:regions.network.class_b.ping_slot_frequency",
)
def test_every_known_key_changes_what_was_read() -> None:
    configuration, warnings = parse_configuration(EVERY_KEY, {})
    (region,) = configuration.regions
    unchanged = {
        path
        for value, default in (
            (configuration, Configuration()),
            (region, Region(id="eu868")),
        )
        for (path, seen), (_, usual) in zip(leaves(value), leaves(default), strict=True)
        if seen == usual
    }

    assert [] == warnings
    # One value only, not of the integration, not of the files.
    assert {
        ".common_name",
        ".integration.broker.topic_prefix",
        ".strict_gateway_identity",
    } == unchanged
    assert (
        ExtraChannel(frequency_hz=7, data_rates=(1, 2)),
        ExtraChannel(frequency_hz=8, data_rates=(3, 4)),
    ) == region.network.extra_channels


def test_the_file_of_this_test_has_every_known_key() -> None:
    document: Mapping[str, Any] = tomllib.loads(EVERY_KEY)

    assert set(KNOWN) == set(_paths(document, ""))
