"""What the client reads and writes, against the embedded server's own API."""

import pytest
from tests.city.network.conftest import EUI, PROFILE

from city.errors import NotThere
from city.network import Network
from city.objects import Device, Gateway, QueueItem

KEY = "000102030405060708090a0b0c0d0e0f"


def test_what_was_created_is_found_again(
    network: Network, tenant_id: str, device: Device
) -> None:
    assert device == network.device(EUI)
    assert "Toulouse" in [tenant.name for tenant in network.tenants()]
    assert ["city"] == [found.name for found in network.applications(tenant_id)]
    assert ["street-light"] == [p.name for p in network.device_profiles(tenant_id)]
    (listed,) = network.devices(device.application_id)
    assert (EUI, "Lamp 1", None) == (listed.dev_eui, listed.name, listed.last_seen_at)
    profile = network.device_profile(device.device_profile_id)
    assert PROFILE.items() <= profile.items()


def test_a_profile_can_be_replaced(network: Network, device: Device) -> None:
    profile = dict(network.device_profile(device.device_profile_id))
    network.update_device_profile(profile | {"uplink_interval": 900})

    found = network.device_profile(device.device_profile_id)
    assert 900 == found["uplink_interval"]


def test_a_key_can_be_given_and_changed(network: Network, device: Device) -> None:
    assert network.app_key(device.dev_eui) is None

    network.set_app_key(EUI, KEY)

    assert KEY == network.app_key(EUI)

    network.set_app_key(EUI, KEY[::-1])

    assert KEY[::-1] == network.app_key(EUI)


def test_a_device_that_never_joined_has_no_session(
    network: Network, device: Device
) -> None:
    assert network.activation(device.dev_eui) is None


def test_the_queue_is_filled_read_and_flushed(network: Network, device: Device) -> None:
    item = QueueItem(id="", f_port=60, data=b"\x01\x3c", expires_at=2e9)
    item_id = network.enqueue(device.dev_eui, item)
    (found,) = network.queue(EUI)

    assert (item_id, 60, b"\x01\x3c", 2e9) == (
        found.id,
        found.f_port,
        found.data,
        found.expires_at,
    )

    network.flush_queue(EUI)

    assert [] == network.queue(EUI)


def test_a_gateway_can_be_made_changed_and_taken_away(
    network: Network, tenant_id: str
) -> None:
    gateway = Gateway(
        gateway_id="0016c001f1500a2b",
        name="Capitole",
        tenant_id=tenant_id,
        latitude=43.6045,
        longitude=1.444,
        altitude_m=152.0,
        tags={"roof": "flat"},
    )
    network.create_gateway(gateway)

    assert gateway == network.gateway(gateway.gateway_id)
    (listed,) = network.gateways(tenant_id)
    assert ("Capitole", "NEVER_SEEN") == (listed.name, listed.state)

    network.delete_gateway(gateway.gateway_id)

    with pytest.raises(NotThere):
        network.gateway(gateway.gateway_id)
