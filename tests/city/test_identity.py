"""Whom a word means."""

import pytest

from city.identity import Identity, match

LAMPS = [
    Identity(
        dev_eui="a81758fffe0301c4",
        name="Lamp 1",
        device_type="street-light",
        application_id="a",
        tags={"street": "Rue du Taur", "district": "Capitole"},
    ),
    Identity(
        dev_eui="a81758fffe0301c5",
        name="Lamp 2",
        device_type="street-light",
        application_id="a",
        tags={"street": "Rue du Taur"},
    ),
    Identity(
        dev_eui="a81758fffe0301c6",
        name="Rue du Taur",
        device_type="street-light",
        application_id="a",
    ),
]


@pytest.mark.parametrize(
    ("who", "names"),
    [
        ("A8:17:58:FF:FE:03:01:C4", ["Lamp 1"]),
        ("a81758fffe0301c5", ["Lamp 2"]),
        ("lamp  2", ["Lamp 2"]),
        ("capitole", ["Lamp 1"]),
        ("", []),
        ("lamp", []),
    ],
)
def test_a_word_means_the_devices_it_names(who: str, names: list[str]) -> None:
    assert names == [device.name for device in match(LAMPS, who)]


def test_a_name_comes_before_a_street() -> None:
    assert ["Rue du Taur"] == [device.name for device in match(LAMPS, "rue du taur")]


def test_a_street_means_everybody_in_it() -> None:
    assert ["Lamp 1", "Lamp 2"] == [d.name for d in match(LAMPS[:2], "Rue du Taur")]
