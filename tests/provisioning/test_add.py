"""A technician adds one device, or is told why not."""

from pathlib import Path

import pytest
from tests.provisioning.registry import FakeRegistry

from city.types import read_catalogue
from provisioning.add import NewDevice, Refused, device_add, from_label, label_of
from provisioning.apply import apply
from provisioning.entry import read_city
from wire.tr005 import DeviceLabel

HOME = Path(__file__).parents[2]
CITY = read_city(HOME, "first-light")
TYPES = read_catalogue(HOME)
KEYS = {str(device.dev_eui): f"{n:032x}" for n, device in enumerate(CITY.devices)}
BOXED = next(device for device in CITY.devices if device.box)
OTHER = "70b3d57ed0000042"
TYPED = "000102030405060708090a0b0c0d0e0f"


@pytest.fixture
def network() -> FakeRegistry:
    registry = FakeRegistry()
    apply(CITY, TYPES, KEYS, registry)
    return registry


def test_a_qr_code_is_all_it_takes_for_a_device_in_the_box(
    network: FakeRegistry,
) -> None:
    new = from_label(label_of(BOXED, TYPES), TYPES)

    outcome = device_add(new, CITY, TYPES, KEYS, network)

    assert "device lamp-11 (02746c6c0000000b) created" == str(outcome)
    device = network.device(str(BOXED.dev_eui))
    assert ("Quai de Tounis", str(BOXED.join_eui)) == (
        device.tags["street"],
        device.join_eui,
    )
    assert KEYS[device.dev_eui] == network.keys[device.dev_eui]


def test_a_device_nobody_declared_is_added_from_typed_values(
    network: FakeRegistry,
) -> None:
    new = NewDevice(dev_eui=OTHER.upper(), device_type="street-light", app_key=TYPED)

    outcome = device_add(new, CITY, TYPES, {}, network)

    assert ("created", "street-light 0042") == (outcome.verdict, outcome.name)
    assert TYPED == network.keys[OTHER]


def test_adding_it_twice_changes_nothing(network: FakeRegistry) -> None:
    new = NewDevice(dev_eui=str(BOXED.dev_eui))
    device_add(new, CITY, TYPES, KEYS, network)

    assert "unchanged" == device_add(new, CITY, TYPES, KEYS, network).verdict


def test_adding_it_with_another_key_corrects_the_key(network: FakeRegistry) -> None:
    new = NewDevice(dev_eui=str(BOXED.dev_eui), app_key=TYPED)
    device_add(NewDevice(dev_eui=new.dev_eui), CITY, TYPES, KEYS, network)

    outcome = device_add(new, CITY, TYPES, KEYS, network)

    assert ("updated", "key") == (outcome.verdict, outcome.why)
    assert TYPED == network.keys[new.dev_eui]


@pytest.mark.parametrize(
    ("new", "sentence"),
    [
        (NewDevice(dev_eui="0102"), "the DevEUI is wrong"),
        (NewDevice(dev_eui=OTHER), "nobody says what type"),
        (NewDevice(dev_eui=OTHER, device_type="toaster"), "no device type 'toaster'"),
        (NewDevice(dev_eui=OTHER, device_type="parking-bay"), "with --app-key"),
        (
            NewDevice(dev_eui=OTHER, device_type="parking-bay", app_key="12"),
            "not 32 hexadecimal digits",
        ),
        (NewDevice(dev_eui=OTHER, join_eui="x"), "the JoinEUI is wrong"),
    ],
)
def test_what_cannot_be_right_is_refused_in_a_sentence(
    new: NewDevice, sentence: str, network: FakeRegistry
) -> None:
    network.writes.clear()

    with pytest.raises(Refused, match=sentence):
        device_add(new, CITY, TYPES, KEYS, network)

    assert [] == network.writes


def test_without_a_provisioned_city_it_says_what_to_do() -> None:
    with pytest.raises(Refused, match="provision the city first"):
        device_add(
            NewDevice(dev_eui=str(BOXED.dev_eui)), CITY, TYPES, KEYS, FakeRegistry()
        )


def test_a_device_in_another_application_is_left_alone(network: FakeRegistry) -> None:
    other = CITY.devices[0]
    network.applications_by_id["else"] = ("somebody", "elses")
    eui = str(other.dev_eui)
    device = network.devices_by_eui.pop(eui)
    network.devices_by_eui[eui] = type(device)(
        dev_eui=eui,
        name="theirs",
        application_id="else",
        device_profile_id=device.device_profile_id,
    )

    with pytest.raises(Refused, match="in another application"):
        device_add(NewDevice(dev_eui=eui), CITY, TYPES, KEYS, network)


def test_a_text_that_is_no_label_is_refused() -> None:
    with pytest.raises(Refused, match="not the QR code of a LoRaWAN device"):
        from_label("https://example.org", TYPES)


def test_an_unknown_profile_names_those_that_are_known() -> None:
    label = DeviceLabel(
        join_eui=BOXED.join_eui,
        dev_eui=BOXED.dev_eui,
        vendor_id=0xABCD,
        vendor_profile_id=1,
    )

    with pytest.raises(Refused, match=r"ABCD0001.*00450110 parking-bay"):
        from_label(label.text(), TYPES)


def test_every_type_has_a_label_that_leads_back_to_it() -> None:
    for device in CITY.devices:
        found = from_label(label_of(device, TYPES), TYPES)

        assert (str(device.dev_eui), device.device_type) == (
            found.dev_eui,
            found.device_type,
        )
