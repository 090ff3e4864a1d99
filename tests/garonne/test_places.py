"""A person means a device by its name, or all lamps of a street or a district."""

from pathlib import Path

import pytest

from garonne.errors import Refused
from garonne.places import find_devices

HOME = Path(__file__).parents[2]
TOULOUSE = {"GARONNE_HOME": str(HOME), "GARONNE_CITY": "toulouse"}


def found(word: str) -> list[str]:
    return [one.name for one in find_devices(TOULOUSE, word, "street-light")]


@pytest.mark.parametrize("word", ["lamp-03", "LAMP-03 ", "02746c6c00000103"])
def test_a_name_or_a_dev_eui_means_one_device(word: str) -> None:
    assert ["lamp-03"] == found(word)


@pytest.mark.parametrize("word", ["Rue Vestrepain", "rue vestrepain"])
def test_a_street_means_all_its_lamps(word: str) -> None:
    assert 4 == len(found(word))


def test_a_district_means_all_its_lamps_and_no_other_device() -> None:
    assert ["lamp-14", "lamp-15"] == found("Carmes")


def test_a_lamp_in_its_box_is_meant_by_its_name_only() -> None:
    assert ["lamp-41"] == found("lamp-41")
    assert "lamp-41" not in found("Boulevard de Strasbourg")


@pytest.mark.parametrize("word", ["lamp-99", "Rue Vestrepin", "", "Reynerie"])
def test_nobody_is_one_sentence_with_the_nearest_names(word: str) -> None:
    with pytest.raises(Refused, match="has no device, street or district"):
        found(word)
    if word == "Rue Vestrepin":
        with pytest.raises(Refused, match="did you mean Rue Vestrepain"):
            found(word)
