"""Class B from end to end, in virtual time: beacon, lock, ping slot, report."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.garonne.scenario.small import HOME, LAMPS, lamps

from garonne.scenario.files import prepared
from garonne.scenario.virtual import VirtualCity
from gateway_sim.beacons import Beacons
from lorawan_sim.device import Device
from lorawan_sim.events import DeviceEvent, What
from wire.lorawan.region.eu868 import EU868
from wire.scenario import Scenario

AT_NIGHT = {"begins": "2026-10-01T23:30:00+02:00"}
CLASS_B = """supports_class_b = true
class_b_ping_slot_periodicity = 3
class_b_ping_slot_dr = 3
class_b_timeout = 10
"""


class Beaconing(VirtualCity):
    """A virtual city whose gateways send beacons."""

    def __init__(self, document: dict[str, Any], home: Path) -> None:
        super().__init__(prepared(Scenario.of(document), home), home)
        self.happened: list[DeviceEvent] = []
        for gateway in self._radio.gateways.values():
            gateway._beacons = Beacons(gateway.place, EU868)

    def _note(self, device: Device, event: DeviceEvent) -> None:
        self.happened.append(event)
        super()._note(device, event)

    def told(self, what: What) -> list[DeviceEvent]:
        return [event for event in self.happened if event.what is what]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A catalogue in which the street light is a class B device."""
    shutil.copytree(HOME / "chirpstack", tmp_path / "chirpstack")
    path = tmp_path / "chirpstack/device-types/street-light/device-type.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("supports_class_c = true\n", CLASS_B), "utf-8")
    return tmp_path


@pytest.mark.slow
@pytest.mark.proves("feature:class-b")
def test_a_lamp_that_found_the_beacon_is_commanded_in_its_ping_slot(
    home: Path,
) -> None:
    document = lamps(
        scenario={**LAMPS["scenario"], "duration_s": 500},
        world=AT_NIGHT,
        fleets=[{**LAMPS["fleets"][0], "report_every_s": 120}],
        commands=[{"fleet": "lamps", "object": {"level": 60}, "at_s": 420}],
    )
    city = Beaconing(document, home)

    report = city.run()

    assert 4 == len(city.told(What.BEACON_LOCKED))
    heard = city.told(What.DOWNLINK_HEARD)
    assert "ping slot" in {str(event.fact("slot")) for event in heard}
    found = report["commands"]
    assert (1, 1) == (found["requested"], found["confirmed"])
