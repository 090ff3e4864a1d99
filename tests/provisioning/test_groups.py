"""Multicast groups: one per street and district, with keys nobody is shown."""

from pathlib import Path

import pytest
from tests.provisioning.registry import FakeRegistry

from city.objects import Group
from city.types import read_catalogue, read_type
from lorawan_sim.payloads.ul20xx_commands import JoinGroup, parse
from provisioning.apply import apply, plan
from provisioning.group_keys import message_of
from provisioning.groups import address_of
from provisioning.outcome import Outcome
from wire.declared import DeclaredCity
from wire.errors import Malformed

HOME = Path(__file__).parents[2]
CITY = """
[city]
name = "Testville"
seed = 1

[chirpstack]
tenant = "t"
application = "a"
"""
GROUPS = """
[[groups]]
device_type = "street-light"
by = ["street", "district"]
"""
GATEWAYS = """gateway_id,name,latitude,longitude,altitude_m
02746c7300000001,west,43.60,1.40,150
02746c7300000002,east,43.60,1.50,150
"""
HEAD = "name,device_type,dev_eui,join_eui,latitude,longitude,street,district,box\n"
ROW = (
    "lamp-{n},street-light,02746c6c0000010{n},02746c6a00000002,43.6,{e},{s},Nord,{b}\n"
)


def town(*rows: tuple[float, str, str], groups: str = GROUPS) -> DeclaredCity:
    devices = HEAD + "".join(
        ROW.format(n=n, e=e, s=s, b=b) for n, (e, s, b) in enumerate(rows)
    )
    return DeclaredCity.parse(
        city_toml=CITY + groups, gateways_csv=GATEWAYS, devices_csv=devices
    )


QUIET = town((1.41, "Rue A", ""), (1.42, "Rue A", ""), (1.49, "Rue B", ""))


def run(city: DeclaredCity, registry: FakeRegistry) -> dict[str, Outcome]:
    keys = {str(device.dev_eui): "0" * 32 for device in city.devices}
    outcomes = apply(city, read_catalogue(HOME), keys, registry)
    return {one.name: one for one in outcomes if one.kind == "multicast group"}


def group(registry: FakeRegistry, name: str) -> Group:
    return next(one for one in registry.groups.by_id.values() if one.name == name)


def test_there_is_a_group_for_each_place_with_two_lamps() -> None:
    assert ["street-light street Rue A", "street-light district Nord"] == [
        one.name for one in QUIET.groups
    ]
    assert [0, 1] == [one.slot for one in QUIET.groups]


def test_a_lamp_in_its_box_is_in_no_group() -> None:
    city = town((1.41, "Rue A", ""), (1.42, "Rue A", "yes"), groups=GROUPS)

    assert [] == city.groups


def test_a_city_without_groups_has_none() -> None:
    assert [] == town((1.41, "Rue A", ""), (1.42, "Rue A", ""), groups="").groups


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ("[[groups]]\nby = ['street']", "device_type is the name"),
        ("[[groups]]\ndevice_type = 'x'\nby = ['pole']", "by is a list of street and"),
        ("[[groups]]\ndevice_type = 'x'\nby = ['street']\ndr = 3", "knows no dr"),
        (
            "[[groups]]\ndevice_type = 'x'\nby = ['street']\ndata_rate = -1",
            "data_rate is a whole number",
        ),
        ("groups = 7", "is a list of tables, not 7"),
    ],
)
def test_a_wrong_group_is_named_with_its_fault(table: str, fault: str) -> None:
    toml = table + CITY if table.startswith("groups") else CITY + table

    with pytest.raises(Malformed, match=fault):
        DeclaredCity.parse(city_toml=toml, gateways_csv=GATEWAYS, devices_csv=HEAD)


def test_groups_are_created_with_their_nearest_gateways_and_no_members() -> None:
    registry = FakeRegistry()

    outcomes = run(QUIET, registry)

    assert {"created"} == {one.verdict for one in outcomes.values()}
    street = group(registry, "street-light street Rue A")
    assert ["02746c7300000001"] == registry.groups.gateways_of[street.id]
    district = group(registry, "street-light district Nord")
    both = ["02746c7300000001", "02746c7300000002"]
    assert both == registry.groups.gateways_of[district.id]
    assert [] == registry.groups.members_of[district.id]
    assert (3, 869_525_000, "EU868") == (
        street.data_rate,
        street.frequency_hz,
        street.region,
    )


def test_no_two_groups_share_keys_and_the_address_goes_with_the_key() -> None:
    registry = FakeRegistry()
    run(QUIET, registry)
    street, district = registry.groups.by_id.values()

    assert street.mc_nwk_s_key != district.mc_nwk_s_key
    assert street.mc_addr == address_of(bytes.fromhex(street.mc_nwk_s_key))
    assert street.mc_addr.startswith(("00", "01"))


def test_a_second_time_nothing_changes() -> None:
    registry = FakeRegistry()
    run(QUIET, registry)
    before = dict(registry.groups.by_id)

    outcomes = run(QUIET, registry)

    assert {"unchanged"} == {one.verdict for one in outcomes.values()}
    assert before == registry.groups.by_id


def test_keys_and_counter_outlive_a_change_of_the_data_rate() -> None:
    registry = FakeRegistry()
    run(QUIET, registry)
    before = group(registry, "street-light street Rue A")
    faster = town(
        (1.41, "Rue A", ""),
        (1.42, "Rue A", ""),
        (1.49, "Rue B", ""),
        groups=GROUPS + "data_rate = 5\n",
    )

    outcome = run(faster, registry)["street-light street Rue A"]

    after = group(registry, "street-light street Rue A")
    assert ("updated", "data_rate") == (outcome.verdict, outcome.why)
    assert (5, before.mc_nwk_s_key) == (after.data_rate, after.mc_nwk_s_key)


def test_a_lamp_that_moved_away_is_taken_out() -> None:
    registry = FakeRegistry()
    run(QUIET, registry)
    street = group(registry, "street-light street Rue A")
    for number in range(3):
        registry.groups.add_device(street.id, f"02746c6c0000010{number}")

    outcome = run(QUIET, registry)["street-light street Rue A"]

    assert "members" == outcome.why
    left = ["02746c6c00000100", "02746c6c00000101"]
    assert left == registry.groups.members_of[street.id]


def test_a_plan_makes_no_group() -> None:
    registry = FakeRegistry()
    keys = {str(device.dev_eui): "0" * 32 for device in QUIET.devices}

    outcomes = plan(QUIET, read_catalogue(HOME), keys, registry)

    assert {"created"} == {
        one.verdict for one in outcomes if one.kind == "multicast group"
    }
    assert {} == registry.groups.by_id


def test_the_lamp_understands_the_message_with_its_keys() -> None:
    device_type = read_type(HOME / "chirpstack/device-types/street-light")
    registry = FakeRegistry()
    run(QUIET, registry)
    street = group(registry, "street-light street Rue A")

    message = message_of(device_type, street, slot=2)
    (command,) = parse(int(device_type.multicast["f_port"]), message)

    assert isinstance(command, JoinGroup)
    assert (2, street.mc_addr) == (command.slot, str(command.mc_addr))
    assert street.mc_nwk_s_key == command.keys.mc_nwk_s_key.hex()
    assert street.mc_app_s_key == command.keys.mc_app_s_key.hex()


def test_no_key_is_in_the_text_of_a_group() -> None:
    registry = FakeRegistry()
    run(QUIET, registry)
    street = group(registry, "street-light street Rue A")

    assert street.mc_nwk_s_key not in repr(street)
    assert street.mc_app_s_key not in repr(street)
