"""The environment is read whole, and every fault is told at once."""

import logging
from pathlib import Path

import pytest

from gateway_sim.chirpstack import Encoding
from gateway_sim.mqtt import Broker
from gateway_sim.settings import Settings
from gateway_sim.station import LnsServer
from gateway_sim.udp import Server
from wire.settings import Address, WrongSettings


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "cities" / "toulouse").mkdir(parents=True)
    (tmp_path / "cities" / "toulouse" / "city.toml").touch()
    return tmp_path


def test_an_empty_environment_means_loopback_and_first_light(home: Path) -> None:
    settings = Settings.read({"GARONNE_HOME": str(home)})

    assert home / "cities" / "toulouse" == settings.city
    assert Broker(host="127.0.0.1", port=1883) == settings.broker
    assert Address(host="127.0.0.1", port=1702) == settings.air
    assert settings.metrics is None
    assert (settings.broker, "[]") == (settings.server, settings.faults)
    assert Server(host="127.0.0.1", port=1700) == settings.udp
    assert (Encoding.PROTOBUF, 30.0) == (settings.encoding, settings.stats_interval_s)


def test_every_setting_is_read(home: Path) -> None:
    (home / "faults.json").write_text('[{"kind": "outage"}]')
    settings = Settings.read(
        {
            "GARONNE_HOME": str(home),
            "GARONNE_MQTT": "mqtt://city:p%20w@broker.example:1884",
            "GARONNE_AIR": "127.0.0.1:5000",
            "GARONNE_METRICS": "127.0.0.1:9100",
            "GARONNE_GATEWAY_ENCODING": "json",
            "GARONNE_GATEWAY_STATS_S": "5",
            "GARONNE_GATEWAY_PROTOCOL": "udp",
            "GARONNE_GATEWAY_UDP": "bridge.example:1701",
            "GARONNE_FAULTS": str(home / "faults.json"),
            "GARONNE_LOG": "warning",
        }
    )

    broker = Broker(host="broker.example", port=1884, user="city", password="p w")
    assert broker == settings.broker
    assert Address(host="127.0.0.1", port=5000) == settings.air
    assert Address(host="127.0.0.1", port=9100) == settings.metrics
    assert (Encoding.JSON, 5.0) == (settings.encoding, settings.stats_interval_s)
    assert logging.WARNING == settings.log_level
    assert Server(host="bridge.example", port=1701) == settings.server
    assert '[{"kind": "outage"}]' == settings.faults


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("", "ws://127.0.0.1:3001"),
        ("wss://lns.example:3001/", "wss://lns.example:3001"),
        ("ws://[::1]:3001", "ws://[::1]:3001"),
    ],
)
def test_basics_station_has_an_address_of_its_own(
    home: Path, text: str, uri: str
) -> None:
    settings = Settings.read(
        {
            "GARONNE_HOME": str(home),
            "GARONNE_GATEWAY_PROTOCOL": "station",
            "GARONNE_GATEWAY_STATION": text,
        }
    )

    assert LnsServer(uri=uri) == settings.server


def test_all_faults_are_told_at_once(home: Path) -> None:
    with pytest.raises(WrongSettings) as caught:
        Settings.read(
            {
                "GARONNE_HOME": str(home),
                "GARONNE_CITY": "nowhere",
                "GARONNE_MQTT": "http://broker",
                "GARONNE_AIR": "5000",
                "GARONNE_METRICS": "host:port",
                "GARONNE_GATEWAY_ENCODING": "xml",
                "GARONNE_GATEWAY_STATS_S": "nan",
                "GARONNE_GATEWAY_PROTOCOL": "smoke",
                "GARONNE_GATEWAY_UDP": "1700",
                "GARONNE_GATEWAY_STATION": "http://lns",
                "GARONNE_FAULTS": str(home / "nowhere.json"),
                "GARONNE_LOG": "loud",
            }
        )

    assert [
        "GARONNE_CITY",
        "GARONNE_MQTT",
        "GARONNE_GATEWAY_PROTOCOL",
        "GARONNE_GATEWAY_UDP",
        "GARONNE_GATEWAY_STATION",
        "GARONNE_FAULTS",
        "GARONNE_AIR",
        "GARONNE_METRICS",
        "GARONNE_GATEWAY_ENCODING",
        "GARONNE_GATEWAY_STATS_S",
        "GARONNE_LOG",
    ] == [fault.partition("=")[0] for fault in caught.value.faults]


def test_a_fault_never_shows_a_password(home: Path) -> None:
    with pytest.raises(WrongSettings) as caught:
        Settings.read(
            {"GARONNE_HOME": str(home), "GARONNE_MQTT": "http://city:secret@broker"}
        )

    assert "secret" not in str(caught.value)
    assert "secret" not in repr(Broker(host="h", port=1, user="u", password="secret"))


def test_the_broker_may_stand_in_a_file(home: Path) -> None:
    held = home / "mqtt"
    held.write_text("mqtt://gateways:secret@broker:1884\n")
    told = {"GARONNE_HOME": str(home), "GARONNE_MQTT_FILE": str(held)}

    assert Broker(host="broker", port=1884, user="gateways", password="secret") == (
        Settings.read(told).broker
    )


def test_a_file_that_is_not_there_is_a_fault_of_its_setting(home: Path) -> None:
    told = {"GARONNE_HOME": str(home), "GARONNE_MQTT_FILE": "/nowhere/mqtt"}

    with pytest.raises(WrongSettings) as caught:
        Settings.read(told)
    assert "/nowhere/mqtt: No such file or directory" in str(caught.value)


def test_what_was_left_to_a_default_is_said_in_one_sentence(home: Path) -> None:
    told = {"GARONNE_HOME": str(home)}

    assert (
        "GARONNE_MQTT is not set: the broker is looked for at mqtt://127.0.0.1:1883",
        "GARONNE_AIR is not set: devices are heard at 127.0.0.1:1702",
    ) == Settings.read(told).unset
    udp = told | {"GARONNE_GATEWAY_PROTOCOL": "udp", "GARONNE_AIR": "127.0.0.1:1"}
    assert (
        (
            "GARONNE_GATEWAY_UDP is not set:"
            " the packet forwarder's server is 127.0.0.1:1700"
        ),
    ) == Settings.read(udp).unset
