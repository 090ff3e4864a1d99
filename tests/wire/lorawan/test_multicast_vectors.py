"""Multicast, class B and the packages, held against what others published."""

import json
from pathlib import Path
from typing import Any

import pytest

from wire.applayer import clock_sync, multicast_setup
from wire.applayer.package import parse_commands
from wire.errors import Illegal, Malformed
from wire.lorawan import multicast
from wire.lorawan.airtime import lora_airtime_s
from wire.lorawan.beacon import Beacon
from wire.lorawan.class_b import (
    beacon_airtime_s,
    next_ping_slot_ms,
    ping_nb,
    ping_offset,
)
from wire.lorawan.ids import DevAddr
from wire.lorawan.keys import Key
from wire.lorawan.mhdr import Direction
from wire.lorawan.region.eu868 import EU868

VECTORS = json.loads(
    (Path(__file__).parent.parent / "vectors/lorawan.json").read_text(encoding="utf-8")
)["vectors"]
PACKAGES: dict[str, Any] = {
    "clock_sync": clock_sync,
    "multicast_setup": multicast_setup,
}

Given = dict[str, Any]


def of_kind(kind: str) -> list[Any]:
    return [
        pytest.param(vector["given"], vector["expect"], id=vector["id"])
        for vector in VECTORS
        if vector["kind"] == kind
    ]


KEYS: dict[str, Any] = {
    "mc_root_key": lambda given: (
        multicast.mc_root_key(Key.parse(given["gen_app_key"]))
        if "gen_app_key" in given
        else multicast.mc_root_key_1_1(Key.parse(given["app_key"]))
    ),
    "mc_ke_key": lambda given: multicast.mc_ke_key(Key.parse(given["root_key"])),
    "mc_key_encrypted": lambda given: multicast.wrap_mc_key(
        Key.parse(given["ke_key"]), Key.parse(given["mc_key"])
    ),
    "mc_app_s_key": lambda given: _session(given).mc_app_s_key,
    "mc_nwk_s_key": lambda given: _session(given).mc_nwk_s_key,
}


def _session(given: Given) -> multicast.McSessionKeys:
    return multicast.mc_session_keys(
        Key.parse(given["mc_key"]), DevAddr.parse(given["mc_addr"])
    )


@pytest.mark.parametrize(("given", "expect"), of_kind("multicast_keys"))
def test_the_keys_of_a_group_derive(given: Given, expect: Given) -> None:
    assert expect == {name: KEYS[name](given).hex() for name in expect}


def test_a_device_unwraps_the_key_the_server_wrapped() -> None:
    ke_key, mc_key = Key(b"\x01" * 16), Key(b"\x02" * 16)
    wrapped = multicast.wrap_mc_key(ke_key, mc_key)

    assert mc_key == multicast.unwrap_mc_key(ke_key, wrapped)


@pytest.mark.parametrize(("given", "expect"), of_kind("multicast_setup"))
def test_a_group_is_set_up_in_these_octets(given: Given, expect: Given) -> None:
    (wanted,) = given["commands"]
    command = multicast_setup.McGroupSetupReq(
        group_id=wanted["mc_group_id"],
        mc_addr=DevAddr.parse(wanted["mc_addr"]),
        mc_key_encrypted=bytes.fromhex(wanted["mc_key_encrypted"]),
        min_mc_f_count=wanted["min_mc_fcnt"],
        max_mc_f_count=wanted["max_mc_fcnt"],
    )

    assert expect["wire"] == [bytes(command).hex()]
    (read,) = parse_commands(multicast_setup.COMMANDS, bytes(command), Direction.DOWN)
    assert command == read


@pytest.mark.parametrize(("given", "expect"), of_kind("package_command"))
def test_a_packages_command_builds_and_reads(given: Given, expect: Given) -> None:
    package, fields = PACKAGES[given["package"]], dict(given["fields"])
    if "groups" in fields:
        fields["groups"] = tuple((n, DevAddr.parse(a)) for n, a in fields["groups"])
    command = getattr(package, given["command"])(**fields)

    assert expect["octets"] == bytes(command).hex()
    octets, direction = bytes(command), Direction[given["direction"]]
    assert [command] == list(parse_commands(package.COMMANDS, octets, direction))


def test_commands_follow_one_another_in_one_message() -> None:
    octets = bytes.fromhex("0302" + "00" + "0103")

    read = list(parse_commands(multicast_setup.COMMANDS, octets, Direction.DOWN))

    assert ["0302", "00", "0103"] == [bytes(command).hex() for command in read]


def test_a_cut_off_command_is_no_command() -> None:
    with pytest.raises(Malformed, match="McGroupStatusReq has 1 octets, 0 came"):
        list(parse_commands(multicast_setup.COMMANDS, b"\x01", Direction.DOWN))


def test_an_unknown_command_ends_the_reading() -> None:
    with pytest.raises(Malformed, match="no command 7f"):
        list(parse_commands(clock_sync.COMMANDS, b"\x7f\x00", Direction.UP))


def test_a_correction_may_be_backwards() -> None:
    octets = bytes(clock_sync.AppTimeAns(correction_s=-18, token=3))

    assert "01eeffffff03" == octets.hex()
    (read,) = parse_commands(clock_sync.COMMANDS, octets, Direction.DOWN)
    assert clock_sync.AppTimeAns(correction_s=-18, token=3) == read


@pytest.mark.parametrize(("given", "expect"), of_kind("ping_slot"))
def test_the_next_ping_slot_is_there(given: Given, expect: Given) -> None:
    assert expect["next_ping_slot_ms"] == [
        next_ping_slot_ms(
            case["after_gps_ms"], DevAddr.parse(case["dev_addr"]), case["ping_nb"]
        )
        for case in given["cases"]
    ]


@pytest.mark.parametrize("periodicity", range(8))
def test_an_offset_leaves_room_for_every_slot(periodicity: int) -> None:
    slots = ping_nb(periodicity)

    for beacon in range(200):
        offset = ping_offset(beacon * 128_000, DevAddr.parse("01a7c3e5"), slots)
        assert 0 <= offset < 4096 // slots


def test_a_periodicity_of_eight_is_none() -> None:
    with pytest.raises(Illegal, match="0 to 7, not 8"):
        ping_nb(8)


@pytest.mark.parametrize(("given", "expect"), of_kind("beacon"))
def test_a_beacon_builds_and_reads(given: Given, expect: Given) -> None:
    plan = EU868.class_b
    assert plan is not None
    octets = bytes.fromhex(expect["beacon"])

    beacon = Beacon.parse(octets, plan)

    assert given["gps_seconds"] == beacon.gps_seconds
    assert given["info_desc"] == beacon.info_desc
    assert beacon.is_ours
    assert octets == beacon.octets(plan)


def test_a_beacon_of_several_gateways_still_tells_the_time() -> None:
    plan = EU868.class_b
    assert plan is not None
    octets = bytearray.fromhex("0000000002cca27e00012000008103de55")
    octets[12] ^= 0xFF

    beacon = Beacon.parse(bytes(octets), plan)

    assert (3_422_683_136, False) == (beacon.gps_seconds, beacon.is_ours)


def test_a_beacon_with_a_wrong_time_is_none() -> None:
    plan = EU868.class_b
    assert plan is not None
    octets = bytearray.fromhex("0000000002cca27e00012000008103de55")
    octets[3] ^= 1

    with pytest.raises(Malformed, match="CRC of the beacon's time"):
        Beacon.parse(bytes(octets), plan)


def test_a_beacon_is_so_long_in_the_air() -> None:
    # 17 octets at SF9, implicit header, no CRC, ten symbols of preamble
    assert 0.152576 == pytest.approx(beacon_airtime_s(17, 9, 125_000))
    assert lora_airtime_s(17, spreading_factor=9, bandwidth_hz=125_000) > 0.152576


def test_a_beacon_says_where_the_gateway_stands() -> None:
    plan = EU868.class_b
    assert plan is not None
    here = Beacon(gps_seconds=1_473_000_064, latitude=43.6045, longitude=1.444)

    found = Beacon.parse(here.octets(plan), plan)

    assert (43.6045, 1.444) == pytest.approx(
        (found.latitude, found.longitude), abs=2e-5
    )
