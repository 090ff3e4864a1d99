"""The devices of a city by name, as a ChirpStack lists them."""

import pytest

from city.errors import NotThere
from city.identity import Directory
from city.network import Network
from city.objects import Device


def test_the_directory_names_the_city(network: Network, device: Device) -> None:
    directory = Directory(network, tenant="Toulouse", application="city")
    lamp = directory.one("lamp 1")

    assert (device.dev_eui, "street-light") == (lamp.dev_eui, lamp.device_type)
    assert [lamp] == directory.find("rue du taur")
    with pytest.raises(NotThere, match=r"no device is called .*did you mean lamp 1\?"):
        directory.one("lampe 1")


@pytest.mark.parametrize(
    ("tenant", "application", "said"),
    [("Nowhere", "city", "no tenant"), ("Toulouse", "town", "no application 'town'")],
)
def test_the_directory_says_what_lacks(
    network: Network,
    device: Device,
    tenant: str,
    application: str,
    said: str,
) -> None:
    del device  # it is there
    with pytest.raises(NotThere, match=said):
        Directory(network, tenant=tenant, application=application).all()
