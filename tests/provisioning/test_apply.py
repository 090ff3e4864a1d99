"""A declared city is brought about once, repeated at no cost, and undone."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from tests.provisioning.registry import FakeRegistry

from city.types import read_catalogue
from provisioning.apply import apply, plan, undo
from provisioning.entry import read_city
from provisioning.outcome import Outcome
from provisioning.wanted import changed_profile, profile_of

HOME = Path(__file__).parents[2]
CITY = read_city(HOME, "first-light")
TYPES = read_catalogue(HOME)
KEYS = {str(device.dev_eui): f"{n:032x}" for n, device in enumerate(CITY.devices)}
LAMP, BAY = "02746c6c00000001", "02746c7000000001"


def verdicts(outcomes: list[Outcome]) -> dict[str, int]:
    return dict(Counter(one.verdict for one in outcomes))


def provisioned() -> FakeRegistry:
    network = FakeRegistry()
    apply(CITY, TYPES, KEYS, network)
    network.writes.clear()
    return network


def test_an_empty_server_gets_the_whole_city() -> None:
    network = FakeRegistry()

    outcomes = apply(CITY, TYPES, KEYS, network)

    assert {"created": 1 + 1 + 2 + 2 + 14} == verdicts(outcomes)
    assert 14 == len(network.devices_by_eui) == len(network.keys)
    assert KEYS[LAMP] == network.keys[LAMP]


def test_what_is_in_the_box_is_left_there() -> None:
    network = provisioned()

    boxed = {str(device.dev_eui) for device in CITY.devices if device.box}
    assert 2 == len(boxed)
    assert not boxed & network.devices_by_eui.keys()


def test_a_second_run_changes_nothing() -> None:
    network = provisioned()

    outcomes = apply(CITY, TYPES, KEYS, network)

    assert {"unchanged": 20} == verdicts(outcomes)
    assert [] == network.writes


def test_the_profile_carries_type_codec_and_class() -> None:
    network = provisioned()

    lamp = network.profiles[network.device(LAMP).device_profile_id]
    assert {"device_type": "street-light"} == lamp["tags"]
    assert TYPES["street-light"].codec == lamp["payload_codec_script"]
    assert ("LORAWAN_1_0_3", "EU868") == (lamp["mac_version"], lamp["region"])
    assert lamp["supports_class_c"]


def test_a_devices_place_is_in_its_tags() -> None:
    tags = provisioned().device(LAMP).tags

    assert "Place Étienne Esquirol" == tags["street"]
    assert {"street", "district", "latitude", "longitude"} == set(tags)


def test_a_changed_device_is_updated_and_says_what_changed() -> None:
    network = provisioned()
    found = network.device(LAMP)
    network.devices_by_eui[LAMP] = replace(
        found, name="old", tags={"mine": "kept", "street": "Old"}, description="note"
    )

    outcomes = apply(CITY, TYPES, KEYS, network)

    changed = [one for one in outcomes if one.verdict != "unchanged"]
    assert [("updated", LAMP)] == [(one.verdict, one.id) for one in changed]
    assert "name, tag street" in changed[0].why
    assert ("kept", "note") == (
        network.device(LAMP).tags["mine"],
        network.device(LAMP).description,
    )


def test_a_changed_key_is_replaced() -> None:
    network = provisioned()
    network.keys[BAY] = "f" * 32

    outcomes = apply(CITY, TYPES, KEYS, network)

    assert [f"key {BAY}"] == network.writes
    assert ["key"] == [one.why for one in outcomes if one.verdict == "updated"]


def test_a_changed_codec_updates_the_profile_and_keeps_the_rest() -> None:
    network = provisioned()
    profile_id = network.device(LAMP).device_profile_id
    network.profiles[profile_id]["payload_codec_script"] = "old"
    network.profiles[profile_id]["description"] = "by hand"

    outcomes = apply(CITY, TYPES, KEYS, network)

    (updated,) = [one for one in outcomes if one.verdict == "updated"]
    assert "payload_codec_script" == updated.why
    assert (
        TYPES["street-light"].codec
        == (network.profiles[profile_id]["payload_codec_script"])
    )
    assert "by hand" == network.profiles[profile_id]["description"]


def test_a_moved_gateway_is_updated_and_rounding_is_no_move() -> None:
    network = provisioned()
    first, second = network.gateways_by_id.values()
    network.gateways_by_id[first.gateway_id] = replace(first, latitude=43.0)
    network.gateways_by_id[second.gateway_id] = replace(
        second, latitude=second.latitude + 1e-7
    )

    apply(CITY, TYPES, KEYS, network)

    assert [f"update gateway {first.name}"] == network.writes


def test_no_device_is_left_without_its_key() -> None:
    network = FakeRegistry()
    network.refuse_keys_of = {LAMP}

    outcomes = apply(CITY, TYPES, KEYS, network)

    (failed,) = [one for one in outcomes if one.verdict == "failed"]
    assert LAMP == failed.id
    assert LAMP not in network.devices_by_eui
    assert 13 == len(network.devices_by_eui)


def test_a_half_made_device_that_stays_is_told() -> None:
    network = FakeRegistry()
    network.refuse_keys_of, network.refuse_deletion = {LAMP}, True

    outcomes = apply(CITY, TYPES, KEYS, network)

    (failed,) = [one for one in outcomes if one.verdict == "failed"]
    assert "remove it by hand" in failed.why


def test_a_device_of_somebody_else_is_not_touched() -> None:
    network = provisioned()
    theirs = replace(network.device(LAMP), application_id="theirs")
    network.devices_by_eui[LAMP] = theirs

    outcomes = apply(CITY, TYPES, KEYS, network)

    (failed,) = [one for one in outcomes if one.verdict == "failed"]
    assert "in another application" in failed.why
    assert theirs == network.device(LAMP)


def test_a_device_of_an_unknown_type_fails_alone() -> None:
    types = {"parking-bay": TYPES["parking-bay"]}

    outcomes = apply(CITY, types, KEYS, FakeRegistry())

    failed = [one for one in outcomes if one.verdict == "failed"]
    assert 10 == len(failed)
    assert "the device type 'street-light' is not known (parking-bay)" == failed[0].why


def test_a_device_without_a_key_fails_alone() -> None:
    keys = {eui: key for eui, key in KEYS.items() if eui != LAMP}

    outcomes = apply(CITY, TYPES, keys, FakeRegistry())

    (failed,) = [one for one in outcomes if one.verdict == "failed"]
    assert "it has no key in the key file" == failed.why


def test_a_plan_says_the_same_and_writes_nothing() -> None:
    network = FakeRegistry()

    planned = plan(CITY, TYPES, KEYS, network)

    assert [] == network.writes
    applied = apply(CITY, TYPES, KEYS, network)
    assert [(o.kind, o.name, o.verdict) for o in applied] == [
        (o.kind, o.name, o.verdict) for o in planned
    ]
    assert {"unchanged": 20} == verdicts(plan(CITY, TYPES, KEYS, network))


def test_progress_is_told_row_by_row() -> None:
    told: list[Outcome] = []

    outcomes = apply(CITY, TYPES, KEYS, FakeRegistry(), told.append)

    assert outcomes == told


def test_an_import_can_be_undone() -> None:
    network = FakeRegistry()
    outcomes = apply(CITY, TYPES, KEYS, network)

    removed = undo(outcomes, network)

    assert {"removed": 16} == verdicts(removed)
    assert ({}, {}) == (network.devices_by_eui, network.gateways_by_id)


def test_undoing_leaves_what_was_there_before() -> None:
    network = provisioned()

    assert [] == undo(apply(CITY, TYPES, KEYS, network), network)
    assert 14 == len(network.devices_by_eui)


def test_a_profile_is_compared_in_what_we_want_only() -> None:
    wanted = profile_of(TYPES["parking-bay"], "t")

    assert [] == changed_profile({**wanted, "id": "p", "is_relay": False}, wanted)
    assert ["uplink_interval"] == changed_profile(
        {**wanted, "uplink_interval": 1}, wanted
    )


def test_in_a_city_of_another_region_the_profile_is_of_that_one() -> None:
    wanted = profile_of(TYPES["street-light"], "t", "us915_1")

    assert "US915" == wanted["region"]
    assert profile_of(TYPES["street-light"], "t") == profile_of(
        TYPES["street-light"], "t", "eu868"
    )


def test_a_lorawan_1_1_device_has_two_root_keys() -> None:
    lamp = TYPES["street-light"]
    newer = replace(lamp, profile={**lamp.profile, "mac_version": "1.1.0"})
    network = FakeRegistry()

    apply(CITY, {**TYPES, "street-light": newer}, KEYS, network)

    lamps = {d for d in CITY.provisioned if d.device_type == "street-light"}
    assert {str(lamp.dev_eui) for lamp in lamps} == network.with_two_roots
    assert "LORAWAN_1_1_0" == profile_of(newer, "t")["mac_version"]
