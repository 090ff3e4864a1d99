"""What the supervisor tells the embedded ChirpStack about its gateways."""

from pathlib import Path

import pytest

from garonne.settings import Settings
from garonne.stack import _chirpstack

STRICT = "GARONNE_CHIRPSTACK_STRICT_GATEWAYS"
STATION = "GARONNE_CHIRPSTACK_STATION"


def told(folder: Path, **given: str) -> dict[str, str]:
    settings = Settings.read({"GARONNE_STATE": str(folder)})
    usual = {
        "GARONNE_MQTT": "mqtt://127.0.0.1:1883",
        "GARONNE_CHIRPSTACK_GRPC": "127.0.0.1:8080",
        "GARONNE_REDIS": "redis://127.0.0.1:6379/0",
    }
    return _chirpstack(settings, usual | given)


@pytest.mark.proves("feature:strict-gateways")
def test_in_the_stack_a_gateway_speaks_for_itself_only(tmp_path: Path) -> None:
    assert "yes" == told(tmp_path)[STRICT]
    assert "no" == told(tmp_path, **{STRICT: "no"})[STRICT]


def test_endpoints_of_gateways_are_handed_on_and_closed_unless_given(
    tmp_path: Path,
) -> None:
    assert "" == told(tmp_path)[STATION]
    address = "127.0.0.1:3001"
    assert address == told(tmp_path, **{STATION: address})[STATION]
