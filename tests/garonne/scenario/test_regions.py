"""A small city in every region: join, uplinks, commands and ADR, in virtual time."""

import re
import shutil
from pathlib import Path

import pytest
from tests.garonne.scenario.small import HOME, LAMPS, lamps, ran, wrong

from garonne.scenario.files import prepared
from garonne.scenario.virtual import VirtualCity
from wire.errors import Malformed
from wire.lorawan.region.catalogue import REGIONS
from wire.scenario import Scenario

DIM = {"fleet": "lamps", "object": {"level": 60}, "at_s": 400, "every_s": 60}
ADR = re.compile(rb"LinkADRReq\(data_rate=(\d+), tx_power=(\d+)")
# Frequencies in MHz that devices of a set-up may use once they have joined.
HEARD_IN = {
    "us915_0": (902.3, 903.7),
    "us915_1": (903.9, 905.3),
    "us915_7": (913.5, 914.9),
    "au915_1": (916.8, 918.2),
    "as923": (923.2, 923.4),
    "as923_2": (921.4, 921.6),
    "as923_3": (916.6, 916.8),
    "as923_4": (917.3, 917.5),
    "in865": (865.0625, 865.985),
}


def city(region: str, log: list[bytes]) -> dict[str, object]:
    scenario = {**LAMPS["scenario"], "duration_s": 1200, "region": region}
    return ran(lamps(scenario=scenario, commands=[DIM]), log)


@pytest.mark.slow
@pytest.mark.proves("feature:regions", "mac:LinkADRReq", "event:join", "event:txack")
@pytest.mark.parametrize("region", HEARD_IN)
def test_lamps_of_every_region_join_report_and_obey(region: str) -> None:
    log: list[bytes] = []
    report = city(region, log)

    assert [] == wrong(
        report,
        "joined = 1",
        "lost = 0",
        "delivery > 0.8",
        "laws.* = true",
        "commands.requested = 14",
        "commands.confirmed = 14",
    )
    assert b"DOWNLINK_GATEWAY" not in b"".join(log)


@pytest.mark.slow
@pytest.mark.parametrize("region", HEARD_IN)
def test_uplinks_keep_to_the_channels_the_network_hears(region: str) -> None:
    log: list[bytes] = []
    city(region, log)

    sent = [line for line in log if b"device.uplink.send" in line]
    low, high = HEARD_IN[region]
    used = {float(line.split(b"mhz=")[1].split()[0]) for line in sent}
    assert sent
    # The one wide channel of a sub-band lies among its narrow ones, or near them.
    wide = {c.frequency_hz / 1e6 for c in REGIONS[region].stock_channels()}
    assert [] == sorted(
        mhz for mhz in used if not low <= mhz <= high and mhz not in wide
    )


@pytest.mark.slow
@pytest.mark.proves("mac:LinkADRReq", "feature:adr")
@pytest.mark.parametrize("region", HEARD_IN)
def test_adr_lowers_the_power_of_near_lamps(region: str) -> None:
    log: list[bytes] = []
    city(region, log)

    powers = [int(power) for _, power in ADR.findall(b"\n".join(log))]
    assert powers
    assert max(powers) > 0


def test_a_region_that_nobody_knows_is_refused_by_name() -> None:
    with pytest.raises(Malformed, match="region is one of eu868, us915_0"):
        Scenario.of(lamps(scenario={**LAMPS["scenario"], "region": "mars"}))


@pytest.mark.slow
@pytest.mark.proves("feature:lorawan-1.1", "mac:RekeyInd", "mac:DeviceModeInd")
@pytest.mark.parametrize("region", ["eu868", "us915_1", "as923"])
def test_a_city_of_lorawan_1_1_joins_reports_and_obeys(
    region: str, tmp_path: Path
) -> None:
    home = newer(tmp_path)
    log: list[bytes] = []
    scenario = {**LAMPS["scenario"], "duration_s": 900, "region": region}
    document = lamps(scenario=scenario, commands=[DIM])
    ready = prepared(Scenario.of(document), home)

    report = VirtualCity(ready, home, log=log.append).run()

    assert [] == wrong(
        report,
        "joined = 1",
        "lost = 0",
        "delivery > 0.8",
        "laws.* = true",
        "commands.requested = 9",
        "commands.confirmed = 9",
    )
    said = b"\n".join(log)
    assert 4 == said.count(b"RekeyConf(minor=1)")
    assert 4 == said.count(b"DeviceModeConf(device_class=2)")


def newer(folder: Path) -> Path:
    """The catalogue with street lights of LoRaWAN 1.1."""
    shutil.copytree(HOME / "chirpstack", folder / "chirpstack", symlinks=True)
    path = folder / "chirpstack" / "device-types" / "street-light" / "device-type.toml"
    text = path.read_text("utf-8")
    assert 'mac_version = "1.0.3"' in text
    path.write_text(text.replace('"1.0.3"', '"1.1.0"'), "utf-8")
    return folder
