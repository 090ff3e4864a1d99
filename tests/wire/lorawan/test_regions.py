"""
The regions against the published regional tables, RP002-1.0.4.

The tables are written out here as TheThingsNetwork/lorawan-stack publishes them
(pkg/band/testdata/*_RP002_V1_0_4.json), M behind a repeater and the two cells noted
below as chirpstack/chirpstack@d77207cd has them (lrwn/src/region).
"""

import pytest

from wire.errors import Illegal, Malformed
from wire.lorawan.mhdr import Direction
from wire.lorawan.region import Modulation, Region
from wire.lorawan.region.as923 import AS923, AS923_2, AS923_3, AS923_4
from wire.lorawan.region.au915 import AU915
from wire.lorawan.region.catalogue import COMMON, REGIONS, find_region
from wire.lorawan.region.fixed import bank, channel_masks
from wire.lorawan.region.in865 import IN865
from wire.lorawan.region.us915 import US915

UP, DOWN = Direction.UP, Direction.DOWN

# region, DR, direction, SF, bandwidth, M, M within 400 ms, M behind a repeater
LORA_RATES = [
    (US915, 0, UP, 10, 125_000, 19, 19, 19),
    (US915, 1, UP, 9, 125_000, 61, 61, 61),
    (US915, 2, UP, 8, 125_000, 133, 133, 133),
    (US915, 3, UP, 7, 125_000, 250, 250, 230),
    (US915, 4, UP, 8, 500_000, 250, 250, 230),
    (US915, 8, DOWN, 12, 500_000, 61, 61, 61),
    (US915, 9, DOWN, 11, 500_000, 137, 137, 137),
    (US915, 10, DOWN, 10, 500_000, 250, 250, 230),
    (US915, 11, DOWN, 9, 500_000, 250, 250, 230),
    (US915, 12, DOWN, 8, 500_000, 250, 250, 230),
    (US915, 13, DOWN, 7, 500_000, 250, 250, 230),
    (AU915, 0, UP, 12, 125_000, 59, 0, 59),
    (AU915, 1, UP, 11, 125_000, 59, 0, 59),
    (AU915, 2, UP, 10, 125_000, 59, 19, 59),
    (AU915, 3, UP, 9, 125_000, 123, 61, 123),
    (AU915, 4, UP, 8, 125_000, 250, 133, 230),
    (AU915, 5, UP, 7, 125_000, 250, 250, 230),
    (AU915, 6, UP, 8, 500_000, 250, 250, 230),
    (AU915, 8, DOWN, 12, 500_000, 61, 61, 61),
    (AU915, 9, DOWN, 11, 500_000, 137, 137, 137),
    (AU915, 10, DOWN, 10, 500_000, 250, 250, 230),
    (AU915, 11, DOWN, 9, 500_000, 250, 250, 230),
    (AU915, 12, DOWN, 8, 500_000, 250, 250, 230),
    (AU915, 13, DOWN, 7, 500_000, 250, 250, 230),
    (AS923, 0, UP, 12, 125_000, 59, 0, 59),
    (AS923, 1, UP, 11, 125_000, 59, 0, 59),
    (AS923, 2, UP, 10, 125_000, 123, 19, 123),
    (AS923, 3, UP, 9, 125_000, 123, 61, 123),
    (AS923, 4, UP, 8, 125_000, 250, 133, 230),
    (AS923, 5, DOWN, 7, 125_000, 250, 250, 230),
    (AS923, 6, DOWN, 7, 250_000, 250, 250, 230),
    (IN865, 0, UP, 12, 125_000, 59, 59, 59),
    (IN865, 1, UP, 11, 125_000, 59, 59, 59),
    (IN865, 2, UP, 10, 125_000, 59, 59, 59),
    (IN865, 3, DOWN, 9, 125_000, 123, 123, 123),
    (IN865, 4, DOWN, 8, 125_000, 250, 250, 230),
    (IN865, 5, DOWN, 7, 125_000, 250, 250, 230),
]


def _named(value: object) -> str | None:
    return value.common_name if isinstance(value, Region) else None


@pytest.mark.parametrize(
    ("region", "index", "way", "sf", "bandwidth_hz", "most", "dwell", "behind"),
    LORA_RATES,
    ids=_named,
)
def test_each_lora_data_rate_is_the_published_one(
    region: Region,
    index: int,
    way: Direction,
    sf: int,
    bandwidth_hz: int,
    most: int,
    dwell: int,
    behind: int,
) -> None:
    rate = region.data_rate(index)

    assert (sf, bandwidth_hz) == (rate.spreading_factor, rate.bandwidth_hz)
    assert (most, dwell, behind) == (
        rate.mac_payload(),
        rate.mac_payload(dwell=True),
        rate.mac_payload(repeater=True),
    )
    assert max(dwell - 8, 0) == rate.frm_payload(dwell=True)
    assert rate is region.data_rate_of(sf, bandwidth_hz, way)


@pytest.mark.parametrize(
    ("region", "indices"),
    [
        (US915, [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13]),
        (AU915, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]),
        (AS923, [0, 1, 2, 3, 4, 5, 6, 7]),
        (IN865, [0, 1, 2, 3, 4, 5, 7]),
    ],
    ids=_named,
)
def test_there_are_no_other_data_rates(region: Region, indices: list[int]) -> None:
    assert indices == [rate.index for rate in region.data_rates]


@pytest.mark.parametrize(
    ("region", "index", "kind", "most"),
    [
        (US915, 5, Modulation.LR_FHSS, 58),
        (US915, 6, Modulation.LR_FHSS, 133),
        (AU915, 7, Modulation.LR_FHSS, 58),
        (AS923, 7, Modulation.FSK, 250),
        (IN865, 7, Modulation.FSK, 250),
    ],
    ids=_named,
)
def test_the_other_modulations_are_the_published_ones(
    region: Region, index: int, kind: Modulation, most: int
) -> None:
    rate = region.data_rate(index)

    assert (kind, most) == (rate.modulation, rate.max_mac_payload)


# region, within 400 ms, rows by uplink DR
RX1 = [
    (US915, False, 0, (10, 9, 8, 8)),
    (US915, False, 1, (11, 10, 9, 8)),
    (US915, False, 2, (12, 11, 10, 9)),
    (US915, False, 3, (13, 12, 11, 10)),
    (US915, False, 4, (13, 13, 12, 11)),
    (US915, False, 5, (10, 9, 8, 8)),
    (US915, False, 6, (11, 10, 9, 8)),
    (AU915, False, 0, (8, 8, 8, 8, 8, 8)),
    (AU915, False, 1, (9, 8, 8, 8, 8, 8)),
    (AU915, True, 2, (10, 9, 8, 8, 8, 8)),
    (AU915, False, 3, (11, 10, 9, 8, 8, 8)),
    (AU915, False, 4, (12, 11, 10, 9, 8, 8)),
    (AU915, False, 5, (13, 12, 11, 10, 9, 8)),
    (AU915, False, 6, (13, 13, 12, 11, 10, 9)),
    (AU915, False, 7, (9, 8, 8, 8, 8, 8)),
    (AS923, False, 0, (0, 0, 0, 0, 0, 0, 1, 2)),
    (AS923, False, 1, (1, 0, 0, 0, 0, 0, 2, 3)),
    (AS923, False, 2, (2, 1, 0, 0, 0, 0, 3, 4)),
    (AS923, False, 3, (3, 2, 1, 0, 0, 0, 4, 5)),
    (AS923, False, 4, (4, 3, 2, 1, 0, 0, 5, 6)),
    (AS923, False, 5, (5, 4, 3, 2, 1, 0, 6, 7)),
    (AS923, False, 6, (6, 5, 4, 3, 2, 1, 7, 7)),
    (AS923, False, 7, (7, 6, 5, 4, 3, 2, 7, 7)),
    (AS923, True, 0, (2, 2, 2, 2, 2, 2, 2, 2)),
    (AS923, True, 1, (2, 2, 2, 2, 2, 2, 2, 3)),
    (AS923, True, 2, (2, 2, 2, 2, 2, 2, 3, 4)),
    (AS923, True, 3, (3, 2, 2, 2, 2, 2, 4, 5)),
    (AS923, True, 4, (4, 3, 2, 2, 2, 2, 5, 6)),
    (AS923, True, 5, (5, 4, 3, 2, 2, 2, 6, 7)),
    (AS923, True, 6, (6, 5, 4, 3, 2, 2, 7, 7)),
    (AS923, True, 7, (7, 6, 5, 4, 3, 2, 7, 7)),
    (IN865, False, 0, (0, 0, 0, 0, 0, 0, 1, 2)),
    (IN865, False, 1, (1, 0, 0, 0, 0, 0, 2, 3)),
    (IN865, False, 2, (2, 1, 0, 0, 0, 0, 3, 4)),
    (IN865, False, 3, (3, 2, 1, 0, 0, 0, 4, 5)),
    # DR6 is reserved: ChirpStack and LoRaMac-node stay at DR5
    (IN865, False, 4, (4, 3, 2, 1, 0, 0, 5, 5)),
    (IN865, False, 5, (5, 4, 3, 2, 1, 0, 5, 5)),
]


@pytest.mark.parametrize(("region", "dwell", "uplink", "row"), RX1, ids=_named)
def test_rx1_is_the_published_table(
    region: Region, dwell: bool, uplink: int, row: tuple[int, ...]
) -> None:
    offsets = range(len(row))

    assert row == tuple(region.rx1_data_rate(uplink, o, dwell=dwell) for o in offsets)
    with pytest.raises(Illegal, match="no RX1"):
        region.rx1_data_rate(uplink, len(row), dwell=dwell)


@pytest.mark.parametrize(
    ("region", "rx2_hz", "rx2_dr", "eirp_dbm", "last_power", "gateway_dbm"),
    [
        (US915, 923_300_000, 8, 30, 14, 21),
        (AU915, 923_300_000, 8, 30, 14, 30),
        (AS923, 923_200_000, 2, 16, 7, 16),
        (AS923_2, 921_400_000, 2, 16, 7, 16),
        (AS923_3, 916_600_000, 2, 16, 7, 16),
        (AS923_4, 917_300_000, 2, 16, 7, 16),
        (IN865, 866_550_000, 2, 30, 10, 30),
    ],
    ids=_named,
)
def test_rx2_and_powers_are_the_published_ones(
    region: Region,
    rx2_hz: int,
    rx2_dr: int,
    eirp_dbm: int,
    last_power: int,
    gateway_dbm: int,
) -> None:
    assert (rx2_hz, rx2_dr) == (region.rx2_frequency_hz, region.rx2_data_rate)
    assert eirp_dbm == region.eirp_dbm(0)
    assert eirp_dbm - 2 * last_power == region.eirp_dbm(last_power)
    assert gateway_dbm == region.gateway_eirp_dbm(rx2_hz)
    with pytest.raises(Illegal, match="no TXPower"):
        region.eirp_dbm(last_power + 1)


def test_a_set_up_power_is_what_the_index_counts_from() -> None:
    assert 20 - 4 == AU915.eirp_dbm(2, max_eirp_dbm=20)


@pytest.mark.parametrize("region", COMMON.values(), ids=_named)
def test_delays_are_the_same_everywhere(region: Region) -> None:
    assert (1, 2) == (region.rx1_delay_s, region.rx2_delay_s)
    assert (5, 6) == (region.join_accept_delay1_s, region.join_accept_delay2_s)
    assert (64, 32) == (region.adr_ack_limit, region.adr_ack_delay)


# region, index, frequency, DRs
CHANNELS = [
    (US915, 0, 902_300_000, (0, 3)),
    (US915, 1, 902_500_000, (0, 3)),
    (US915, 63, 914_900_000, (0, 3)),
    (US915, 64, 903_000_000, (4, 6)),
    (US915, 65, 904_600_000, (4, 6)),
    (US915, 71, 914_200_000, (4, 6)),
    (AU915, 0, 915_200_000, (0, 5)),
    (AU915, 63, 927_800_000, (0, 5)),
    (AU915, 64, 915_900_000, (6, 7)),
    (AU915, 71, 927_100_000, (6, 7)),
    (AS923, 0, 923_200_000, (0, 5)),
    (AS923, 1, 923_400_000, (0, 5)),
    (AS923_2, 0, 921_400_000, (0, 5)),
    (AS923_2, 1, 921_600_000, (0, 5)),
    (AS923_3, 0, 916_600_000, (0, 5)),
    (AS923_3, 1, 916_800_000, (0, 5)),
    (AS923_4, 0, 917_300_000, (0, 5)),
    (AS923_4, 1, 917_500_000, (0, 5)),
    (IN865, 0, 865_062_500, (0, 5)),
    (IN865, 1, 865_402_500, (0, 5)),
    (IN865, 2, 865_985_000, (0, 5)),
]


@pytest.mark.parametrize(("region", "index", "hz", "rates"), CHANNELS, ids=_named)
def test_each_default_channel_is_the_published_one(
    region: Region, index: int, hz: int, rates: tuple[int, int]
) -> None:
    channel = region.default_channels[index]

    assert (index, hz) == (channel.index, channel.frequency_hz)
    assert rates == (channel.min_dr, channel.max_dr)
    assert channel == region.channel_of(hz)
    assert region.sub_band(hz) is not None


@pytest.mark.parametrize(
    ("region", "count", "most"),
    [(US915, 72, 72), (AU915, 72, 72), (AS923, 2, 16), (IN865, 3, 16)],
    ids=_named,
)
def test_so_many_channels_a_device_knows_and_can_know(
    region: Region, count: int, most: int
) -> None:
    assert count == len(region.default_channels)
    assert most == region.max_channels


@pytest.mark.parametrize(
    ("region", "uplink_hz", "rx1_hz"),
    [
        (US915, 902_300_000, 923_300_000),
        (US915, 903_900_000, 923_300_000),  # channel 8
        (US915, 914_900_000, 927_500_000),  # channel 63
        (US915, 904_600_000, 923_900_000),  # channel 65
        (AU915, 916_800_000, 923_300_000),  # channel 8
        (AU915, 927_100_000, 927_500_000),  # channel 71
        (AS923, 923_400_000, 923_400_000),
        (IN865, 865_985_000, 865_985_000),
    ],
    ids=_named,
)
def test_rx1_is_on_the_published_channel(
    region: Region, uplink_hz: int, rx1_hz: int
) -> None:
    assert rx1_hz == region.rx1_frequency_hz(uplink_hz)


@pytest.mark.parametrize(
    ("region", "rates"),
    [(US915, (0, 4)), (AU915, (2, 6)), (AS923, (2, 3, 4, 5)), (IN865, ())],
    ids=_named,
)
def test_a_join_may_use_these_data_rates(
    region: Region, rates: tuple[int, ...]
) -> None:
    assert rates == region.join_data_rates


def test_only_two_regions_set_up_power_and_dwell_time() -> None:
    assert ["AU915", "AS923", "AS923_2", "AS923_3", "AS923_4"] == [
        name for name, region in COMMON.items() if region.tx_param_setup
    ]
    assert ["AU915", "AS923", "AS923_2", "AS923_3", "AS923_4"] == [
        name for name, region in COMMON.items() if region.uplink_dwell
    ]


# Sub-bands as ChirpStack's set-ups us915_1 and au915_7 enable them.


@pytest.mark.parametrize(
    ("name", "enabled"),
    [
        ("us915_0", [0, 1, 2, 3, 4, 5, 6, 7, 64]),
        ("us915_1", [8, 9, 10, 11, 12, 13, 14, 15, 65]),
        ("au915_7", [56, 57, 58, 59, 60, 61, 62, 63, 71]),
    ],
)
def test_a_sub_band_is_eight_narrow_channels_and_a_wide_one(
    name: str, enabled: list[int]
) -> None:
    assert enabled == [channel.index for channel in REGIONS[name].stock_channels()]


def test_a_sub_band_still_knows_every_channel() -> None:
    region = REGIONS["us915_1"]

    assert 72 == len(region.all_channels())
    assert 923_900_000 == region.rx1_frequency_hz(902_500_000)


@pytest.mark.parametrize(
    ("name", "octets"),
    [
        ("us915_0", "ff000000000000000100" + "0000000000" + "01"),
        ("us915_1", "00ff0000000000000200" + "0000000000" + "01"),
        ("au915_7", "00000000000000ff8000" + "0000000000" + "01"),
    ],
)
def test_a_sub_bands_cf_list_is_of_masks(name: str, octets: str) -> None:
    assert octets == bytes(REGIONS[name].cf_list or b"").hex()


def test_masks_go_from_channel_zero_upward() -> None:
    assert (0x0001, 0x8000, 0, 0, 0x0080) == channel_masks((0, 31, 71))
    assert (16, 23, 66) == (bank(2)[0], bank(2)[7], bank(2)[8])


def test_regions_are_found_by_their_set_ups_name() -> None:
    assert find_region("as923_4") is AS923_4
    with pytest.raises(Malformed, match="region is 'us915', not one of eu868, us915_0"):
        find_region("us915")
