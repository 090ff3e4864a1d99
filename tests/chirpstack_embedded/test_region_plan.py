"""What the server makes of a region: masks, sizes, powers, who knows what."""

from typing import Any

import pytest
from chirpstack_api import api, common

from chirpstack_embedded.config import Region, RegionNetwork
from chirpstack_embedded.core.mac import channel_mask
from chirpstack_embedded.core.mac.tx_param_setup import eirp_index
from chirpstack_embedded.core.region import RegionPlan
from wire.lorawan.region.catalogue import COMMON

V = common.MacVersion


def plan(name: str, **network: Any) -> RegionPlan:
    settings = RegionNetwork(**network)
    return RegionPlan(Region(id="r", common_name=name, network=settings))


@pytest.mark.parametrize(
    ("dbm", "index"), [(0, 0), (8, 0), (9.9, 0), (10, 1), (16, 5), (30, 13), (99, 15)]
)
def test_the_coded_power_is_the_greatest_not_above(dbm: float, index: int) -> None:
    assert index == eirp_index(dbm)


@pytest.mark.parametrize(
    ("name", "version", "known"),
    [
        ("AS923", V.LORAWAN_1_0_2, True),
        ("AS923_4", V.LORAWAN_1_0_4, True),
        ("AU915", V.LORAWAN_1_0_1, False),
        ("AU915", V.LORAWAN_1_0_2, False),
        ("AU915", V.LORAWAN_1_0_3, True),
        ("US915", V.LORAWAN_1_0_3, False),
        ("IN865", V.LORAWAN_1_0_3, False),
        ("EU868", V.LORAWAN_1_1_0, False),
    ],
)
def test_only_some_devices_know_tx_param_setup(
    name: str, version: int, known: bool
) -> None:
    profile = api.DeviceProfile(mac_version=version)

    assert known == plan(name).sets_up_transmission(profile)


# Masks


def masks(plan_: RegionPlan, on_device: list[int]) -> list[tuple[int, int]]:
    found = channel_mask.requests(plan_, on_device)
    return [(one.ch_mask_cntl, one.ch_mask) for one in found]


@pytest.mark.proves("mac:LinkADRReq")
@pytest.mark.parametrize(
    ("enabled", "on_device", "expected"),
    [
        # all on the device, one sub-band wanted: two are shorter than five
        ([*range(8), 64], list(range(72)), [(7, 1), (0, 0x00FF)]),
        # already so
        ([*range(8), 64], [*range(8), 64], []),
        # one block differs: it alone
        ([*range(8), 64], [*range(16), 64], [(0, 0x00FF)]),
        # two sub-bands in one block
        ([*range(16), 64, 65], list(range(72)), [(7, 3), (0, 0xFFFF)]),
    ],
)
def test_a_fixed_plan_masks_with_the_fewest_requests(
    enabled: list[int], on_device: list[int], expected: list[tuple[int, int]]
) -> None:
    us915 = plan("US915", enabled_uplink_channels=tuple(enabled))

    assert expected == masks(us915, on_device)
    asked = channel_mask.requests(us915, on_device)
    assert enabled == channel_mask.apply(us915, on_device, asked)


def test_adr_repeats_the_block_of_the_first_channel() -> None:
    assert (0, 0xFF00) == channel_mask.one_block([*range(8, 16), 65])
    assert (1, 0x00FF) == channel_mask.one_block([*range(16, 24), 66])
    assert (0, 0) == channel_mask.one_block([])


# Payload sizes: N as chirpstack/chirpstack@d77207cd holds it (lrwn/src/region).
SIZES = [
    ("US915", 8, V.LORAWAN_1_0_3, "A", {}, 53),
    ("US915", 9, V.LORAWAN_1_0_3, "A", {}, 129),
    ("US915", 13, V.LORAWAN_1_0_3, "A", {}, 242),
    ("US915", 8, V.LORAWAN_1_0_3, "A", {"repeater_compatible": True}, 33),
    ("US915", 8, V.LORAWAN_1_0_4, "RP002_1_0_1", {"repeater_compatible": True}, 33),
    ("US915", 8, V.LORAWAN_1_0_4, "RP002_1_0_3", {"repeater_compatible": True}, 53),
    ("AU915", 9, V.LORAWAN_1_0_2, "B", {"repeater_compatible": True}, 109),
    ("AU915", 10, V.LORAWAN_1_0_3, "A", {"repeater_compatible": True}, 222),
    ("AS923", 2, V.LORAWAN_1_0_3, "A", {}, 51),
    ("AS923", 2, V.LORAWAN_1_0_4, "RP002_1_0_0", {}, 51),
    ("AS923", 2, V.LORAWAN_1_0_4, "RP002_1_0_3", {}, 115),
    ("AS923", 2, V.LORAWAN_1_0_3, "A", {"dwell_time_400ms": True}, 11),
    ("AS923", 0, V.LORAWAN_1_0_3, "A", {"dwell_time_400ms": True}, 0),
    ("AS923_3", 4, V.LORAWAN_1_0_3, "A", {"dwell_time_400ms": True}, 125),
    (
        "AS923",
        5,
        V.LORAWAN_1_0_4,
        "RP002_1_0_3",
        {"dwell_time_400ms": True, "repeater_compatible": True},
        222,
    ),
    (
        "AS923",
        5,
        V.LORAWAN_1_0_3,
        "A",
        {"dwell_time_400ms": True, "repeater_compatible": True},
        242,
    ),
    ("IN865", 2, V.LORAWAN_1_0_3, "A", {}, 51),
    ("IN865", 5, V.LORAWAN_1_0_4, "RP002_1_0_3", {"repeater_compatible": True}, 222),
    ("EU868", 4, V.LORAWAN_1_0_3, "A", {}, 242),
    ("EU868", 4, V.LORAWAN_1_0_4, "RP002_1_0_3", {}, 222),
]


@pytest.mark.parametrize(("name", "dr", "version", "revision", "set_up", "n"), SIZES)
def test_the_room_of_a_downlink_is_chirpstacks(
    name: str, dr: int, version: int, revision: str, set_up: dict[str, bool], n: int
) -> None:
    profile = api.DeviceProfile(
        mac_version=version,
        reg_params_revision=common.RegParamsRevision.Value(revision),
    )

    assert n == plan(name, **set_up).max_payload_size(profile, dr)


def test_within_400_ms_rx1_is_never_too_slow() -> None:
    assert 2 == plan("AS923", dwell_time_400ms=True).rx1_data_rate(2, 5)
    assert 0 == plan("AS923").rx1_data_rate(2, 5)


def test_adr_may_go_to_chirpstacks_last_power() -> None:
    assert {"US915": 14, "AU915": 14, "AS923": 7, "IN865": 14, "EU868": 7} == {
        name: plan(name).max_tx_power_index
        for name in COMMON
        if not name.startswith("AS923_")
    }
