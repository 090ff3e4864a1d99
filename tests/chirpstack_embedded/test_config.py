"""ChirpStack's files as ChirpStack reads them (contract §6.1, §6.2)."""

import re
from pathlib import Path

import pytest

from chirpstack_embedded.config import load_configuration, parse_configuration
from chirpstack_embedded.config.duration import parse_duration_s
from chirpstack_embedded.errors import BadConfiguration
from chirpstack_embedded.settings import Settings, read_settings

SERVER_CONFIG = Path(__file__).parents[2] / "chirpstack" / "server-config"
ENVIRONMENT = {
    "CHIRPSTACK_MQTT_SERVER": "tcp://127.0.0.1:1884",
    "CHIRPSTACK_MQTT_USERNAME": "city",
    "CHIRPSTACK_MQTT_PASSWORD": "not a secret",
    "CHIRPSTACK_API_BIND": "127.0.0.1:8081",
    "CHIRPSTACK_API_SECRET": "0123456789abcdef",
}
MINIMAL = """
[api]
secret = "s"
[network]
enabled_regions = ["eu868"]
[[regions]]
id = "eu868"
common_name = "EU868"
"""


def faults_of(text: str) -> tuple[str, ...]:
    with pytest.raises(BadConfiguration) as caught:
        parse_configuration(text, {})
    return caught.value.faults


def test_the_projects_files_say_what_the_design_says() -> None:
    configuration, warnings = load_configuration(SERVER_CONFIG, ENVIRONMENT)

    assert [] == warnings
    assert 0.25 == configuration.network.scheduler.interval_s
    (region,) = configuration.regions
    assert (3, 869_525_000, 5, "eu868") == (
        region.network.rx2_dr,
        region.network.rx2_frequency_hz,
        region.network.max_dr,
        region.broker.topic_prefix,
    )
    assert [867_100_000 + 200_000 * i for i in range(5)] == [
        channel.frequency_hz for channel in region.network.extra_channels
    ]
    broker = configuration.integration.broker
    assert ("127.0.0.1", 1884, "city", 1, "chirpstack-integration") == (
        broker.host,
        broker.port,
        broker.username,
        broker.qos,
        broker.client_id,
    )


def test_no_variable_of_the_files_begins_with_another_one() -> None:
    # Substitution is textual and unordered: $AB would suffer from a variable A.
    text = "".join(file.read_text() for file in SERVER_CONFIG.glob("*.toml"))
    names = set(re.findall(r"\$([A-Z_]+)", text)) - {"NAME"}

    pairs = [(a, b) for a in names for b in names if a != b and b.startswith(a)]
    assert len(names) > 5
    assert [] == pairs


def test_every_variable_that_is_missing_is_named() -> None:
    with pytest.raises(BadConfiguration) as caught:
        load_configuration(SERVER_CONFIG, {})

    named = " ".join(caught.value.faults)
    assert all(name in named for name in ENVIRONMENT)


def test_secrets_are_not_shown() -> None:
    configuration, _ = load_configuration(SERVER_CONFIG, ENVIRONMENT)

    assert "0123456789abcdef" not in repr(configuration)
    assert "not a secret" not in repr(configuration)


@pytest.mark.proves("trap:20")
def test_unset_keys_have_the_defaults_of_the_code() -> None:
    configuration, _ = parse_configuration(MINIMAL, {})

    (region,) = configuration.regions
    assert (0, 0, 1, -1) == (
        region.network.max_dr,
        region.network.rx2_frequency_hz,
        region.network.rx1_delay,
        region.network.downlink_tx_power_dbm,
    )
    assert 1.0 == configuration.network.scheduler.interval_s
    assert not configuration.integration.enabled


@pytest.mark.proves("trap:20")
def test_a_region_that_is_not_enabled_is_dead() -> None:
    text = MINIMAL + '[[regions]]\nid = "us915_0"\ncommon_name = "US915"\n'

    configuration, _ = parse_configuration(text, {})

    assert ["eu868"] == [region.id for region in configuration.regions]


@pytest.mark.proves("trap:20")
def test_keys_that_are_not_used_are_named() -> None:
    text = MINIMAL.replace("[network]", "[network]\nadr_plugins = ['x']")

    _, warnings = parse_configuration(text, {})

    assert ["network.adr_plugins is not used by the embedded server"] == warnings


def test_all_faults_are_listed_at_once() -> None:
    faults = faults_of(
        """
        [api]
        bind = "nowhere"
        secret = "$CHIRPSTACK_API_SECRET"
        [network]
        enabled_regions = ["us915_0", "mars"]
        deduplication_delay = "soon"
        [network.scheduler]
        batch_size = "many"
        [integration.mqtt]
        server = "http://x"
        [[regions]]
        id = "us915_0"
        common_name = "KR920"
        """
    )

    words = [
        "api.bind is 'nowhere'",
        "CHIRPSTACK_API_SECRET is not set",
        "'mars'",
        "KR920",
        "deduplication_delay is 'soon'",
        "batch_size is 'many'",
        "server is 'http://x'",
    ]
    assert [] == [word for word in words if not any(word in fault for fault in faults)]


def test_no_enabled_region_is_a_fault() -> None:
    text = MINIMAL.replace('["eu868"]', "[]")

    assert any("no gateway would be heard" in fault for fault in faults_of(text))


def test_what_is_not_toml_is_said() -> None:
    assert "not TOML" in faults_of("[")[0]


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match=r"holds no \*\.toml file"):
        load_configuration(tmp_path, {})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("200ms", 0.2),
        ("1s", 1.0),
        ("1h 30m", 5400.0),
        ("2d", 172_800.0),
        ("", None),
        ("5", None),
        ("5 parsecs", None),
    ],
)
def test_durations_have_units(text: str, seconds: float | None) -> None:
    assert seconds == parse_duration_s(text)


def test_the_environment_is_read_whole() -> None:
    settings = read_settings(
        {
            "GARONNE_CHIRPSTACK_DB": "/tmp/x",  # noqa: S108 - never opened
            "GARONNE_METRICS": "127.0.0.1:9",
            "GARONNE_LOG": "DEBUG",
        }
    )

    assert (
        Settings(
            database="/tmp/x",  # noqa: S108 - never opened
            metrics=("127.0.0.1", 9),
            log_level="debug",
        )
        == settings
    )


def test_faults_of_the_environment_are_listed_at_once() -> None:
    with pytest.raises(BadConfiguration) as caught:
        read_settings({"GARONNE_METRICS": "here", "GARONNE_LOG": "loud"})

    assert 2 == len(caught.value.faults)
