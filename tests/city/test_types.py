"""The catalogue: every type of the checkout is usable, and a bad one says why."""

from pathlib import Path

import pytest

from city.command import Payload
from city.errors import BadCommand, BadDeviceType
from city.settings import default_home
from city.types import LARGEST_BYTES, DeviceType, Planner, read_catalogue

CATALOGUE = read_catalogue(default_home())


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_every_types_commands_can_be_planned(name: str) -> None:
    device_type = CATALOGUE[name]
    planner = Planner(device_type)

    assert bool(device_type.commands) == (planner.rules is not None)


def test_a_lamp_is_told_a_level_and_asked_for_its_state() -> None:
    planner = Planner(CATALOGUE["street-light"])
    assert planner.rules is not None
    report = {"message": "status", "level": 60, "reason": "manual"}

    assert planner.plan({"level": 60}).data
    assert planner.rules.status_request == planner.plan({"request": "status"})
    assert planner.rules.confirms({"level": 60}, report)
    assert not planner.rules.confirms({"level": 60}, report | {"level": 59})
    assert not planner.rules.confirms({"level": 60}, report | {"reason": "input"})


def test_a_parking_bay_takes_no_commands() -> None:
    with pytest.raises(BadCommand, match="a parking-bay takes no commands"):
        Planner(CATALOGUE["parking-bay"]).plan({"level": 60})


def test_what_the_codec_refuses_is_said_with_the_wish() -> None:
    with pytest.raises(BadCommand, match=r"does not take \{'level': 101\}"):
        Planner(CATALOGUE["street-light"]).plan({"level": 101})


def long_type(size: int) -> DeviceType:
    return DeviceType(
        name="long",
        title="Long",
        maker="",
        model="",
        vendor_id="",
        vendor_profile_id="",
        profile={},
        commands={
            "confirm_message": "status",
            "confirm_fields": [],
            "confirm_within_s": 1,
            "expires_s": 1,
        },
        codec="function encodeDownlink() {"
        f" return {{bytes: new Array({size}).fill(1), fPort: 1}}; }}",
    )


def test_a_command_that_may_not_fit_the_slowest_rate_is_refused() -> None:
    largest = Planner(long_type(LARGEST_BYTES)).plan({})

    assert Payload(f_port=1, data=bytes([1] * LARGEST_BYTES)) == largest
    with pytest.raises(BadCommand, match="takes 52 bytes; 51 fit"):
        Planner(long_type(LARGEST_BYTES + 1)).plan({})


def test_all_faults_of_the_catalogue_are_told(tmp_path: Path) -> None:
    for name, text in {"a": "[", "b": "", "c": "[device_type]\nname = 'c'"}.items():
        folder = tmp_path / "chirpstack" / "device-types" / name
        folder.mkdir(parents=True)
        (folder / "device-type.toml").write_text(text, encoding="utf-8")

    with pytest.raises(BadDeviceType) as caught:
        read_catalogue(tmp_path)

    assert ["a", "b", "c"] == [
        Path(fault.split("/device-type.toml")[0]).name
        for fault in str(caught.value).split("; ")
    ]
