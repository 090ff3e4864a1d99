import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.declared import DeclaredCity, DeclaredDevice, DeclaredGateway
from wire.errors import Malformed
from wire.eui64 import EUI64

CITY = """
[city]
name = "First light"
seed = 7

[chirpstack]
tenant = "Toulouse"
application = "city"
"""
GATEWAYS = """\
gateway_id,name,latitude,longitude,altitude_m
0016c001f1500a2b,Capitole,43.6045,1.444,152
"""
DEVICES = """\
name,device_type,dev_eui,join_eui,latitude,longitude,street,district,box
lamp-1,street-light,a81758fffe0301c4,70b3d57ed0000a01,43.604,1.443,Rue Alsace,Centre,
bay-1,parking-bay,A8-17-58-FF-FE-03-01-C5,70b3d57ed0000a01,43.605,1.442,"Sud, 2",,yes
"""


def parse(
    city: str = CITY, gateways: str = GATEWAYS, devices: str = DEVICES
) -> DeclaredCity:
    return DeclaredCity.parse(
        city_toml=city, gateways_csv=gateways, devices_csv=devices
    )


def faults(
    city: str = CITY, gateways: str = GATEWAYS, devices: str = DEVICES
) -> list[str]:
    with pytest.raises(Malformed) as found:
        parse(city, gateways, devices)
    return str(found.value).splitlines()


def test_a_city_is_what_its_files_say() -> None:
    city = parse()

    assert ("First light", 7, "eu868") == (city.name, city.seed, city.region)
    assert ("Toulouse", "city") == (city.tenant, city.application)
    assert (
        DeclaredGateway(
            gateway_id=EUI64.parse("0016c001f1500a2b"),
            name="Capitole",
            latitude=43.6045,
            longitude=1.444,
            altitude_m=152,
        ),
    ) == city.gateways
    assert (
        DeclaredDevice(
            name="bay-1",
            device_type="parking-bay",
            dev_eui=EUI64.parse("a81758fffe0301c5"),
            join_eui=EUI64.parse("70b3d57ed0000a01"),
            latitude=43.605,
            longitude=1.442,
            street="Sud, 2",
            district="",
            box=True,
        )
        == city.devices[1]
    )


def test_a_device_in_the_box_is_left_for_the_technician() -> None:
    assert ["lamp-1"] == [device.name for device in parse().provisioned]


def test_a_file_from_a_spreadsheet_reads_the_same() -> None:
    assert parse() == parse(devices="\ufeff" + DEVICES.replace("\n", "\r\n"))


def test_an_empty_city_may_be_declared() -> None:
    header = DEVICES.splitlines()[0]

    assert () == parse(devices=header).devices


def test_every_fault_is_named_at_once_with_its_place() -> None:
    expected = [
        "city.toml: [city] seed is a whole number, not None",
        "city.toml: [chirpstack] tenant is a text, not None",
        "city.toml: [chirpstack] application is a text, not None",
        "gateways.csv:2: latitude is a number within ±90, not '91'",
        "devices.csv:2: dev_eui: EUI64 is 16 hexadecimal digits, not 'a8'",
        "devices.csv:2: box is yes or empty, not 'perhaps'",
        "devices.csv:3: name is empty",
    ]

    assert expected == faults(
        city='[city]\nname = "x"\n',
        gateways=GATEWAYS.replace("43.6045", "91"),
        devices=DEVICES.replace("a81758fffe0301c4", "a8")
        .replace("Centre,", "Centre,perhaps")
        .replace("bay-1", ""),
    )


def test_the_same_device_twice_is_a_fault() -> None:
    twice = DEVICES + DEVICES.splitlines()[1] + "\n"

    assert [
        "devices.csv: dev_eui a81758fffe0301c4 stands twice",
        "devices.csv: name lamp-1 stands twice",
    ] == faults(devices=twice)


def test_a_missing_column_is_named_once() -> None:
    assert ["gateways.csv: has no column altitude_m"] == faults(
        gateways="gateway_id,name,latitude,longitude\n"
    )


@pytest.mark.parametrize("row", ["lamp-2,street-light", "," * 9])
def test_a_row_of_another_width_is_a_fault(row: str) -> None:
    assert ["devices.csv:4: has not as many cells as the header"] == faults(
        devices=DEVICES + row + "\n"
    )


@pytest.mark.parametrize("number", ["", "north", "nan", "inf", "180.1"])
def test_a_place_is_a_finite_number(number: str) -> None:
    found = faults(devices=DEVICES.replace("1.443", number))

    assert [
        f"devices.csv:2: longitude is a number within ±180, not {number!r}"
    ] == found


def test_a_city_that_is_not_toml_says_so() -> None:
    (fault,) = faults(city="[city")

    assert fault.startswith("city.toml: is not TOML")


def test_a_broken_quote_says_so() -> None:
    assert any("is not CSV" in fault for fault in faults(devices=DEVICES + '"a"b,c'))


@given(st.text(), st.text(), st.text())
def test_any_texts_are_a_city_or_malformed(
    city: str, gateways: str, devices: str
) -> None:
    header = DEVICES.splitlines()[0] + "\n"
    for rows in (devices, header + devices):
        try:
            parse(city, gateways, rows)
        except Malformed:
            continue


def test_a_region_that_is_not_in_the_catalogue_is_named_with_all_that_are() -> None:
    (fault,) = faults(CITY.replace("[city]", '[city]\nregion = "mars"'))

    assert fault.startswith("city.toml: region is 'mars', not one of eu868, us915_0")
